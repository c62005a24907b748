//! Row statistics, and their two halves for rows whose parts lie on different machines: the maxima
//! of all parts merge first, then the sums against them; with both each part is finished where it
//! lies.

use super::rows::{Io, Job};
use super::special::{from_key, settle_max};
use super::{Options, job, parallel, run_with};
use crate::error::check_length;
use crate::{Error, Op, Precision, RowMax, RowStatistics, RowStats, RowSum, Shape};

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

/// Softmax, softmin or log-softmax of the part of each row that is here, given the statistics of the
/// whole rows, of `total_cols` elements: the bits that the part has in the result of the whole rows.
/// The statistics must have been taken with the operation's scale. They are exact, so the result is
/// that of [`Precision::Reproducible`] whatever the operation asks for.
///
/// ```
/// use wgpu_softmax::{RowMax, RowStats, Shape, Softmax, cpu};
///
/// let row = [1.0, 2.0, 3.0];
/// let mut whole = [0.0; 3];
/// cpu::softmax(&row, Shape::rows(1, 3), &mut whole)?;
///
/// let mut stats = [RowStats::new(RowMax::EMPTY, Default::default())];
/// cpu::row_statistics(1.0, &row, Shape::rows(1, 3), &mut stats)?;
/// let mut part = [0.0; 2];
/// cpu::finish(Softmax::new(), &row[1..], Shape::rows(1, 2), &stats, 3, &mut part)?;
/// assert_eq!(part, whole[1..]);
/// # Ok::<(), wgpu_softmax::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape, [`Error::NotFinite`] for the scale,
/// [`Error::Statistics`] for statistics that no row has, [`Error::NotInPlace`] for an operation with
/// one result per row ([`RowStats::logsumexp`] finishes that one). Nothing is written then.
pub fn finish(
    op: impl Into<Op>,
    x: &[f32],
    shape: Shape,
    stats: &[RowStats],
    total_cols: u64,
    out: &mut [f32],
) -> Result<(), Error> {
    finish_with(&Options::new(), op, x, shape, stats, total_cols, out)
}

/// [`finish`] with chosen instructions and threads.
///
/// # Errors
/// As [`finish`], and [`Error::Kernel`] where the CPU lacks the forced level.
pub fn finish_with(
    options: &Options,
    op: impl Into<Op>,
    x: &[f32],
    shape: Shape,
    stats: &[RowStats],
    total_cols: u64,
    out: &mut [f32],
) -> Result<(), Error> {
    let job = finish_job(options, op.into(), shape, stats, total_cols)?;
    check_length("input", shape.elements()?, x.len())?;
    check_length("output", shape.elements()?, out.len())?;
    parallel::finish(&job, Io::Apart(x, out), stats, total_cols, options.threads);
    Ok(())
}

/// [`finish`] in the place of the part.
///
/// # Errors
/// As [`finish`].
pub fn finish_in_place(
    op: impl Into<Op>,
    data: &mut [f32],
    shape: Shape,
    stats: &[RowStats],
    total_cols: u64,
) -> Result<(), Error> {
    finish_in_place_with(&Options::new(), op, data, shape, stats, total_cols)
}

/// [`finish_in_place`] with chosen instructions and threads.
///
/// # Errors
/// As [`finish_with`].
pub fn finish_in_place_with(
    options: &Options,
    op: impl Into<Op>,
    data: &mut [f32],
    shape: Shape,
    stats: &[RowStats],
    total_cols: u64,
) -> Result<(), Error> {
    let job = finish_job(options, op.into(), shape, stats, total_cols)?;
    check_length("data", shape.elements()?, data.len())?;
    parallel::finish(&job, Io::Same(data), stats, total_cols, options.threads);
    Ok(())
}

fn finish_job(
    options: &Options,
    mut op: Op,
    shape: Shape,
    stats: &[RowStats],
    total_cols: u64,
) -> Result<Job, Error> {
    if !op.kind.is_elementwise() {
        return Err(Error::NotInPlace { op: op.kind.name() });
    }
    op.precision = Precision::Reproducible;
    let job = job(options, op, shape.contiguous()?)?;
    check_length("statistics", shape.row_count(), stats.len())?;
    match (0..).zip(stats).find_map(|(row, stats)| Some((row, stats.fault(total_cols)?))) {
        Some((row, why)) => Err(Error::Statistics { row, why }),
        None => Ok(job),
    }
}

fn shard_job(options: &Options, scale: f32, x: &[f32], shape: Shape) -> Result<Job, Error> {
    let job = job(options, RowStatistics::new().scale(scale).into(), shape.contiguous()?)?;
    check_length("input", shape.elements()?, x.len())?;
    Ok(job)
}
