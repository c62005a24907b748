//! The CPU implementation, and the meaning of every operation.
pub mod exp;
pub mod log;
pub mod reciprocal;
pub mod reference;
pub mod special;
pub mod sum;
pub use exp::RowRange;

use crate::{Error, Op, OpKind, Shape};

/// Computes an operation on rows that lie one after the other. `out` has as many elements as the
/// operation has results: one per element, or one per row for log-sum-exp.
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape, [`Error::NotFinite`] for the scale.
pub fn run(op: impl Into<Op>, x: &[f32], shape: Shape, out: &mut [f32]) -> Result<(), Error> {
    let op = op.into().checked()?;
    let needed = shape.elements()?;
    if x.len() as u64 != needed {
        return Err(Error::Length { operand: "input", needed, found: x.len() as u64 });
    }
    let results = op.kind.output_words(shape)?;
    if out.len() as u64 != results {
        return Err(Error::Length { operand: "output", needed: results, found: out.len() as u64 });
    }
    let cols = shape.cols() as usize;
    if op.kind == OpKind::RowStats {
        for (row, y) in out.chunks_exact_mut(8).enumerate() {
            let stats = reference::row_stats(&x[row * cols..][..cols], op.scale);
            y.copy_from_slice(bytemuck::cast_slice(&[stats]));
        }
    } else if op.kind == OpKind::LogSumExp {
        for (row, y) in out.iter_mut().enumerate() {
            *y = reference::log_sum_exp_row(&op, &x[row * cols..][..cols]);
        }
    } else if cols > 0 {
        for (x, y) in x.chunks_exact(cols).zip(out.chunks_exact_mut(cols)) {
            reference::row(&op, x, y);
        }
    }
    Ok(())
}

/// In place, for now by way of a copy.
pub fn run_in_place(op: impl Into<Op>, data: &mut [f32], shape: Shape) -> Result<(), Error> {
    let x = data.to_vec();
    run(op, &x, shape, data)
}
