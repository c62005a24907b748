//! Tensors: rows along any axes, elements of any type, and masks, biases and scales beside them.
//!
//! Rows are brought together in scratch, as f32, with everything beside them applied; there the kernels
//! for plain rows compute them, and the results go where they belong as elements of the output. So a row
//! has the same bits whichever axis it lay along. Memory is read once and written once for all rows that
//! a cache holds.

mod beside;
mod blocks;
mod cells;
mod columns;
mod doubles;
mod layout;
mod long;
mod ragged;
mod rows;
mod spans;
mod stage;
mod store;
mod walk;

pub(crate) use ragged::check as check_ragged;
pub use ragged::{run_ragged, run_ragged_with};
pub(crate) use rows::TensorRows;

use cells::Cells;
use layout::Layout;

use super::rows::Job;
use super::{Options, job, parallel};
use crate::dtype::Element;
use crate::error::check_length;
use crate::{DType, Error, Masking, Op, OpKind, Shape};

/// A call under way.
struct Task<'a, X, Y> {
    /// With scale 1 where anything stands beside the input.
    job: Job,
    /// The operation's scale, where the job's is 1.
    scale: f32,
    layout: Layout<'a>,
    masking: &'a Masking<'a>,
    /// Whether elements are more than read.
    is_masked: bool,
    /// Whether results would not stay in a cache.
    past_caches: bool,
    x: Cells<'a, X>,
    y: Cells<'a, Y>,
    threads: Option<usize>,
}

/// Computes an operation on rows along any axes, of elements of any type, with what stands beside them.
/// `out` has one element per element of the input, in the same places; or one per row, in C order of
/// the axes that are kept; or for row statistics eight f32 words per row.
///
/// f16 and bf16 are computed in f32 and rounded once, to the nearest; an input of f64 is computed in f64.
/// Whatever the axis and the types, a row of the same numbers has the same bits.
///
/// ```
/// use wgpu_softmax::{Masking, Shape, Softmax, cpu, f16};
///
/// let x = [4.8f32, 1.21, 2.385, 8.9, -1.81, 0.2];
/// let mut columns = [f16::ZERO; 6];
/// cpu::run_tensor(Softmax::new(), &x, Shape::along(&[2, 3], &[0])?, &Masking::new(), &mut columns)?;
/// assert!((columns[0].to_f32() + columns[3].to_f32() - 1.0).abs() < 1e-3);
/// # Ok::<(), wgpu_softmax::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape; [`Error::Broadcast`], [`Error::RowLength`],
/// [`Error::Axis`] and [`Error::DType`] for what stands beside the input; [`Error::NotFinite`] for the scale.
pub fn run_tensor<X: Element, Y: Element>(
    op: impl Into<Op>,
    x: &[X],
    shape: Shape,
    masking: &Masking,
    out: &mut [Y],
) -> Result<(), Error> {
    run_tensor_with(&Options::new(), op, x, shape, masking, out)
}

/// [`run_tensor`] with chosen instructions and threads.
///
/// # Errors
/// As [`run_tensor`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn run_tensor_with<X: Element, Y: Element>(
    options: &Options,
    op: impl Into<Op>,
    x: &[X],
    shape: Shape,
    masking: &Masking,
    out: &mut [Y],
) -> Result<(), Error> {
    let op = op.into();
    check(op, x, shape, masking, out)?;
    if X::DTYPE == DType::F32 && Y::DTYPE == DType::F32 && masking.is_empty() && shape.is_contiguous() {
        let (x, out) = (bytemuck::cast_slice(x), bytemuck::cast_slice_mut(out));
        return super::run_with(options, op, x, shape, out);
    }
    run_cells(options, op, Cells::read(x), shape, masking, Cells::write(out))
}

