//! Kernel `group`: rows of middling length, several at a time, read once and written once. The
//! exponentials wait in scratch, in the L1 cache, or for longer rows in the result; the scalars of a
//! group's rows (reciprocal, logarithm) are computed together, one row per lane.

use fearless_simd::prelude::*;

use super::finish::{Maxima, per_row};
use super::pass::{ELEMENTS, EXPONENTIALS, NOTHING, exp_sum};
use super::{DIRECT_COLS, GROUP, Io, Job};
use crate::OpKind;
use crate::cpu::simd::{
    Math, PerRow, from_rows, lanes_from, log::log_probability, map, map_in_place, special, splat, to_rows,
};

/// Floats of scratch for rows of this length: two groups, and room to align.
pub(crate) fn scratch(cols: usize) -> usize {
    2 * cols.max(GROUP) + 16
}

/// Computes all rows of a part.
#[inline(always)]
pub(crate) fn run<S: Simd, M: Math<S>>(simd: S, job: &Job, mut io: Io, scratch: &mut [f32]) {
    let (cols, words) = (job.cols, job.words);
    if let Io::Apart(x, y) = &mut io
        && cols >= DIRECT_COLS
        && job.op.kind.is_elementwise()
    {
        return direct::<S, M>(simd, job, x, y, scratch);
    }
    let group = (GROUP / cols).clamp(1, S::f32s::LEN);
    let rows = io.x().len() / cols;
    let (scaled, hold) = scratch.split_at_mut(cols.max(GROUP));
    for row in (0..rows).step_by(group) {
        let count = group.min(rows - row);
        // The result leaves scratch by whole cache lines where scratch lies as the result does.
        let shift = (io.y()[row * words..].as_ptr() as usize / 4) % 16;
        let hold = &mut hold[shift..][..count * cols];
        let x = &io.x()[row * cols..][..count * cols];
        let x = self::scaled(simd, job, x, scaled);
        let maxima = maxima::<S, M>(simd, x, cols);
        let ahead = if job.ahead == 0 { group * cols } else { job.ahead };
        let sums = sums::<S, M>(simd, job, x, &maxima, hold, ahead);
        let y = &mut io.y()[row * words..][..count * words];
        if job.op.kind.is_elementwise() {
            write::<S, M>(simd, job, &maxima, &sums, hold, Some(y));
            let y = &mut io.y()[row * words..][..count * words];
            maxima.fill(job, count, y);
        } else {
            per_row::<S, M>(simd, job, &maxima, &sums.totals, y);
        }
    }
}

/// Rows that the L1 cache does not hold: the exponentials wait in the result, which then is in a cache
/// anyway, so that no store goes past them.
#[inline(always)]
fn direct<S: Simd, M: Math<S>>(simd: S, job: &Job, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
    for row in 0..x.len() / job.cols {
        let (x, y) = (&x[row * job.cols..][..job.cols], &mut y[row * job.cols..][..job.cols]);
        let x = scaled(simd, job, x, scratch);
        let maxima = maxima::<S, M>(simd, x, job.cols);
        let sums = sums::<S, M>(simd, job, x, &maxima, y, job.cols);
        write::<S, M>(simd, job, &maxima, &sums, y, None);
        maxima.fill(job, 1, y);
    }
}

/// The elements times the scale, in scratch where that changes them.
#[inline(always)]
fn scaled<'a, S: Simd>(simd: S, job: &Job, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
    if job.op.scale == 1.0 {
        return x;
    }
    let scaled = &mut scratch[..x.len()];
    map(
        simd,
        x,
        scaled,
        0,
        #[inline(always)]
        |x| special::scaled(simd, x, job.op.scale),
    );
    scaled
}

#[inline(always)]
fn maxima<S: Simd, M: Math<S>>(simd: S, x: &[f32], cols: usize) -> Maxima {
    let (mut keys, mut least) = (S::i32s::splat(simd, 0), splat(simd, 0.0));
    for (r, x) in x.chunks_exact(cols).enumerate() {
        (keys.as_mut_slice()[r], least.as_mut_slice()[r]) = special::extremes(simd, x);
    }
    Maxima::new::<S, M>(simd, keys, least)
}

