//! A batch cut into steps of whole rows. No result depends on the cut.

use std::ops::Range;

use wgpu_softmax::{Op, Shape};

/// The steps of a batch, in order.
#[derive(Clone, Debug)]
pub struct Steps {
    rows: usize,
    cols: usize,
    results_per_row: usize,
    rows_per_step: usize,
    next_row: usize,
}

/// Some rows: where their elements and results lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The first of them.
    pub row: usize,
    /// The shape of these rows alone.
    pub shape: Shape,
    /// Their elements.
    pub elements: Range<usize>,
    /// Their results.
    pub results: Range<usize>,
}

impl Steps {
    /// Steps of about so many bytes of elements, at least a row each. The batch must be in memory.
    pub fn of_bytes(op: &Op, shape: Shape, bytes: usize) -> Self {
        let (rows, cols) = (shape.row_count() as usize, shape.cols() as usize);
        let results_per_row = if op.kind.is_elementwise() { cols } else { 1 };
        let rows_per_step = (bytes / size_of::<f32>() / cols.max(1)).max(1);
        Self { rows, cols, results_per_row, rows_per_step, next_row: 0 }
    }

    /// Results in a step, at most.
    pub fn most_results(&self) -> usize {
        self.rows_per_step.min(self.rows) * self.results_per_row
    }
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let row = self.next_row;
        let end = self.rows.min(row.saturating_add(self.rows_per_step));
        self.next_row = end;
        (row < end).then(|| Step {
            row,
            shape: Shape::rows(end - row, self.cols),
            elements: row * self.cols..end * self.cols,
            results: row * self.results_per_row..end * self.results_per_row,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu_softmax::{LogSumExp, Softmax};

    #[test]
    fn steps_cover_every_row_once() {
        for (rows, cols) in [(0, 5), (5, 0), (1, 1), (7, 3), (3, 100)] {
            for op in [Op::from(Softmax::new()), LogSumExp::new().into()] {
                let shape = Shape::rows(rows, cols);
                let steps: Vec<_> = Steps::of_bytes(&op, shape, 24).collect();
                assert_eq!(steps.iter().map(|s| s.shape.row_count()).sum::<u64>(), rows as u64);
                assert_eq!(steps.iter().map(|s| s.elements.len()).sum::<usize>(), rows * cols);
                let results: usize = steps.iter().map(|s| s.results.len()).sum();
                assert_eq!(results as u64, op.kind.output_words(shape).unwrap());
            }
        }
    }
}
