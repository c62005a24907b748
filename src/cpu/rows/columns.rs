//! Kernel `columns`: rows that lie side by side, one per lane, along an axis of any length. Their elements
//! are brought line by line into scratch, which holds the exponentials too: memory is read once and
//! written once, and nothing is turned. Some lines at a time go through a step while they are near.

use fearless_simd::prelude::*;

use super::Job;
use super::finish::{LaneMaxima, per_row};
use crate::OpKind;
use crate::cpu::dispatch::dispatch_math;
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::{MAX_LANES, Math, PerRow, load, log::log_probability, splat, store};
use crate::numerics::FLUSH;

/// Lines that go through a step together, and exponentials that are computed side by side.
const TOGETHER: usize = 8;

/// Where lines come from and go to.
pub(crate) trait Lines {
    /// Fills lines from number `first` on with their elements, and lanes without a row with 0.
    fn bring(&mut self, first: usize, lines: &mut [f32]);
    /// Takes the results of lines from number `first` on.
    fn put(&mut self, first: usize, lines: &[f32]);
}

/// Computes rows at the level of instructions of their job.
pub(super) fn compute(
    job: &Job,
    lines: &mut [f32],
    pitch: usize,
    rows: usize,
    y: &mut [f32],
    io: &mut dyn Lines,
) {
    dispatch_math!(job, M, simd => run::<_, M>(simd, job, lines, pitch, rows, y, io));
}

/// Computes rows in the place of their elements: line `k` holds element `k` of each, `pitch` floats from
/// the line before. `y` gets the results of operations with one per row.
#[inline(always)]
fn run<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    lines: &mut [f32],
    pitch: usize,
    rows: usize,
    y: &mut [f32],
    io: &mut dyn Lines,
) {
    let maxima = maxima::<S, M>(simd, job, lines, pitch, rows, io);
    let mut strips = Vec::with_capacity(maxima.len());
    for maxima in maxima {
        strips.push(Strip::<S, M>::new(simd, maxima));
    }
    sum(simd, job, lines, pitch, &mut strips);
    if job.op.kind.is_elementwise() {
        finish(simd, job, lines, pitch, &mut strips, io);
    } else {
        let words = S::f32s::LEN * job.words;
        for (strip, y) in strips.iter().zip(y[..rows * job.words].chunks_mut(words)) {
            per_row::<S, M>(simd, job, &strip.maxima.rows(), &strip.totals, y);
        }
    }
}

/// Brings all lines, and sees the maxima of each vector of rows.
#[inline(always)]
fn maxima<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    lines: &mut [f32],
    pitch: usize,
    rows: usize,
    io: &mut dyn Lines,
) -> Vec<LaneMaxima<S>> {
    let n = S::f32s::LEN;
    let mut seen = vec![Extremes::new(simd); rows.div_ceil(n)];
    for (block, lines) in lines.chunks_mut(TOGETHER * pitch).enumerate() {
        io.bring(block * TOGETHER, lines);
        for line in lines.chunks_exact_mut(pitch) {
            for (s, seen) in seen.iter_mut().enumerate() {
                let at = &mut line[s * n..];
                let mut x = load(simd, at);
                if job.op.scale != 1.0 {
                    x = scaled(simd, x, job.op.scale);
                    store::<S>(x, at);
                }
                seen.see::<false>(simd, x);
            }
        }
    }
    let mut maxima = Vec::with_capacity(seen.len());
    for seen in seen {
        let [seen] = LaneMaxima::of_lanes::<M, 1>(simd, &[seen]);
        maxima.push(seen);
    }
    maxima
}

/// A vector of rows.
struct Strip<S: Simd, M: Math<S>> {
    maxima: LaneMaxima<S>,
    row: M::Row,
    is_near: bool,
    sum: M::Sum,
    near: <M::Near as Math<S>>::Sum,
    totals: PerRow<M::Total>,
    /// What the results are made with: multipliers of the exponentials, or logarithms.
    by: [S::f32s; 2],
}

impl<S: Simd, M: Math<S>> Strip<S, M> {
    #[inline(always)]
    fn new(simd: S, maxima: LaneMaxima<S>) -> Self {
        let max = maxima.values;
        let row = M::row(simd, max);
        let is_near = maxima.are_near();
        let (sum, near) = (M::empty(simd, &row), M::Near::empty(simd, &row));
        Self { maxima, row, is_near, sum, near, totals: [M::ZERO; MAX_LANES], by: [max; 2] }
    }

