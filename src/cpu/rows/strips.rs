//! Kernel `strips`: rows that lie side by side, one per lane, along an axis so short that a vector of rows
//! stays in the L1 cache: each vector is computed to its end before the next one.

use fearless_simd::prelude::*;

use super::columns::Lines;
use super::finish::{LaneMaxima, per_row};
use super::{Job, SHORT_COLS};
use crate::OpKind;
use crate::cpu::dispatch::dispatch_math;
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::{Math, PerRow, load, log::log_probability, splat, store};

/// The longest axis: a vector of 16 rows takes half of an L1 cache, and no lane adds more than bins hold.
pub(crate) const STRIP_COLS: usize = 256;
/// Exponentials that are computed side by side.
const TOGETHER: usize = 8;

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

/// As `columns::run`.
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
    let n = S::f32s::LEN;
    io.bring(0, lines);
    for first in (0..rows).step_by(n) {
        let mut strip = Strip { lines: &mut lines[first..], pitch, cols: job.cols };
        let here = n.min(rows - first);
        let maxima = strip.maxima::<S, M>(simd, job);
        let max = maxima.values;
        if !job.op.kind.is_elementwise() {
            let totals = strip.totals::<S, M>(simd, max, &maxima);
            per_row::<S, M>(
                simd,
                job,
                &maxima.rows(),
                &totals,
                &mut y[first * job.words..][..here * job.words],
            );
            continue;
        }
        if maxima.are_near() {
            strip.write::<S, M, M::Near>(simd, job, max, &maxima);
        } else {
            strip.write::<S, M, M>(simd, job, max, &maxima);
        }
        maxima.fill_lines(job, here, strip.lines, pitch);
    }
    if job.op.kind.is_elementwise() {
        io.put(0, lines);
    }
}

/// One vector of rows.
struct Strip<'a> {
    lines: &'a mut [f32],
    pitch: usize,
    cols: usize,
}

impl Strip<'_> {
    #[inline(always)]
    fn maxima<S: Simd, M: Math<S>>(&mut self, simd: S, job: &Job) -> LaneMaxima<S> {
        let mut seen = Extremes::new(simd);
        for k in 0..self.cols {
            let line = &mut self.lines[k * self.pitch..];
            let mut x = load(simd, line);
            if job.op.scale != 1.0 {
                x = scaled(simd, x, job.op.scale);
                store::<S>(x, line);
            }
            seen.see::<false>(simd, x);
        }
        let [maxima] = LaneMaxima::of_lanes::<M, 1>(simd, &[seen]);
        maxima
    }

    /// The results, in the place of the elements; `N` is the arithmetic for them.
    #[inline(always)]
    fn write<S: Simd, M: Math<S>, N: Math<S, Row = M::Row, Total = M::Total>>(
        &mut self,
        simd: S,
        job: &Job,
        max: S::f32s,
        maxima: &LaneMaxima<S>,
    ) {
        if job.op.kind == OpKind::LogSoftmax {
            let totals = self.totals::<S, N>(simd, max, maxima);
            let [log, _] = M::logs(simd, &totals, max);
            return self.each(
                simd,
                #[inline(always)]
                |x| log_probability(simd, x, max, log),
            );
        }
        let row = N::row(simd, max);
        let sum = self.exponentials::<S, N>(simd, &row, true);
        // Few exponentials are summed up in words that vectors hold.
        let [high, low] = if self.cols <= SHORT_COLS {
            let [by] = N::lane_reciprocals(simd, &[sum], self.cols as u32);
            by
        } else {
            N::reciprocals(simd, &maxima.settled::<N>(N::lanes(sum, self.cols as u32)))
        };
        let release = N::release(simd, &row);
        let by = [high * release, low * release];
        self.each(
            simd,
            #[inline(always)]
            |e| N::normalise(simd, e, &by),
        );
    }

    #[inline(always)]
    fn totals<S: Simd, M: Math<S>>(
        &mut self,
        simd: S,
        max: S::f32s,
        maxima: &LaneMaxima<S>,
    ) -> PerRow<M::Total> {
        let row = M::row(simd, max);
        let sum = self.exponentials::<S, M>(simd, &row, false);
        maxima.settled::<M>(M::lanes(sum, self.cols as u32))
    }

    /// The exponentials' sum; where they are kept, they take the elements' place.
    #[inline(always)]
    fn exponentials<S: Simd, M: Math<S>>(&mut self, simd: S, row: &M::Row, keep: bool) -> M::Sum {
        let mut sum = M::empty(simd, row);
        let mut k = 0;
        while self.cols - k >= TOGETHER {
            self.some::<S, M, TOGETHER>(simd, k, row, keep, &mut sum);
            k += TOGETHER;
        }
        while self.cols - k >= 3 {
            self.some::<S, M, 3>(simd, k, row, keep, &mut sum);
            k += 3;
        }
        while k < self.cols {
            self.some::<S, M, 1>(simd, k, row, keep, &mut sum);
            k += 1;
        }
        sum
    }

    #[inline(always)]
    fn some<S: Simd, M: Math<S>, const U: usize>(
        &mut self,
        simd: S,
        k: usize,
        row: &M::Row,
        keep: bool,
        sum: &mut M::Sum,
    ) {
        let mut v = [splat(simd, 0.0); U];
        for (i, v) in v.iter_mut().enumerate() {
            *v = load(simd, &self.lines[(k + i) * self.pitch..]);
        }
        let e = M::exp_many(simd, &v, &[*row]);
        for (i, e) in e.iter().enumerate() {
            M::add(sum, *e);
            if keep {
                store::<S>(*e, &mut self.lines[(k + i) * self.pitch..]);
            }
        }
    }

    #[inline(always)]
    fn each<S: Simd>(&mut self, simd: S, f: impl Fn(S::f32s) -> S::f32s) {
        for k in 0..self.cols {
            let line = &mut self.lines[k * self.pitch..];
            store::<S>(f(load(simd, line)), line);
        }
    }
}
