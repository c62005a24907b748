//! Kernel `group`: rows of middling length, several at a time, read once and written once. The
//! exponentials wait in scratch, in the L1 cache, or for longer rows in the result, or where the elements
//! were if nobody needs those; the scalars of a group's rows (reciprocal, logarithm) are computed together,
//! one row per lane.

use std::iter::once;

use fearless_simd::prelude::*;

use super::finish::{Maxima, per_row};
use super::pass::{ELEMENTS, EXPONENTIALS, IN_PLACE, NOTHING, exp_sum};
use super::past::{self, Out};
use super::{DIRECT_COLS, GROUP, Io, Job};
use crate::OpKind;
use crate::cpu::simd::{
    Math, PerRow, from_rows, lanes_from, log::log_probability, map, map_in_place, special, splat, to_rows,
};

/// Floats of scratch for rows of this length: two groups.
pub(crate) fn scratch(cols: usize) -> usize {
    2 * cols.max(GROUP)
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
    if let Io::Apart(x, y) = &mut io
        && job.stream
    {
        return past::run::<S, M>(simd, job, x, y, scratch);
    }
    let group = (GROUP / cols).clamp(1, S::f32s::LEN);
    let rows = io.x().len() / cols;
    let (scaled, hold) = scratch.split_at_mut(cols.max(GROUP));
    for row in (0..rows).step_by(group) {
        let count = group.min(rows - row);
        let hold = &mut hold[..count * cols];
        let x = &io.x()[row * cols..][..count * cols];
        let x = self::scaled(simd, job, x, scaled);
        let maxima = maxima::<S, M>(simd, false, x.chunks_exact(cols));
        let ahead = job.ahead_or(group * cols);
        let sums = sums::<S, M, false>(
            simd,
            job,
            &maxima,
            x.chunks_exact(cols).zip(hold.chunks_exact_mut(cols)),
            ahead,
        );
        let y = &mut io.y()[row * words..][..count * words];
        if job.op.kind.is_elementwise() {
            write::<S, M>(simd, job, &maxima, &sums, hold.chunks_exact_mut(cols), Out::Slice(y));
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
        let maxima = maxima::<S, M>(simd, false, once(x));
        let sums = sums::<S, M, false>(simd, job, &maxima, once((x, &mut *y)), job.cols);
        write::<S, M>(simd, job, &maxima, &sums, once(&mut *y), Out::Place);
        maxima.fill(job, 1, y);
    }
}

/// Rows whose exponentials take the elements' place, and whose results go there too or elsewhere.
#[inline(always)]
pub(crate) fn in_place<S: Simd, M: Math<S>>(simd: S, job: &Job, z: &mut [f32], mut y: Option<&mut [f32]>) {
    if let Some(y) = y.as_deref_mut()
        && job.stream
    {
        return past::in_place::<S, M>(simd, job, z, y);
    }
    let cols = job.cols;
    let group = (GROUP / cols).clamp(1, S::f32s::LEN) * cols;
    let ahead = job.ahead_or(group);
    let floats = z.len();
    for start in (0..floats).step_by(group) {
        let here = start..floats.min(start + group);
        let (z, rows) = (&mut z[here.clone()], here.len() / cols);
        scale_in_place(simd, job, z);
        let maxima = maxima::<S, M>(simd, job.holes, z.chunks_exact(cols));
        let sums = sums::<S, M, true>(simd, job, &maxima, in_their_place(z, cols), ahead);
        let mut y = y.as_deref_mut().map(
            #[inline(always)]
            |y| &mut y[here.clone()],
        );
        let out = match y.as_deref_mut() {
            Some(y) => Out::Slice(y),
            None => Out::Place,
        };
        write::<S, M>(simd, job, &maxima, &sums, z.chunks_exact_mut(cols), out);
        maxima.fill(job, rows, y.unwrap_or(z));
    }
}

/// Rows whose exponentials take the elements' place, as [`sums`] takes them.
#[inline(always)]
pub(super) fn in_their_place(z: &mut [f32], cols: usize) -> impl Iterator<Item = (&[f32], &mut [f32])> {
    z.chunks_exact_mut(cols).map(
        #[inline(always)]
        |z| (&[][..], z),
    )
}

/// The elements times the scale, in scratch where that changes them.
#[inline(always)]
pub(super) fn scaled<'a, S: Simd>(simd: S, job: &Job, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
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

/// At least one vector of elements times the scale, in their place.
#[inline(always)]
pub(super) fn scale_in_place<S: Simd>(simd: S, job: &Job, z: &mut [f32]) {
    if job.op.scale != 1.0 {
        map_in_place(
            simd,
            z,
            #[inline(always)]
            |x| special::scaled(simd, x, job.op.scale),
        );
    }
}

/// `holes` says that elements that are -inf do not count as least.
#[inline(always)]
pub(super) fn maxima<'a, S: Simd, M: Math<S>>(
    simd: S,
    holes: bool,
    rows: impl Iterator<Item = &'a [f32]>,
) -> Maxima {
    let (mut keys, mut least) = (S::i32s::splat(simd, 0), splat(simd, 0.0));
    for (r, x) in rows.enumerate() {
        (keys.as_mut_slice()[r], least.as_mut_slice()[r]) = if holes {
            special::extremes::<S, true>(simd, x)
        } else {
            special::extremes::<S, false>(simd, x)
        };
    }
    Maxima::new::<S, M>(simd, keys, least)
}

