//! Kernel `group`: rows of middling length, several at a time, read once and written once. The
//! exponentials wait in scratch, in the L1 cache, or for longer rows in the result, or where the elements
//! were if nobody needs those; the scalars of a group's rows (reciprocal, logarithm) are computed together,
//! one row per lane.

use std::iter::once;
use std::ops::Range;

use fearless_simd::prelude::*;

use super::finish::Maxima;
use super::groups::Before;
use super::sums::{Sums, of_group};
use super::to::{Out, To};
use super::{DIRECT_COLS, GROUP, Io, Job, SHORT_COLS};
use crate::OpKind;
use crate::cpu::dispatch::dispatch_math;
use crate::cpu::scratch;
use crate::cpu::simd::{Math, from_rows, log::log_probability, map, map_in_place, special, splat, to_rows};

/// Computes rows at the level of instructions of their job.
pub(super) fn compute(job: &Job, io: Io) {
    match io {
        Io::Same(z) => compute_in_place(job, z, None),
        Io::Through(z, y) if job.op.kind.is_elementwise() => compute_in_place(job, z, Some(y)),
        Io::Through(x, y) => compute_apart(job, x, y),
        Io::Apart(x, y) => compute_apart(job, x, y),
    }
}

/// Rows whose exponentials wait in scratch, or if they are long in the result.
fn compute_apart(job: &Job, x: &[f32], y: &mut [f32]) {
    let floats = job.cols.max(GROUP);
    scratch::with(2 * floats, |scratch| {
        let (scaled, hold) = scratch.split_at_mut(floats);
        if job.cols >= DIRECT_COLS && job.op.kind.is_elementwise() {
            dispatch_math!(job, M, simd => direct::<_, M>(simd, job, x, scaled, y));
        } else {
            compute_rows::<false>(job, Rows { x, scaled, hold }, Some(y));
        }
    });
}

/// Rows whose exponentials take the elements' place, and whose results go there too or elsewhere.
fn compute_in_place(job: &Job, z: &mut [f32], y: Option<&mut [f32]>) {
    compute_rows::<true>(job, Rows { x: &[], scaled: &mut [], hold: z }, y);
}

/// With `Z` the exponentials take the elements' place.
fn compute_rows<const Z: bool>(job: &Job, rows: Rows, y: Option<&mut [f32]>) {
    if job.cols <= SHORT_COLS {
        dispatch_math!(job, M, simd => run::<_, M, true, Z>(simd, job, rows, y));
    } else {
        dispatch_math!(job, M, simd => run::<_, M, false, Z>(simd, job, rows, y));
    }
}

/// Rows, and where their exponentials wait.
struct Rows<'a> {
    /// The elements; none where exponentials take their place.
    x: &'a [f32],
    /// Where elements times the scale go.
    scaled: &'a mut [f32],
    /// Where exponentials wait: the elements, or a place for those of a group.
    hold: &'a mut [f32],
}

impl Rows<'_> {
    /// The place where the exponentials of some rows wait.
    #[inline(always)]
    fn hold<const Z: bool>(&mut self, rows: &Range<usize>) -> &mut [f32] {
        if Z { &mut self.hold[rows.clone()] } else { &mut self.hold[..rows.len()] }
    }

    /// The extremes of a group's rows.
    #[inline(always)]
    fn extremes<S: Simd, M: Math<S>, const SHORT: bool, const Z: bool>(
        &mut self,
        simd: S,
        job: &Job,
        here: &Range<usize>,
    ) -> Maxima {
        if here.is_empty() {
            return Maxima::EMPTY;
        }
        if Z {
            let z = &mut self.hold[here.clone()];
            scale_in_place(simd, job, z);
            return maxima::<S, M, SHORT>(simd, job.holes, z.chunks_exact(job.cols));
        }
        let x = scaled(simd, job, &self.x[here.clone()], self.scaled);
        maxima::<S, M, SHORT>(simd, false, x.chunks_exact(job.cols))
    }
}

/// Computes all rows of a part.
#[inline(always)]
fn run<S: Simd, M: Math<S>, const SHORT: bool, const Z: bool>(
    simd: S,
    job: &Job,
    mut rows: Rows,
    y: Option<&mut [f32]>,
) {
    let mut to = To::new::<S>(job, y);
    let mut groups = to.groups::<S>(job, if Z { rows.hold.len() } else { rows.x.len() });
    let ahead = job.ahead_or(groups.ahead());
    let mut before: Before<S, M> = (0..0, Maxima::EMPTY, Sums::none::<M>(simd));
    while let Some(here) = groups.next(&before.0) {
        if groups.apart {
            to.ask(here.len());
        }
        let coming = rows.extremes::<S, M, SHORT, Z>(simd, job, &here);
        if !before.0.is_empty() {
            to.write::<S, M>(simd, job, &before, rows.hold::<Z>(&before.0));
        }
        if !groups.apart {
            to.ask(here.len());
        }
        let sums = if Z {
            of_group::<S, M, Z, SHORT>(simd, job, &coming, &[], rows.hold::<Z>(&here), ahead)
        } else {
            let x = if job.op.scale == 1.0 { &rows.x[here.clone()] } else { &rows.scaled[..here.len()] };
            of_group::<S, M, Z, SHORT>(simd, job, &coming, x, &mut rows.hold[..here.len()], ahead)
        };
        before = (here, coming, sums);
    }
    to.finish();
}

/// Rows that the L1 cache does not hold, one after the other: the exponentials wait in the result, which then is in a
/// cache anyway, so that no store goes past them.
#[inline(always)]
fn direct<S: Simd, M: Math<S>>(simd: S, job: &Job, x: &[f32], scratch: &mut [f32], y: &mut [f32]) {
    let cols = job.cols;
    for row in 0..x.len() / cols {
        let (x, y) = (&x[row * cols..][..cols], &mut y[row * cols..][..cols]);
        let x = scaled(simd, job, x, scratch);
        let maxima = maxima::<S, M, false>(simd, false, once(x));
        let sums = of_group::<S, M, false, false>(simd, job, &maxima, x, y, cols);
        write::<S, M>(simd, job, &maxima, &sums, once(&mut *y), Out::Place);
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
