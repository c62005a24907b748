//! Kernel `group`: rows of middling length, several at a time, read once and written once. The
//! exponentials wait in scratch, in the L1 cache, or for longer rows in the result, or where the elements
//! were if nobody needs those; the scalars of a group's rows (reciprocal, logarithm) are computed together,
//! one row per lane.

use std::iter::once;

use fearless_simd::dispatch;
use fearless_simd::prelude::*;

use super::finish::{Maxima, per_row};
use super::groups::{Before, Groups};
use super::past::{self, Out};
use super::sums::{Sums, of_group, sums};
use super::{DIRECT_COLS, GROUP, Io, Job, SHORT_COLS};
use crate::OpKind;
use crate::cpu::scratch;
use crate::cpu::simd::exact::Exact;
use crate::cpu::simd::fast::Fast;
use crate::cpu::simd::{Math, from_rows, log::log_probability, map, map_in_place, special, splat, to_rows};

mod place;

/// Computes rows at the level of instructions of their job; scratch is needed only where their elements must stay.
pub(super) fn compute(job: &Job, io: Io) {
    match io {
        Io::Same(z) => place::compute(job, z, None),
        Io::Through(z, y) if job.op.kind.is_elementwise() => place::compute(job, z, Some(y)),
        io => compute_apart(job, io),
    }
}

fn compute_apart(job: &Job, io: Io) {
    // Two groups.
    scratch::with(2 * job.cols.max(GROUP), |scratch| match (job.is_fast(), job.cols <= SHORT_COLS) {
        (true, true) => dispatch!(job.token, simd => run::<_, Fast, true>(simd, job, io, scratch)),
        (true, _) => dispatch!(job.token, simd => run::<_, Fast, false>(simd, job, io, scratch)),
        (_, true) => dispatch!(job.token, simd => run::<_, Exact, true>(simd, job, io, scratch)),
        _ => dispatch!(job.token, simd => run::<_, Exact, false>(simd, job, io, scratch)),
    });
}

/// Computes all rows of a part.
#[inline(always)]
fn run<S: Simd, M: Math<S>, const SHORT: bool>(simd: S, job: &Job, mut io: Io, scratch: &mut [f32]) {
    let (cols, words) = (job.cols, job.words);
    if !SHORT
        && let Io::Apart(x, y) = &mut io
        && cols >= DIRECT_COLS
        && job.op.kind.is_elementwise()
    {
        return direct::<S, M>(simd, job, x, y, scratch);
    }
    if let Io::Apart(x, y) = &mut io
        && job.stream
    {
        return past::run::<S, M, SHORT>(simd, job, x, y, scratch);
    }
    let group = (GROUP / cols).clamp(1, S::f32s::LEN) * cols;
    let mut groups = Groups::new(io.x().len(), group, false);
    let ahead = job.ahead_or(groups.ahead());
    let (scratch, hold) = scratch.split_at_mut(cols.max(GROUP));
    let mut before: Before<S, M> = (0..0, Maxima::EMPTY, Sums::none::<M>(simd));
    while let Some(here) = groups.next(&before.0) {
        let coming = extremes_of_group::<S, M, SHORT>(simd, job, &io.x()[here.clone()], scratch);
        let (rows, maxima, sums) = &before;
        if !rows.is_empty() {
            let count = rows.len() / cols;
            let y = &mut io.y()[rows.start / cols * words..][..count * words];
            let hold = &mut hold[..rows.len()];
            if job.op.kind.is_elementwise() {
                write::<S, M>(simd, job, maxima, sums, hold.chunks_exact_mut(cols), Out::Slice(y));
                maxima.fill(job, count, y);
            } else {
                per_row::<S, M>(simd, job, maxima, &sums.totals, y);
            }
        }
        let (x, hold) = (elements(job, &io.x()[here.clone()], scratch), &mut hold[..here.len()]);
        let sums = of_group::<S, M, false, SHORT>(simd, job, &coming, x, hold, ahead);
        before = (here, coming, sums);
    }
}