/// What the first pass says of a group's rows.
pub(super) struct Sums<T> {
    pub(super) totals: PerRow<T>,
    /// One over what the exponentials are held times.
    release: PerRow<f32>,
}

/// Of rows, and where their exponentials go. With `Z` that is where the elements are, and the rows are empty.
#[inline(always)]
pub(super) fn sums<'a, S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    rows: impl Iterator<Item = (&'a [f32], &'a mut [f32])>,
    ahead: usize,
) -> Sums<M::Total> {
    let mut sums = Sums { totals: [M::ONE; _], release: [1.0; _] };
    let ranges = M::row(simd, from_rows(simd, &maxima.values));
    let release = splat(simd, 1.0) / M::Near::unit(simd, &ranges);
    for (r, (x, hold)) in rows.enumerate() {
        if maxima.is_special(r) {
            continue;
        }
        let row = M::lane(simd, &ranges, &maxima.values, r);
        if maxima.is_near(r) {
            sums.totals[r] = if Z && job.holes {
                row_sum::<S, M::Holes, Z>(simd, job, x, &row, hold, ahead)
            } else {
                row_sum::<S, M::Near, Z>(simd, job, x, &row, hold, ahead)
            };
            sums.release[r] = release.as_slice()[r];
        } else {
            sums.totals[r] = row_sum::<S, M, Z>(simd, job, x, &row, hold, ahead);
        }
    }
    sums
}

#[inline(always)]
fn row_sum<S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    x: &[f32],
    row: &M::Row,
    hold: &mut [f32],
    ahead: usize,
) -> M::Total {
    let len = if Z { hold.len() } else { x.len() };
    let fresh = lanes_from(simd, S::f32s::LEN - len % S::f32s::LEN);
    match job.op.kind {
        OpKind::Softmax if Z => exp_sum::<S, M, IN_PLACE>(simd, x, row, fresh, hold, ahead),
        _ if Z => exp_sum::<S, M, NOTHING>(simd, hold, row, fresh, &mut [], ahead),
        OpKind::Softmax => exp_sum::<S, M, EXPONENTIALS>(simd, x, row, fresh, hold, ahead),
        OpKind::LogSoftmax => exp_sum::<S, M, ELEMENTS>(simd, x, row, fresh, hold, ahead),
        _ => exp_sum::<S, M, NOTHING>(simd, x, row, fresh, hold, ahead),
    }
}

/// The second pass: from where the exponentials wait to the result. Special rows are filled in here only where
/// results go past the caches.
#[inline(always)]
pub(super) fn write<'a, S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    sums: &Sums<M::Total>,
    rows: impl Iterator<Item = &'a mut [f32]>,
    mut out: Out,
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
    for (r, hold) in rows.enumerate() {
        if let Out::Past(past) = &mut out
            && let Some(value) = maxima.special_value(job, r)
        {
            hold.fill(value);
            past.rows(simd, hold);
            continue;
        }
        let out = out.row(r, cols);
        let by = [splat(simd, a[r]), splat(simd, b[r])];
        if !softmax {
            let max = splat(simd, max[r]);
            out.write(
                simd,
                hold,
                #[inline(always)]
                |x| log_probability(simd, x, max, by[0]),
            );
        } else if maxima.is_near(r) {
            out.write(
                simd,
                hold,
                #[inline(always)]
                |e| M::Near::normalise(simd, e, &by),
            );
        } else {
            out.write(
                simd,
                hold,
                #[inline(always)]
                |e| M::normalise(simd, e, &by),
            );
        }
    }
}