/// [`run_tensor`] in the place of the input, for operations with one result per element.
///
/// # Errors
/// As [`run_tensor`], and [`Error::NotInPlace`] for an operation with one result per row.
pub fn run_tensor_in_place<X: Element>(
    op: impl Into<Op>,
    data: &mut [X],
    shape: Shape,
    masking: &Masking,
) -> Result<(), Error> {
    run_tensor_in_place_with(&Options::new(), op, data, shape, masking)
}

/// [`run_tensor_in_place`] with chosen instructions and threads.
///
/// # Errors
/// As [`run_tensor_in_place`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn run_tensor_in_place_with<X: Element>(
    options: &Options,
    op: impl Into<Op>,
    data: &mut [X],
    shape: Shape,
    masking: &Masking,
) -> Result<(), Error> {
    let op = op.into();
    if !op.kind.is_elementwise() {
        return Err(Error::NotInPlace { op: op.kind.name() });
    }
    check_length("data", shape.elements()?, data.len())?;
    masking.check(shape, X::DTYPE)?;
    if X::DTYPE == DType::F32 && masking.is_empty() && shape.is_contiguous() {
        return super::run_in_place_with(options, op, bytemuck::cast_slice_mut(data), shape);
    }
    let cells = Cells::write(data);
    run_cells(options, op, cells, shape, masking, cells)
}

fn run_cells<X: Element, Y: Element>(
    options: &Options,
    op: Op,
    x: Cells<'_, X>,
    shape: Shape,
    masking: &Masking,
    y: Cells<'_, Y>,
) -> Result<(), Error> {
    let op = masking.settle(op);
    if shape.row_count() == 0 || shape.cols() == 0 && op.kind.is_elementwise() {
        return op.checked().map(drop);
    }
    let task = Task::new(options, op, Layout::of(shape, masking), shape, masking, (x, y))?;
    task.run(shape.row_count(), shape.elements()? as usize);
    Ok(())
}

/// Whether everything fits together.
///
/// # Errors
/// Those of [`run_tensor`].
pub(crate) fn check<X: Element, Y: Element>(
    op: Op,
    x: &[X],
    shape: Shape,
    masking: &Masking,
    out: &[Y],
) -> Result<(), Error> {
    check_length("input", shape.elements()?, x.len())?;
    check_length("output", op.kind.output_words(shape)?, out.len())?;
    check_types(op, X::DTYPE, Y::DTYPE)?;
    masking.check(shape, X::DTYPE)
}

/// Whether an operation takes elements of these types.
fn check_types(op: Op, input: DType, output: DType) -> Result<(), Error> {
    if op.kind != OpKind::RowStats {
        return Ok(());
    }
    let refuse = |operand, dtype, why: &str| Err(Error::DType { operand, dtype, why: why.to_owned() });
    if input == DType::F64 {
        return refuse("input", input, "row statistics are of f32 sums; convert the input to f32");
    }
    if output != DType::F32 {
        return refuse("output", output, "row statistics are words of 4 bytes; give an output of f32");
    }
    Ok(())
}

impl<'a, X: Element, Y: Element> Task<'a, X, Y> {
    fn new(
        options: &Options,
        op: Op,
        layout: Layout<'a>,
        shape: Shape,
        masking: &'a Masking<'a>,
        (x, y): (Cells<'a, X>, Cells<'a, Y>),
    ) -> Result<Self, Error> {
        let mut job = job(options, op, shape)?;
        // Results leave scratch for the output in a step of their own. In place their lines were just read.
        job.stream = false;
        let bytes = y.len().saturating_mul(size_of::<Y>());
        let past_caches = op.kind.is_elementwise() && bytes > parallel::STREAM_BYTES && !x.is_same(&y);
        let is_masked = layout.is_ragged() || !masking.is_empty() || X::DTYPE == DType::F64;
        job.holes = layout.is_ragged() || masking.form().hides();
        let scale = if is_masked { std::mem::replace(&mut job.op.scale, 1.0) } else { 1.0 };
        Ok(Self { job, scale, layout, masking, is_masked, past_caches, x, y, threads: options.threads })
    }

