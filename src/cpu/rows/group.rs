//! Kernel `group`: rows of middling length, several at a time, read once and written once. The
//! exponentials wait in scratch, in the L1 cache, or for longer rows in the result; the scalars of a
//! group's rows (reciprocal, logarithm) are computed together, one row per lane.

use fearless_simd::prelude::*;

use super::finish::{Maxima, per_row};
use super::pass::{ELEMENTS, EXPONENTIALS, NOTHING, exp_sum};
use super::{DIRECT_COLS, GROUP, Io, Job};
use crate::OpKind;
use crate::cpu::simd::{
    Math, PerRow, lanes_from, log::log_probability, map, map_in_place, special, splat, to_rows,
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
        let maxima = maxima(simd, x, cols);
        let totals = totals::<S, M>(simd, job, x, &maxima, hold, group * cols);
        let y = &mut io.y()[row * words..][..count * words];
        if job.op.kind.is_elementwise() {
            write::<S, M>(simd, job, &maxima, &totals, hold, Some(y));
            let y = &mut io.y()[row * words..][..count * words];
            maxima.fill(job, count, y);
        } else {
            per_row::<S, M>(simd, job, &maxima, &totals, y);
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
        let maxima = maxima(simd, x, job.cols);
        let totals = totals::<S, M>(simd, job, x, &maxima, y, job.cols);
        write::<S, M>(simd, job, &maxima, &totals, y, None);
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
fn maxima<S: Simd>(simd: S, x: &[f32], cols: usize) -> Maxima {
    let mut keys = S::i32s::splat(simd, 0);
    for (key, x) in keys.as_mut_slice().iter_mut().zip(x.chunks_exact(cols)) {
        *key = special::max_key(simd, x);
    }
    Maxima::new(simd, keys)
}

#[inline(always)]
fn totals<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    x: &[f32],
    maxima: &Maxima,
    hold: &mut [f32],
    ahead: usize,
) -> PerRow<M::Total> {
    let fresh = lanes_from(simd, S::f32s::LEN - job.cols % S::f32s::LEN);
    let mut totals = [M::ONE; _];
    let rows = x.chunks_exact(job.cols).zip(hold.chunks_exact_mut(job.cols));
    for (r, (x, hold)) in rows.enumerate() {
        if maxima.is_special(r) {
            continue;
        }
        let row = M::row(simd, splat(simd, maxima.values[r]));
        totals[r] = match job.op.kind {
            OpKind::Softmax => exp_sum::<S, M, EXPONENTIALS>(simd, x, &row, fresh, hold, ahead),
            OpKind::LogSoftmax => exp_sum::<S, M, ELEMENTS>(simd, x, &row, fresh, hold, ahead),
            _ => exp_sum::<S, M, NOTHING>(simd, x, &row, fresh, hold, ahead),
        };
    }
    totals
}

/// The second pass: from scratch to the result, or in place where the exponentials wait there.
#[inline(always)]
fn write<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    totals: &PerRow<M::Total>,
    hold: &mut [f32],
    y: Option<&mut [f32]>,
) {
    if job.op.kind == OpKind::Softmax {
        let [high, low] = M::reciprocals(simd, totals).map(
            #[inline(always)]
            |v| to_rows::<S>(v),
        );
        each_row(
            simd,
            job,
            hold,
            y,
            #[inline(always)]
            |r, e| M::normalise(simd, e, &[splat(simd, high[r]), splat(simd, low[r])]),
        );
    } else {
        let max = &maxima.values;
        let [log, _] = M::logs(simd, totals, crate::cpu::simd::from_rows(simd, max));
        let log = to_rows::<S>(log);
        each_row(
            simd,
            job,
            hold,
            y,
            #[inline(always)]
            |r, x| log_probability(simd, x, splat(simd, max[r]), splat(simd, log[r])),
        );
    }
}

#[inline(always)]
fn each_row<S: Simd>(
    simd: S,
    job: &Job,
    hold: &mut [f32],
    y: Option<&mut [f32]>,
    f: impl Fn(usize, S::f32s) -> S::f32s,
) {
    if job.stream || y.is_none() {
        for (r, hold) in hold.chunks_exact_mut(job.cols).enumerate() {
            map_in_place(
                simd,
                hold,
                #[inline(always)]
                |v| f(r, v),
            );
        }
        if let Some(y) = y {
            job.copy_out(hold, y);
        }
    } else if let Some(y) = y {
        for (r, (hold, y)) in hold.chunks_exact(job.cols).zip(y.chunks_exact_mut(job.cols)).enumerate() {
            map(
                simd,
                hold,
                y,
                0,
                #[inline(always)]
                |v| f(r, v),
            );
        }
    }
}