/// What the first pass says of a group's rows.
struct Sums<T> {
    totals: PerRow<T>,
    /// One over what the exponentials are held times.
    release: PerRow<f32>,
}

#[inline(always)]
fn sums<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    x: &[f32],
    maxima: &Maxima,
    hold: &mut [f32],
    ahead: usize,
) -> Sums<M::Total> {
    let mut sums = Sums { totals: [M::ONE; _], release: [1.0; _] };
    let ranges = M::row(simd, from_rows(simd, &maxima.values));
    let release = splat(simd, 1.0) / M::Near::unit(simd, &ranges);
    let rows = x.chunks_exact(job.cols).zip(hold.chunks_exact_mut(job.cols));
    for (r, (x, hold)) in rows.enumerate() {
        if maxima.is_special(r) {
            continue;
        }
        let row = M::lane(simd, &ranges, &maxima.values, r);
        if maxima.is_near(r) {
            sums.totals[r] = row_sum::<S, M::Near>(simd, job, x, &row, hold, ahead);
            sums.release[r] = release.as_slice()[r];
        } else {
            sums.totals[r] = row_sum::<S, M>(simd, job, x, &row, hold, ahead);
        }
    }
    sums
}

#[inline(always)]
fn row_sum<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    x: &[f32],
    row: &M::Row,
    hold: &mut [f32],
    ahead: usize,
) -> M::Total {
    let fresh = lanes_from(simd, S::f32s::LEN - job.cols % S::f32s::LEN);
    match job.op.kind {
        OpKind::Softmax => exp_sum::<S, M, EXPONENTIALS>(simd, x, row, fresh, hold, ahead),
        OpKind::LogSoftmax => exp_sum::<S, M, ELEMENTS>(simd, x, row, fresh, hold, ahead),
        _ => exp_sum::<S, M, NOTHING>(simd, x, row, fresh, hold, ahead),
    }
}

/// The second pass: from scratch to the result, or in place where the exponentials wait there.
#[inline(always)]
fn write<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    sums: &Sums<M::Total>,
    hold: &mut [f32],
    mut y: Option<&mut [f32]>,
) {
    let (max, cols) = (&maxima.values, job.cols);
    let softmax = job.op.kind == OpKind::Softmax;
    let release = from_rows(simd, &sums.release);
    let [a, b] = if softmax {
        let [high, low] = M::reciprocals(simd, &sums.totals);
        [to_rows::<S>(high * release), to_rows::<S>(low * release)]
    } else {
        let [high, low] = M::logs(simd, &sums.totals, from_rows(simd, max));
        [to_rows::<S>(high), to_rows::<S>(low)]
    };
    for (r, hold) in hold.chunks_exact_mut(cols).enumerate() {
        let y = if job.stream { None } else { y.as_deref_mut().map(|y| &mut y[r * cols..][..cols]) };
        let by = [splat(simd, a[r]), splat(simd, b[r])];
        if !softmax {
            let max = splat(simd, max[r]);
            each(
                simd,
                hold,
                y,
                #[inline(always)]
                |x| log_probability(simd, x, max, by[0]),
            );
        } else if maxima.is_near(r) {
            each(
                simd,
                hold,
                y,
                #[inline(always)]
                |e| M::Near::normalise(simd, e, &by),
            );
        } else {
            each(
                simd,
                hold,
                y,
                #[inline(always)]
                |e| M::normalise(simd, e, &by),
            );
        }
    }
    if let Some(y) = y.filter(|_| job.stream) {
        job.copy_out(hold, y);
    }
}

/// A row to its result, or in place where there is none.
#[inline(always)]
fn each<S: Simd>(simd: S, hold: &mut [f32], y: Option<&mut [f32]>, f: impl Fn(S::f32s) -> S::f32s) {
    match y {
        Some(y) => map(simd, hold, y, 0, f),
        None => map_in_place(simd, hold, f),
    }
}
