//! Kernel `narrow`: short rows, one per lane. Rows are turned 4 x 4 on the way in and out, and
//! everything between works on whole vectors, whatever the number of columns.

use fearless_simd::prelude::*;

use super::finish::{Maxima, per_row};
use super::spans::{Spans, lane_maxima};
use super::{Io, Job, NARROW_COLS};
use crate::OpKind;
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::transpose::{OVERHANG, gather, scatter};
use crate::cpu::simd::{MAX_LANES, Math, PerRow, from_rows, load, log::log_probability, splat, store};
use crate::cpu::stream::prefetch;

/// Floats of results that are collected before they are copied out.
const STAGE: usize = 2048;
/// Vectors of rows that go through each step together: one alone would spend its time waiting for
/// the few operations before.
const TOGETHER: usize = 4;
/// Columns whose exponentials are computed side by side.
const COLUMNS: usize = 8;
/// Floats of the vectors that go together.
const BLOCK: usize = TOGETHER * MAX_LANES * NARROW_COLS + 2 * MAX_LANES;
/// Floats of scratch: two blocks, and the results of a stage and of one block with what hangs over.
pub(crate) const SCRATCH: usize = 4 * BLOCK + 2 * STAGE;

/// Computes all rows of a part; with `SPANS` only what lies in their spans takes part.
#[inline(always)]
pub(crate) fn run<S: Simd, M: Math<S>, const SPANS: bool>(
    simd: S,
    job: &Job,
    mut io: Io,
    spans: Spans,
    scratch: &mut [f32],
) {
    let (n, cols, words) = (S::f32s::LEN, job.cols, job.words);
    let rows = io.x().len() / cols;
    let block = n * TOGETHER;
    let stage = block * (STAGE / (block * cols.max(words))).max(1);
    let (lanes, scratch) = scratch.split_at_mut(BLOCK);
    let (padded, staged) = scratch.split_at_mut(BLOCK);
    for row in (0..rows).step_by(stage) {
        let count = stage.min(rows - row);
        for first in (0..count).step_by(block) {
            let here = block.min(count - first);
            let x = &io.x()[(row + first) * cols..];
            let x = if x.len() >= block * cols + OVERHANG {
                x
            } else {
                padded[..here * cols].copy_from_slice(&x[..here * cols]);
                padded[here * cols..].fill(0.0);
                &*padded
            };
            let staged = &mut staged[first * words..];
            let spans = if SPANS { spans.at(row + first) } else { spans };
            if here <= n {
                Block::<S, M, SPANS, 1>::compute(simd, job, x, spans, lanes, here, staged);
            } else {
                Block::<S, M, SPANS, TOGETHER>::compute(simd, job, x, spans, lanes, here, staged);
            }
        }
        job.copy_out(&staged[..count * words], &mut io.y()[row * words..][..count * words]);
    }
}

/// Vectors of rows that go through each step together.
struct Block<S: Simd, M: Math<S>, const SPANS: bool, const V: usize> {
    /// With `SPANS`, columns of each vector that any of its rows has elements in.
    cols: [usize; V],
    maxima: [Maxima; V],
    max: [S::f32s; V],
    totals: [PerRow<M::Total>; V],
    /// What the results are made with: multipliers of the exponentials, or logarithms.
    by: [[S::f32s; 2]; V],
}

impl<S: Simd, M: Math<S>, const SPANS: bool, const V: usize> Block<S, M, SPANS, V> {
    /// Rows from `x`, of which the first `rows` are wanted, to their results in `y`.
    #[inline(always)]
    fn compute(simd: S, job: &Job, x: &[f32], spans: Spans, lanes: &mut [f32], rows: usize, y: &mut [f32]) {
        let n = S::f32s::LEN;
        let pitch = n * job.cols.next_multiple_of(4);
        let lanes = &mut lanes[..V * pitch];
        for (v, lanes) in lanes.chunks_exact_mut(pitch).enumerate() {
            gather(simd, &x[v * n * job.cols..], job.cols, lanes);
        }
        let mut block = Self::new(simd, job, spans, lanes, pitch);
        block.sum(simd, job, x, lanes, pitch);
        if !job.op.kind.is_elementwise() {
            return block.write_per_row(simd, job, rows, y);
        }
        block.finish(simd, job, lanes, pitch);
        for (v, lanes) in lanes.chunks_exact(pitch).enumerate() {
            scatter(simd, lanes, job.cols, &mut y[v * n * job.cols..]);
        }
        for (v, maxima) in block.maxima.iter().enumerate() {
            let first = (v * n).min(rows);
            maxima.fill(job, n.min(rows - first), &mut y[first * job.cols..]);
        }
    }

