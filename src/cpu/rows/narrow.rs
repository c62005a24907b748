//! Kernel `narrow`: short rows, one per lane. Rows are turned 4 x 4 on the way in and out, and
//! everything between works on whole vectors, whatever the number of columns.

use fearless_simd::prelude::*;

use super::finish::{Maxima, per_row};
use super::{Io, Job, NARROW_COLS};
use crate::OpKind;
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::transpose::{OVERHANG, gather, scatter};
use crate::cpu::simd::{MAX_LANES, Math, PerRow, from_rows, load, log::log_probability, store};

/// Floats of results that are collected before they are copied out.
const STAGE: usize = 2048;
const BLOCK: usize = MAX_LANES * NARROW_COLS + 2 * MAX_LANES;

/// Floats of scratch: two blocks, and the results of a stage or of one block with what hangs over.
pub(crate) const SCRATCH: usize = 4 * BLOCK + 2 * STAGE;

/// Computes all rows of a part.
#[inline(always)]
pub(crate) fn run<S: Simd, M: Math<S>>(simd: S, job: &Job, mut io: Io, scratch: &mut [f32]) {
    let (n, cols, words) = (S::f32s::LEN, job.cols, job.words);
    let rows = io.x().len() / cols;
    let stage = n * (STAGE / (n * cols.max(words))).max(1);
    let (lanes, scratch) = scratch.split_at_mut(BLOCK);
    let (padded, staged) = scratch.split_at_mut(BLOCK);
    for row in (0..rows).step_by(stage) {
        let count = stage.min(rows - row);
        for first in (0..count).step_by(n) {
            let here = n.min(count - first);
            let x = &io.x()[(row + first) * cols..];
            if x.len() >= n * cols + OVERHANG {
                gather(simd, x, cols, lanes);
            } else {
                padded[..here * cols].copy_from_slice(&x[..here * cols]);
                padded[here * cols..].fill(0.0);
                gather(simd, padded, cols, lanes);
            }
            block::<S, M>(
                simd,
                job,
                &mut lanes[..n * cols.next_multiple_of(4)],
                here,
                &mut staged[first * words..],
            );
        }
        job.copy_out(&staged[..count * words], &mut io.y()[row * words..][..count * words]);
    }
}

/// One vector of rows, of which the first `rows` are wanted.
#[inline(always)]
fn block<S: Simd, M: Math<S>>(simd: S, job: &Job, lanes: &mut [f32], rows: usize, y: &mut [f32]) {
    let wide = job.cols * S::f32s::LEN;
    let maxima = maxima(simd, job, &mut lanes[..wide]);
    let max = from_rows(simd, &maxima.values);
    let totals = totals::<S, M>(simd, job, &maxima, max, &mut lanes[..wide]);
    match job.op.kind {
        OpKind::Softmax => {
            let by = M::reciprocals(simd, &totals);
            each(
                simd,
                &mut lanes[..wide],
                #[inline(always)]
                |e| M::normalise(simd, e, &by),
            );
        }
        OpKind::LogSoftmax => {
            let [log, _] = M::logs(simd, &totals, max);
            each(
                simd,
                &mut lanes[..wide],
                #[inline(always)]
                |x| log_probability(simd, x, max, log),
            );
        }
        _ => return per_row::<S, M>(simd, job, &maxima, &totals, &mut y[..rows * job.words]),
    }
    scatter(simd, lanes, job.cols, y);
    maxima.fill(job, rows, y);
}

#[inline(always)]
fn each<S: Simd>(simd: S, lanes: &mut [f32], f: impl Fn(S::f32s) -> S::f32s) {
    for v in lanes.chunks_exact_mut(S::f32s::LEN) {
        store::<S>(f(load(simd, v)), v);
    }
}

#[inline(always)]
fn maxima<S: Simd>(simd: S, job: &Job, lanes: &mut [f32]) -> Maxima {
    if job.op.scale != 1.0 {
        each(
            simd,
            lanes,
            #[inline(always)]
            |x| scaled(simd, x, job.op.scale),
        );
    }
    let mut seen = Extremes::new(simd);
    for v in lanes.chunks_exact(S::f32s::LEN) {
        seen.see(load(simd, v));
    }
    Maxima::new(simd, seen.keys(simd))
}

/// The sums; for softmax the exponentials take the elements' place.
#[inline(always)]
fn totals<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    max: S::f32s,
    lanes: &mut [f32],
) -> PerRow<M::Total> {
    let row = M::row(simd, max);
    let mut sum = M::empty(simd);
    if job.op.kind == OpKind::Softmax {
        each(
            simd,
            lanes,
            #[inline(always)]
            |x| M::exp(simd, x, &row),
        );
        for v in lanes.chunks_exact(S::f32s::LEN) {
            M::add(&mut sum, load(simd, v));
        }
    } else {
        for v in lanes.chunks_exact(S::f32s::LEN) {
            M::add(&mut sum, M::exp(simd, load(simd, v), &row));
        }
    }
    let mut totals = M::lanes(sum, job.cols as u32);
    if maxima.special != 0 {
        for (r, total) in totals.iter_mut().enumerate() {
            *total = if maxima.is_special(r) { M::ONE } else { *total };
        }
    }
    totals
}