/// Rows that the L1 cache does not hold: the exponentials wait in the result, which then is in a cache
/// anyway, so that no store goes past them.
#[inline(always)]
fn direct<S: Simd, M: Math<S>>(simd: S, job: &Job, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
    for row in 0..x.len() / job.cols {
        let (x, y) = (&x[row * job.cols..][..job.cols], &mut y[row * job.cols..][..job.cols]);
        let x = scaled(simd, job, x, scratch);
        let maxima = maxima::<S, M, false>(simd, false, once(x));
        let sums = sums::<S, M, false>(simd, job, &maxima, once((x, &mut *y)), job.cols);
        write::<S, M>(simd, job, &maxima, &sums, once(&mut *y), Out::Place);
        maxima.fill(job, 1, y);
    }
}

/// The extremes of a group's rows, whose elements times the scale go to scratch where that changes them.
#[inline(always)]
pub(super) fn extremes_of_group<S: Simd, M: Math<S>, const SHORT: bool>(
    simd: S,
    job: &Job,
    x: &[f32],
    scratch: &mut [f32],
) -> Maxima {
    if x.is_empty() {
        return Maxima::EMPTY;
    }
    let x = scaled(simd, job, x, scratch);
    maxima::<S, M, SHORT>(simd, false, x.chunks_exact(job.cols))
}

/// The same for elements in the place where their exponentials will be.
#[inline(always)]
pub(super) fn extremes_in_place<S: Simd, M: Math<S>, const SHORT: bool>(
    simd: S,
    job: &Job,
    z: &mut [f32],
) -> Maxima {
    if z.is_empty() {
        return Maxima::EMPTY;
    }
    scale_in_place(simd, job, z);
    maxima::<S, M, SHORT>(simd, job.holes, z.chunks_exact(job.cols))
}

/// Where [`scaled`] has left the elements.
#[inline(always)]
pub(super) fn elements<'a>(job: &Job, x: &'a [f32], scratch: &'a [f32]) -> &'a [f32] {
    if job.op.scale == 1.0 { x } else { &scratch[..x.len()] }
}

/// The elements times the scale, in scratch where that changes them.
#[inline(always)]
pub(super) fn scaled<'a, S: Simd>(simd: S, job: &Job, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
    if job.op.scale != 1.0 {
        map(
            simd,
            x,
            &mut scratch[..x.len()],
            0,
            #[inline(always)]
            |x| special::scaled(simd, x, job.op.scale),
        );
    }
    elements(job, x, scratch)
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

/// The extremes of rows that are long enough for each to have them by itself.
#[inline(always)]
fn extremes<'a, S: Simd, const HOLES: bool>(
    simd: S,
    rows: impl Iterator<Item = &'a [f32]>,
) -> (S::i32s, S::f32s) {
    let (mut keys, mut least) = (S::i32s::splat(simd, 0), splat(simd, 0.0));
    for (r, x) in rows.enumerate() {
        (keys.as_mut_slice()[r], least.as_mut_slice()[r]) = special::extremes::<S, HOLES>(simd, x);
    }
    (keys, least)
}

/// `holes` says that elements that are -inf do not count as least; `SHORT` that rows are of at most [`SHORT_COLS`].
#[inline(always)]
pub(super) fn maxima<'a, S: Simd, M: Math<S>, const SHORT: bool>(
    simd: S,
    holes: bool,
    rows: impl Iterator<Item = &'a [f32]> + Clone,
) -> Maxima {
    let (keys, least) = match (SHORT, holes) {
        (true, true) => special::extremes_of_rows::<S, true>(simd, rows),
        (true, false) => special::extremes_of_rows::<S, false>(simd, rows),
        (false, true) => extremes::<S, true>(simd, rows),
        (false, false) => extremes::<S, false>(simd, rows),
    };
    Maxima::new::<S, M>(simd, keys, least)
}

/// The second pass: from where the exponentials wait to the result. Special rows are filled in here only where
/// results go past the caches.
#[inline(always)]
pub(super) fn write<'a, S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    sums: &Sums<S, M::Total>,
    rows: impl Iterator<Item = &'a mut [f32]>,
    mut out: Out,
) {
    let (max, cols) = (&maxima.values, job.cols);
    let softmax = job.op.kind == OpKind::Softmax;
    let by = if softmax { sums.by } else { M::logs(simd, &sums.totals, from_rows(simd, max)) };
    let [a, b] = [to_rows::<S>(by[0]), to_rows::<S>(by[1])];
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