    #[inline(always)]
    fn new(simd: S, job: &Job, spans: Spans, lanes: &mut [f32], pitch: usize) -> Self {
        let n = S::f32s::LEN;
        let mut cols = [job.cols; V];
        let mut maxima = [const { Maxima::EMPTY }; V];
        let mut max = [splat(simd, 0.0); V];
        for (v, lanes) in lanes.chunks_exact_mut(pitch).enumerate() {
            let lanes = &mut lanes[..n * job.cols];
            if SPANS {
                let spans = spans.at(v * n);
                cols[v] = spans.last(n).clamp(1, job.cols);
                maxima[v] = lane_maxima::<S, M>(simd, job, spans, &mut lanes[..n * cols[v]]);
            } else {
                maxima[v] = row_maxima::<S, M>(simd, job, lanes);
            }
            max[v] = from_rows(simd, &maxima[v].values);
        }
        Self { cols, maxima, max, totals: [[M::ONE; MAX_LANES]; V], by: [[splat(simd, 0.0); 2]; V] }
    }

    /// The sums; for softmax the exponentials take the elements' place. The elements that come
    /// next are asked for meanwhile.
    #[inline(always)]
    fn sum(&mut self, simd: S, job: &Job, x: &[f32], lanes: &mut [f32], pitch: usize) {
        let n = S::f32s::LEN;
        let ahead = job.ahead_or(V * n * job.cols);
        for (v, lanes) in lanes.chunks_exact_mut(pitch).enumerate() {
            for column in 0..job.cols {
                prefetch(x, ahead.wrapping_add((v * job.cols + column) * n));
            }
            let lanes = &mut lanes[..n * self.cols(job, v)];
            let max = self.max[v];
            if job.op.kind != OpKind::Softmax {
                self.totals[v] = totals::<S, M>(simd, &self.maxima[v], max, lanes);
            } else if self.is_near(v) && job.holes {
                self.by[v] = exponentials::<S, M::Holes>(simd, lanes, max);
            } else if self.is_near(v) {
                self.by[v] = exponentials::<S, M::Near>(simd, lanes, max);
            } else {
                self.by[v] = exponentials::<S, M>(simd, lanes, max);
            }
        }
    }

    /// Columns of a vector that are computed.
    #[inline(always)]
    fn cols(&self, job: &Job, v: usize) -> usize {
        if SPANS { self.cols[v] } else { job.cols }
    }

    /// Whether all rows of a vector are near.
    #[inline(always)]
    fn is_near(&self, v: usize) -> bool {
        self.maxima[v].near == u64::MAX >> (64 - S::f32s::LEN)
    }

    #[inline(always)]
    fn finish(&mut self, simd: S, job: &Job, lanes: &mut [f32], pitch: usize) {
        for (v, lanes) in lanes.chunks_exact_mut(pitch).enumerate() {
            let (lanes, outside) = lanes.split_at_mut(S::f32s::LEN * self.cols(job, v));
            if SPANS {
                outside.fill(job.outside());
            }
            let (by, max) = (self.by[v], self.max[v]);
            if job.op.kind != OpKind::Softmax {
                let [log, _] = M::logs(simd, &self.totals[v], max);
                each(
                    simd,
                    lanes,
                    #[inline(always)]
                    |x| log_probability(simd, x, max, log),
                );
            } else if self.is_near(v) {
                each(
                    simd,
                    lanes,
                    #[inline(always)]
                    |e| M::Near::normalise(simd, e, &by),
                );
            } else {
                each(
                    simd,
                    lanes,
                    #[inline(always)]
                    |e| M::normalise(simd, e, &by),
                );
            }
        }
    }

