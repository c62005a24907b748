//! Where the elements of a row lie, in the input and in everything beside it: nested loops over the
//! axes, as few as the strides allow.

use crate::Shape;
use crate::shape::MAX_AXES;

/// Arrays that are walked over together.
pub(crate) const OPERANDS: usize = 6;

/// Their places.
pub(crate) const X: usize = 0;
pub(crate) const MASK: usize = 1;
pub(crate) const BIAS: usize = 2;
pub(crate) const LENGTHS: usize = 3;
pub(crate) const SINKS: usize = 4;
pub(crate) const SCALE: usize = 5;

/// Offsets in each array, or steps of them.
pub(crate) type Offsets = [u64; OPERANDS];

/// One loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub size: u64,
    pub step: Offsets,
}

/// Loops within one another, the outermost first.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Over the axes that are kept, or over those that rows run along. Each array has its steps per
    /// axis.
    pub(crate) fn new(shape: Shape, reduced: bool, strides: &[[u64; MAX_AXES]; OPERANDS]) -> Self {
        let mut levels: Vec<Level> = Vec::new();
        for axis in (0..shape.rank()).filter(|&axis| shape.is_reduced(axis) == reduced) {
            let size = shape.dims()[axis];
            if size == 1 {
                continue;
            }
            let step = strides.map(|strides| strides[axis]);
            match levels.last_mut() {
                // One step outside is all steps inside, for every array.
                Some(outer) if (0..OPERANDS).all(|i| outer.step[i] == step[i].saturating_mul(size)) => {
                    *outer = Level { size: outer.size.saturating_mul(size), step };
                }
                _ => levels.push(Level { size, step }),
            }
        }
        Self { levels }
    }

    /// One loop over elements that lie side by side.
    pub(crate) fn side_by_side(size: u64) -> Self {
        let mut step = [0; OPERANDS];
        step[X] = 1;
        Self { levels: vec![Level { size, step }] }
    }

    /// The innermost loop; of one turn where there is none.
    pub(crate) fn innermost(&self) -> Level {
        self.levels.last().copied().unwrap_or(Level { size: 1, step: [0; OPERANDS] })
    }

    /// The offsets of an index.
    pub(crate) fn at(&self, mut index: u64) -> Offsets {
        let mut offsets = [0; OPERANDS];
        for level in self.levels.iter().rev() {
            let here = index % level.size;
            index /= level.size;
            for (offset, step) in offsets.iter_mut().zip(&level.step) {
                *offset += here * step;
            }
        }
        offsets
    }

    /// The indices from `start` to before `end`, in runs of equal steps.
    pub(crate) fn runs(&self, start: u64, end: u64) -> impl Iterator<Item = Run> {
        let inner = self.innermost();
        // One loop needs no division, of which short rows would have several each.
        let is_one = self.levels.len() <= 1;
        let mut next = start;
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let len = if is_one { end - next } else { (inner.size - next % inner.size).min(end - next) };
            let at = if is_one { inner.step.map(|step| step * next) } else { self.at(next) };
            let run = Run { at, len: len as usize, step: inner.step };
            next += len;
            Some(run)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_that_lie_together_are_one_loop() {
        let shape = Shape::along(&[2, 3, 4, 5], &[2, 3]).unwrap();
        let mut strides = [[0; MAX_AXES]; OPERANDS];
        strides[X] = shape.strides();
        let (rows, cols) = (Loops::new(shape, false, &strides), Loops::new(shape, true, &strides));
        assert_eq!((rows.levels.len(), cols.levels.len()), (1, 1));
        assert_eq!((rows.at(5)[X], cols.at(7)[X]), (100, 7));
        // A mask that repeats over the first axis keeps the loops apart.
        strides[MASK][1] = 1;
        assert_eq!(Loops::new(shape, false, &strides).levels.len(), 2);
    }

    #[test]
    fn runs_cover_what_was_asked_for() {
        let shape = Shape::along(&[3, 4, 5], &[0, 2]).unwrap();
        let mut strides = [[0; MAX_AXES]; OPERANDS];
        strides[X] = shape.strides();
        let cols = Loops::new(shape, true, &strides);
        let found: Vec<u64> = cols
            .runs(3, 13)
            .flat_map(|run| (0..run.len as u64).map(move |i| run.at[X] + i * run.step[X]))
            .collect();
        assert_eq!(found, [3, 4, 20, 21, 22, 23, 24, 40, 41, 42]);
    }
}
