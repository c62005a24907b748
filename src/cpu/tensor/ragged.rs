//! Rows of different lengths, one after the other, given by where each begins and ends.

use super::cells::Cells;
use super::layout::Layout;
use super::{Task, check_types};
use crate::cpu::{Options, run_tensor_with};
use crate::dtype::Element;
use crate::error::check_length;
use crate::{Error, Masking, Op, Shape};

/// Computes an operation on ragged rows: row `r` is `x[offsets[r]..offsets[r + 1]]`, as in the compressed
/// rows of sparse matrices. A row without elements has no results, and log-sum-exp of it is -inf. Each
/// row has the bits it has alone.
///
/// ```
/// use wgpu_softmax::{Softmax, cpu};
///
/// let mut y = [0.0f32; 3];
/// cpu::run_ragged(Softmax::new(), &[7.0f32, 1.0, 1.0], &[0, 1, 1, 3], &mut y)?;
/// assert_eq!(y, [1.0, 0.5, 0.5]);
/// # Ok::<(), wgpu_softmax::Error>(())
/// ```
///
/// # Errors
/// [`Error::Offsets`] where the offsets do not rise from 0 to the number of elements, and else as
/// [`crate::cpu::run_tensor`].
pub fn run_ragged<X: Element, Y: Element>(
    op: impl Into<Op>,
    x: &[X],
    offsets: &[u64],
    out: &mut [Y],
) -> Result<(), Error> {
    run_ragged_with(&Options::new(), op, x, offsets, &Masking::new(), out)
}

/// [`run_ragged`] with chosen instructions and threads, and with sinks and scales of rows beside the input
/// (of one axis, the rows).
///
/// # Errors
/// As [`run_ragged`]; [`Error::Broadcast`] for what stands beside it and is not one per row, and
/// [`Error::Kernel`] where the CPU lacks the forced level.
pub fn run_ragged_with<X: Element, Y: Element>(
    options: &Options,
    op: impl Into<Op>,
    x: &[X],
    offsets: &[u64],
    masking: &Masking,
    out: &mut [Y],
) -> Result<(), Error> {
    let op = op.into();
    let shape = check(op, x, offsets, masking, out)?;
    if shape.row_count() == 0 {
        return Ok(());
    }
    if let [_, _] = offsets {
        return run_tensor_with(options, op, x, Shape::rows(1, x.len()), masking, out);
    }
    let layout = Layout::ragged(offsets, masking);
    let task = Task::new(options, op, layout, shape, masking, (Cells::read(x), Cells::write(out)))?;
    task.run(shape.row_count(), x.len());
    Ok(())
}

/// Whether everything fits together; the rows, as a shape of one element each.
///
/// # Errors
/// Those of [`run_ragged_with`].
pub(crate) fn check<X: Element, Y: Element>(
    op: Op,
    x: &[X],
    offsets: &[u64],
    masking: &Masking,
    out: &[Y],
) -> Result<Shape, Error> {
    check_offsets(offsets, x.len() as u64)?;
    check_types(op, X::DTYPE, Y::DTYPE)?;
    // Each row counts by itself: what broadcasts along a row, or names a place in it, has none here.
    let shape = Shape::rows(offsets.len() - 1, 1);
    masking.check_ragged(shape)?;
    let results = if op.kind.is_elementwise() { x.len() as u64 } else { op.kind.output_words(shape)? };
    check_length("output", results, out.len())?;
    Ok(shape)
}

/// Whether offsets rise from 0 to the number of elements.
///
/// # Errors
/// [`Error::Offsets`] for the first one that does not.
pub(crate) fn check_offsets(offsets: &[u64], elements: u64) -> Result<(), Error> {
    let wrong =
        |index: usize, why: String| Err(Error::Offsets { index: index as u64, offset: offsets[index], why });
    match (offsets.first(), offsets.last()) {
        (None, _) | (_, None) => {
            let why = "so there are none; give one more than there are rows, the first one 0".to_owned();
            Err(Error::Offsets { index: 0, offset: 0, why })
        }
        (Some(&first), _) if first != 0 => wrong(0, "and must be 0".into()),
        (_, Some(&last)) => {
            if let Some(at) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
                return wrong(
                    at + 1,
                    format!("less than the {} before it; offsets must not fall", offsets[at]),
                );
            }
            if last != elements {
                let why = format!("and there are {elements} elements; the last offset must be their number");
                return wrong(offsets.len() - 1, why);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogSumExp, Softmax};

    #[test]
    fn offsets_must_rise_from_nothing_to_everything() {
        let told = |offsets: &[u64]| {
            run_ragged(Softmax::new(), &[0.0f32; 3], offsets, &mut [0.0f32; 3]).unwrap_err().to_string()
        };
        assert_eq!(
            told(&[0, 2, 1, 3]),
            "offsets: number 2 is 1, less than the 2 before it; offsets must not fall"
        );
        assert_eq!(told(&[1, 3]), "offsets: number 0 is 1, and must be 0");
        assert!(told(&[0, 2]).ends_with("and there are 3 elements; the last offset must be their number"));
        assert!(told(&[]).contains("so there are none"));
    }

    #[test]
    fn empty_rows_have_no_results_or_minus_infinity() {
        let mut y = [0.0f32; 3];
        run_ragged(LogSumExp::new(), &[1.0f32, 2.0], &[0, 0, 1, 2], &mut y).unwrap();
        assert_eq!(y, [f32::NEG_INFINITY, 1.0, 2.0]);
        run_ragged::<f32, f32>(Softmax::new(), &[], &[0], &mut []).unwrap();
    }
}