    #[inline(always)]
    fn write_per_row(&self, simd: S, job: &Job, rows: usize, y: &mut [f32]) {
        let n = S::f32s::LEN;
        for v in 0..V {
            let (first, end) = ((v * n).min(rows), ((v + 1) * n).min(rows));
            let y = &mut y[first * job.words..end * job.words];
            per_row::<S, M>(simd, job, &self.maxima[v], &self.totals[v], y);
        }
    }
}

#[inline(always)]
fn each<S: Simd>(simd: S, lanes: &mut [f32], f: impl Fn(S::f32s) -> S::f32s) {
    for v in lanes.chunks_exact_mut(S::f32s::LEN) {
        store::<S>(f(load(simd, v)), v);
    }
}

#[inline(always)]
fn row_maxima<S: Simd, M: Math<S>>(simd: S, job: &Job, lanes: &mut [f32]) -> Maxima {
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
        if job.holes {
            seen.see::<true>(simd, load(simd, v));
        } else {
            seen.see::<false>(simd, load(simd, v));
        }
    }
    Maxima::new::<S, M>(simd, seen.keys(simd), seen.least(simd))
}

/// The exponentials of one vector of rows, in the elements' place, and what makes probabilities of them.
#[inline(always)]
fn exponentials<S: Simd, M: Math<S>>(simd: S, lanes: &mut [f32], max: S::f32s) -> [S::f32s; 2] {
    let n = S::f32s::LEN;
    let row = M::row(simd, max);
    let mut sum = M::empty(simd, &row);
    let mut at = 0;
    while lanes.len() - at >= COLUMNS * n {
        columns::<S, M, COLUMNS>(simd, &mut lanes[at..], &row, &mut sum);
        at += COLUMNS * n;
    }
    while lanes.len() - at >= 3 * n {
        columns::<S, M, 3>(simd, &mut lanes[at..], &row, &mut sum);
        at += 3 * n;
    }
    while at < lanes.len() {
        columns::<S, M, 1>(simd, &mut lanes[at..], &row, &mut sum);
        at += n;
    }
    let [high, low] = M::lane_reciprocals(simd, sum, (lanes.len() / n) as u32);
    let release = splat(simd, 1.0) / M::unit(simd, &row);
    [high * release, low * release]
}

/// The exponentials of some columns side by side.
#[inline(always)]
fn columns<S: Simd, M: Math<S>, const U: usize>(simd: S, lanes: &mut [f32], row: &M::Row, sum: &mut M::Sum) {
    let n = S::f32s::LEN;
    let lanes = &mut lanes[..U * n];
    let mut v = [splat(simd, 0.0); U];
    for i in 0..U {
        v[i] = load(simd, &lanes[i * n..]);
    }
    let e = M::exp_many(simd, &v, &[*row]);
    for i in 0..U {
        M::add(sum, e[i]);
        store::<S>(e[i], &mut lanes[i * n..]);
    }
}

/// The sums of one vector of rows.
#[inline(always)]
fn totals<S: Simd, M: Math<S>>(simd: S, maxima: &Maxima, max: S::f32s, lanes: &[f32]) -> PerRow<M::Total> {
    let row = M::row(simd, max);
    let mut sum = M::empty(simd, &row);
    for v in lanes.chunks_exact(S::f32s::LEN) {
        M::add(&mut sum, M::exp(simd, load(simd, v), &row));
    }
    let mut totals = M::lanes(sum, (lanes.len() / S::f32s::LEN) as u32);
    if maxima.special != 0 {
        for (r, total) in totals.iter_mut().enumerate() {
            *total = if maxima.is_special(r) { M::ONE } else { *total };
        }
    }
    totals
}