    /// Computes all rows, on as many threads as they are worth.
    fn run(&self, rows: u64, elements: usize) {
        let most = rows.div_ceil(if self.layout.is_turned() { 16 } else { 1 });
        let parts = parallel::part_count(self.threads, elements, most as usize) as u64;
        if parts == 1 || self.is_long(0) && rows < 2 * parts {
            return self.compute(0..rows);
        }
        let cut = |part: u64| (u128::from(rows) * u128::from(part) / u128::from(parts)) as u64;
        let ranges = (0..parts).map(|part| cut(part)..cut(part + 1)).collect();
        parallel::share_all(self.threads, ranges, &|rows| self.compute(rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogSumExp, Softmax};

    /// The results of a 3 x 3 array in a type, as f64.
    fn of_nine<E: Element>(shape: Shape, of: impl Fn(f64) -> E, to: impl Fn(E) -> f64) -> Vec<f64> {
        let x = [4.8, 1.21, 2.385, 8.9, -1.81, 0.2, 1.41, 1.051, 0.026].map(of);
        let mut y = x;
        run_tensor(Softmax::new(), &x, shape, &Masking::new(), &mut y).unwrap();
        y.map(to).to_vec()
    }

    #[test]
    fn known_values_along_each_axis() {
        let near = |y: &[f64], expected: &[f64], by: f64| {
            y.iter().zip(expected).all(|(y, expected)| (y - expected).abs() <= by * expected)
        };
        let all = [
            1.62510862e-2,
            4.48502847e-4,
            1.45231633e-3,
            9.80595215e-1,
            2.18874853e-5,
            1.63353249e-4,
            5.47802614e-4,
            3.82571295e-4,
            1.37265228e-4,
        ];
        let down = [1.62935455e-2, 5.25818316e-1, 8.28505614e-1];
        let (over_all, along) = (Shape::all_axes(&[3, 3]).unwrap(), Shape::along(&[3, 3], &[0]).unwrap());
        assert!(near(&of_nine(over_all, |x| x, |y| y), &all, 5e-9));
        // The elements themselves are rounded to f32.
        assert!(near(&of_nine(over_all, |x| x as f32, f64::from), &all, 1e-6));
        let columns = of_nine(along, |x| x as f32, f64::from);
        assert!(near(&columns, &down, 1e-6) && near(&of_nine(along, |x| x, |y| y), &down, 5e-9));
        assert!((0..3).all(|i| (columns[i] + columns[i + 3] + columns[i + 6] - 1.0).abs() < 1e-6));
    }

    #[test]
    fn one_result_per_row_is_in_order_of_the_kept_axes() {
        let x: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let mut y = [0.0f32; 8];
        run_tensor(LogSumExp::new(), &x, Shape::along(&[2, 3, 4], &[1]).unwrap(), &Masking::new(), &mut y)
            .unwrap();
        assert!(y.is_sorted() && y[0] > 8.0 && y[4] > 20.0);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let x = [0.0f32; 6];
        let run = |masking: &Masking| {
            run_tensor(Softmax::new(), &x, Shape::rows(2, 3), masking, &mut [0.0f32; 6])
                .unwrap_err()
                .to_string()
        };
        let told = run(&Masking::new().mask_bytes(&[1; 4], &[4]));
        assert!(told.starts_with("mask: its shape (4,) does not broadcast to (2, 3)"), "{told}");
        let told = run(&Masking::new().lengths(&[3, 4], &[2]));
        assert!(told.starts_with("lengths: number 1 is 4 and rows have 3 elements"), "{told}");
        let told = run(&Masking::new().bias(&[0.0f64; 3], &[3]));
        assert!(told.starts_with("bias of f64: an input of f32"), "{told}");
        let told = run(&Masking::new().mask_bits(&[1; 2], &[2, 3]));
        assert!(told.starts_with("mask (bytes of 8 bits): the shape asks for 1"), "{told}");
    }
}
