//! Where the elements of a row lie, in the input and in everything beside it: nested loops over the
//! axes, as few as the strides allow.

use crate::masking::levels::{INPUT, Level, OPERANDS};

/// Offsets in each array, or steps of them.
pub(crate) type Offsets = [u64; OPERANDS];

/// Loops within one another, the outermost first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loops {
    levels: Vec<Level>,
}

/// Equal steps from one index to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    pub at: Offsets,
    pub len: usize,
    pub step: Offsets,
}

impl Loops {
    /// At least one.
    pub(crate) fn new(levels: Vec<Level>) -> Self {
        Self { levels }
    }

    /// One loop over elements that lie side by side.
    pub(crate) fn side_by_side(size: u64) -> Self {
        let mut strides = [0; OPERANDS];
        strides[INPUT] = 1;
        Self { levels: vec![Level { size, strides }] }
    }

    /// The innermost loop.
    pub(crate) fn innermost(&self) -> Level {
        self.levels[self.levels.len() - 1]
    }

    /// The offsets of an index.
    pub(crate) fn at(&self, mut index: u64) -> Offsets {
        let mut offsets = [0; OPERANDS];
        for level in self.levels.iter().rev() {
            let here = index % level.size;
            index /= level.size;
            for (offset, step) in offsets.iter_mut().zip(&level.strides) {
                *offset += here * step;
            }
        }
        offsets
    }

    /// The indices from `start` to before `end`, in runs of equal steps.
    pub(crate) fn runs(&self, start: u64, end: u64) -> impl Iterator<Item = Run> {
        let inner = self.innermost();
        // One loop needs no division, of which short rows would have several each.
        let is_one = self.levels.len() == 1;
        let mut next = start;
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let len = if is_one { end - next } else { (inner.size - next % inner.size).min(end - next) };
            let at = if is_one { inner.strides.map(|step| step * next) } else { self.at(next) };
            let run = Run { at, len: len as usize, step: inner.strides };
            next += len;
            Some(run)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::levels::levels;
    use crate::{Masking, Shape};

    fn loops(shape: Shape, masking: &Masking) -> (Loops, Loops) {
        let (rows, cols) = levels(shape, &masking.form());
        (Loops::new(rows), Loops::new(cols))
    }

    #[test]
    fn axes_that_lie_together_are_one_loop() {
        let shape = Shape::along(&[2, 3, 4, 5], &[2, 3]).unwrap();
        let (rows, cols) = loops(shape, &Masking::new());
        assert_eq!((rows.levels.len(), cols.levels.len()), (1, 1));
        assert_eq!((rows.at(5)[INPUT], cols.at(7)[INPUT]), (100, 7));
        // A mask that repeats over the first axis keeps the loops apart.
        assert_eq!(loops(shape, &Masking::new().mask_bytes(&[1; 3], &[3, 1, 1])).0.levels.len(), 2);
    }

    #[test]
    fn runs_cover_what_was_asked_for() {
        let shape = Shape::along(&[3, 4, 5], &[0, 2]).unwrap();
        let (_, cols) = loops(shape, &Masking::new());
        let found: Vec<u64> = cols
            .runs(3, 13)
            .flat_map(|run| (0..run.len as u64).map(move |i| run.at[INPUT] + i * run.step[INPUT]))
            .collect();
        assert_eq!(found, [3, 4, 20, 21, 22, 23, 24, 40, 41, 42]);
    }
}