    /// The exponentials of some lines, added; for softmax they take the elements' place.
    #[inline(always)]
    fn add<const U: usize>(&mut self, simd: S, lines: &mut [f32], pitch: usize, keep: bool) {
        let mut v = [splat(simd, 0.0); U];
        for (i, v) in v.iter_mut().enumerate() {
            *v = load(simd, &lines[i * pitch..]);
        }
        let e = if self.is_near {
            let e = M::Near::exp_many(simd, &v, &[self.row]);
            e.iter().for_each(
                #[inline(always)]
                |e| M::Near::add(&mut self.near, *e),
            );
            e
        } else {
            let e = M::exp_many(simd, &v, &[self.row]);
            e.iter().for_each(
                #[inline(always)]
                |e| M::add(&mut self.sum, *e),
            );
            e
        };
        if keep {
            for (i, e) in e.iter().enumerate() {
                store::<S>(*e, &mut lines[i * pitch..]);
            }
        }
    }

    /// Takes the sums of so many lines out of the bins.
    #[inline(always)]
    fn flush(&mut self, simd: S, count: u32) {
        let more = if self.is_near { M::Near::lanes(self.near, count) } else { M::lanes(self.sum, count) };
        for (total, more) in self.totals.iter_mut().zip(more) {
            *total = M::merge(*total, more);
        }
        (self.sum, self.near) = (M::empty(simd, &self.row), M::Near::empty(simd, &self.row));
    }

    /// Once all is added: what the results are made with.
    #[inline(always)]
    fn settle(&mut self, simd: S, kind: OpKind) {
        self.totals = self.maxima.settled::<M>(self.totals);
        self.by = match kind {
            OpKind::Softmax => {
                let release = if self.is_near {
                    M::Near::release(simd, &self.row)
                } else {
                    M::release(simd, &self.row)
                };
                let [high, low] = M::reciprocals(simd, &self.totals);
                [high * release, low * release]
            }
            OpKind::LogSoftmax => M::logs(simd, &self.totals, self.maxima.values),
            _ => self.by,
        };
    }
}

/// The sums of all rows.
#[inline(always)]
fn sum<S: Simd, M: Math<S>>(simd: S, job: &Job, lines: &mut [f32], pitch: usize, strips: &mut [Strip<S, M>]) {
    let keep = job.op.kind == OpKind::Softmax;
    for lines in lines.chunks_mut(FLUSH as usize * pitch) {
        let count = (lines.len() / pitch) as u32;
        for lines in lines.chunks_mut(TOGETHER * pitch) {
            for (s, strip) in strips.iter_mut().enumerate() {
                let lines = &mut lines[s * S::f32s::LEN..];
                if lines.len() > (TOGETHER - 1) * pitch {
                    strip.add::<TOGETHER>(simd, lines, pitch, keep);
                } else {
                    for line in lines.chunks_mut(pitch) {
                        strip.add::<1>(simd, line, pitch, keep);
                    }
                }
            }
        }
        strips.iter_mut().for_each(
            #[inline(always)]
            |strip| strip.flush(simd, count),
        );
    }
    strips.iter_mut().for_each(
        #[inline(always)]
        |strip| strip.settle(simd, job.op.kind),
    );
}

/// The results, in the place of what was held, some lines at a time.
#[inline(always)]
fn finish<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    lines: &mut [f32],
    pitch: usize,
    strips: &mut [Strip<S, M>],
    io: &mut dyn Lines,
) {
    let n = S::f32s::LEN;
    for (block, lines) in lines.chunks_mut(TOGETHER * pitch).enumerate() {
        for (s, strip) in strips.iter().enumerate() {
            for line in lines.chunks_exact_mut(pitch) {
                let at = &mut line[s * n..];
                let held = load(simd, at);
                let y = if job.op.kind != OpKind::Softmax {
                    log_probability(simd, held, strip.maxima.values, strip.by[0])
                } else if strip.is_near {
                    M::Near::normalise(simd, held, &strip.by)
                } else {
                    M::normalise(simd, held, &strip.by)
                };
                store::<S>(y, at);
            }
            strip.maxima.fill_lines(job, n, &mut lines[s * n..], pitch);
        }
        io.put(block * TOGETHER, lines);
    }
}
