//! The CPU implementation, and the meaning of every operation.
//!
//! [`reference`](mod@reference) is the specification, one element after the other. Everything else computes the same
//! bits with vector instructions, on as many threads as the work is worth. Results go into the
//! caller's slices and scratch is kept: on one thread no call on plain rows allocates, on more only what hands work over.
//!
//! ```
//! use wgpu_softmax::{Shape, cpu};
//! let logits = [1.0, 2.0, 3.0, 3.0, 2.0, 1.0];
//! let mut probs = [0.0; 6];
//! cpu::softmax(&logits, Shape::rows(2, 3), &mut probs)?;
//! assert_eq!(probs[0], probs[5]);
//! # Ok::<(), wgpu_softmax::Error>(())
//! ```
mod copy;
mod dispatch;
pub mod double;
pub mod exp;
pub mod half;
pub mod log;
pub mod masking;
mod options;
mod parallel;
pub(crate) mod pieces;
pub mod reciprocal;
pub mod reference;
mod rows;
mod scratch;
mod shards;
pub(crate) mod simd;
pub mod special;
mod stream;
pub mod sum;
mod tensor;
pub use copy::copy_with;
pub use exp::RowRange;
pub use options::{Options, SimdLevel};
pub use rows::{GROUP, HELD_COLS, NARROW_COLS, NARROW_COLS_FAST, SHORT_COLS};
pub use shards::{
    finish, finish_in_place, finish_in_place_with, finish_with, row_max, row_max_with, row_statistics,
    row_statistics_with, row_sum, row_sum_with,
};

pub(crate) use tensor::{TensorRows, check as check_tensor, check_ragged};
pub use tensor::{
    run_ragged, run_ragged_with, run_tensor, run_tensor_in_place, run_tensor_in_place_with, run_tensor_with,
};

use crate::error::check_length;
use crate::{Error, LogSoftmax, LogSumExp, Masking, Op, OpKind, Shape, Softmax, Softmin};
use rows::{Io, Job};

/// Computes an operation on the rows of a shape, along whichever axes; [`run_tensor`] takes elements of
/// other types and masks too. `out` has as many elements as the
/// operation has results: one per element, one per row for log-sum-exp, and 8 words per row for row
/// statistics (each a [`crate::RowStats`], as `bytemuck` casts it; [`row_statistics`] takes those).
///
/// What special values give is said at the operation; [`crate::Softmax`], [`crate::LogSoftmax`],
/// [`crate::LogSumExp`]. A shape without rows or columns gives an empty result, except that
/// log-sum-exp of no columns is -inf.
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape, [`Error::NotFinite`] for the scale.
pub fn run(op: impl Into<Op>, x: &[f32], shape: Shape, out: &mut [f32]) -> Result<(), Error> {
    run_with(&Options::new(), op, x, shape, out)
}

/// [`run`] with chosen instructions and threads.
///
/// # Errors
/// As [`run`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn run_with(
    options: &Options,
    op: impl Into<Op>,
    x: &[f32],
    shape: Shape,
    out: &mut [f32],
) -> Result<(), Error> {
    if !shape.is_contiguous() {
        return run_tensor_with(options, op, x, shape, &Masking::new(), out);
    }
    let job = job(options, op.into(), shape)?;
    check_length("input", shape.elements()?, x.len())?;
    check_length("output", job.op.kind.output_words(shape)?, out.len())?;
    if shape.is_empty() {
        fill_empty(&job.op, out);
    } else {
        parallel::run(&job, Io::Apart(x, out), options.threads);
    }
    Ok(())
}

/// Computes an operation with one result per element in the place of its input.
///
/// # Errors
/// [`Error::NotInPlace`] for an operation with one result per row; else as [`run`].
pub fn run_in_place(op: impl Into<Op>, data: &mut [f32], shape: Shape) -> Result<(), Error> {
    run_in_place_with(&Options::new(), op, data, shape)
}

/// [`run_in_place`] with chosen instructions and threads.
///
/// # Errors
/// As [`run_in_place`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn run_in_place_with(
    options: &Options,
    op: impl Into<Op>,
    data: &mut [f32],
    shape: Shape,
) -> Result<(), Error> {
    if !shape.is_contiguous() {
        return run_tensor_in_place_with(options, op, data, shape, &Masking::new());
    }
    let mut job = job(options, op.into(), shape)?;
    if !job.op.kind.is_elementwise() {
        return Err(Error::NotInPlace { op: job.op.kind.name() });
    }
    check_length("data", shape.elements()?, data.len())?;
    // The lines were just read: storing to them costs no further read.
    job.stream = false;
    if !shape.is_empty() {
        parallel::run(&job, Io::Same(data), options.threads);
    }
    Ok(())
}

/// exp(x) / sum of exp(x) over each row; see [`Softmax`] for special values.
///
/// # Errors
/// [`Error::Length`] where `x` or `out` does not have rows times columns elements.
pub fn softmax(x: &[f32], shape: Shape, out: &mut [f32]) -> Result<(), Error> {
    run(Softmax::new(), x, shape, out)
}

/// exp(-x) / sum of exp(-x) over each row; see [`Softmin`].
///
/// # Errors
/// [`Error::Length`] where `x` or `out` does not have rows times columns elements.
pub fn softmin(x: &[f32], shape: Shape, out: &mut [f32]) -> Result<(), Error> {
    run(Softmin::new(), x, shape, out)
}

/// x - log(sum of exp(x)) over each row; see [`LogSoftmax`] for special values.
///
/// # Errors
/// [`Error::Length`] where `x` or `out` does not have rows times columns elements.
pub fn log_softmax(x: &[f32], shape: Shape, out: &mut [f32]) -> Result<(), Error> {
    run(LogSoftmax::new(), x, shape, out)
}

/// log(sum of exp(x)), one result per row; see [`LogSumExp`] for special values.
///
/// # Errors
/// [`Error::Length`] where `x` does not have rows times columns elements, or `out` one per row.
pub fn logsumexp(x: &[f32], shape: Shape, out: &mut [f32]) -> Result<(), Error> {
    run(LogSumExp::new(), x, shape, out)
}

/// Checks parameters and gathers what every part of a call needs.
fn job(options: &Options, op: Op, shape: Shape) -> Result<Job, Error> {
    let op = op.checked()?;
    let (level, token) = options.resolve()?;
    let words = op.kind.output_words(shape)?;
    let stream = op.kind.is_elementwise() && words > (parallel::STREAM_BYTES / 4) as u64;
    let cols = shape.cols() as usize;
    let words = op.kind.words_per_row(shape.cols()) as usize;
    Ok(Job { op, cols, words, level, token, stream, ahead: 0, holes: false })
}

/// The results of rows without columns.
pub(crate) fn fill_empty(op: &Op, out: &mut [f32]) {
    match op.kind {
        OpKind::LogSumExp => out.fill(f32::NEG_INFINITY),
        OpKind::RowStats => bytemuck::cast_slice_mut(out).fill(reference::row_stats(&[], op.scale)),
        OpKind::Softmax | OpKind::LogSoftmax => {}
    }
}
