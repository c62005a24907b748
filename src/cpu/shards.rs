//! Row statistics, and their two halves for rows whose parts lie on different machines: the maxima
//! of all parts merge first, then the sums against them.

use super::rows::Job;
use super::special::{from_key, settle_max};
use super::{Options, job, parallel, run_with};
use crate::error::check_length;
use crate::{Error, RowMax, RowStatistics, RowStats, RowSum, Shape};

/// The maximum of each row and its exact sum of exp(x - maximum); `out` has one per row. `scale`
/// multiplies the elements first.
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape, [`Error::NotFinite`] for the scale.
pub fn row_statistics(scale: f32, x: &[f32], shape: Shape, out: &mut [RowStats]) -> Result<(), Error> {
    row_statistics_with(&Options::new(), scale, x, shape, out)
}

/// [`row_statistics`] with chosen instructions and threads.
///
/// # Errors
/// As [`row_statistics`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn row_statistics_with(
    options: &Options,
    scale: f32,
    x: &[f32],
    shape: Shape,
    out: &mut [RowStats],
) -> Result<(), Error> {
    check_length("output", shape.row_count(), out.len())?;
    run_with(options, RowStatistics::new().scale(scale), x, shape, bytemuck::cast_slice_mut(out))
}

/// The maximum of each row, or of the part of each row that is here; `out` has one per row.
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape, [`Error::NotFinite`] for the scale.
pub fn row_max(scale: f32, x: &[f32], shape: Shape, out: &mut [RowMax]) -> Result<(), Error> {
    row_max_with(&Options::new(), scale, x, shape, out)
}

/// [`row_max`] with chosen instructions and threads.
///
/// # Errors
/// As [`row_max`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn row_max_with(
    options: &Options,
    scale: f32,
    x: &[f32],
    shape: Shape,
    out: &mut [RowMax],
) -> Result<(), Error> {
    let job = shard_job(options, scale, x, shape)?;
    check_length("output", shape.row_count(), out.len())?;
    parallel::each_row(&job, x, out, options.threads, &|_, x, out| {
        *out = RowMax::from_key(parallel::max_key(&job, x, options.threads));
    });
    Ok(())
}

/// The sum of exp(x - maximum) over each row, or over the part of each row that is here, against
/// the maxima of the whole rows; `total_cols` is the length of the whole rows, which decides how
/// finely they are summed. The sum is 0 where the maximum is not finite.
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape, [`Error::NotFinite`] for the scale.
pub fn row_sum(
    scale: f32,
    x: &[f32],
    shape: Shape,
    max: &[RowMax],
    total_cols: u64,
    out: &mut [RowSum],
) -> Result<(), Error> {
    row_sum_with(&Options::new(), scale, x, shape, max, total_cols, out)
}

/// [`row_sum`] with chosen instructions and threads.
///
/// # Errors
/// As [`row_sum`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn row_sum_with(
    options: &Options,
    scale: f32,
    x: &[f32],
    shape: Shape,
    max: &[RowMax],
    total_cols: u64,
    out: &mut [RowSum],
) -> Result<(), Error> {
    let job = shard_job(options, scale, x, shape)?;
    check_length("max", shape.row_count(), max.len())?;
    check_length("output", shape.row_count(), out.len())?;
    parallel::each_row(&job, x, out, options.threads, &|row, x, out| {
        let key = max[row].key();
        *out = RowSum::default();
        if from_key(key).is_finite() {
            let sum = parallel::sum(&job, x, settle_max(key), total_cols, options.threads);
            *out = RowSum::from_units(sum.units());
        }
    });
    Ok(())
}

fn shard_job(options: &Options, scale: f32, x: &[f32], shape: Shape) -> Result<Job, Error> {
    let job = job(options, RowStatistics::new().scale(scale).into(), shape)?;
    check_length("input", shape.elements()?, x.len())?;
    Ok(job)
}
