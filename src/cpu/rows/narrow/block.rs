//! A block of kernel `narrow`: some vectors of rows, from their elements to their results.

use fearless_simd::prelude::*;

use super::steps::{ask, columns, each, maxima};
use crate::OpKind;
use crate::cpu::rows::Job;
use crate::cpu::rows::finish::{LaneMaxima, per_row};
use crate::cpu::rows::spans::Spans;
use crate::cpu::simd::transpose::{gather, scatter};
use crate::cpu::simd::{Math, PerRow, log::log_probability, splat};

/// Vectors of rows that go through each step together. What a row waits for is a chain of some two hundred
/// operations, and a processor looks ahead by some hundred: far enough for one step of several vectors, not for
/// all steps of two.
pub(super) struct Block<S: Simd, M: Math<S>, const V: usize> {
    /// Rows that are wanted.
    rows: usize,
    /// Columns that are computed: those that any row has elements in.
    cols: usize,
    maxima: [LaneMaxima<S>; V],
    ranges: [M::Row; V],
    sums: [M::Sum; V],
}

impl<S: Simd, M: Math<S>, const V: usize> Block<S, M, V> {
    /// Rows from `x`, of which the first `rows` are wanted, to their results in `y`.
    #[inline(always)]
    pub(super) fn compute<const SPANS: bool>(
        simd: S,
        job: &Job,
        x: &[f32],
        spans: Spans,
        lanes: &mut [f32],
        rows: usize,
        y: &mut [f32],
    ) {
        let n = S::f32s::LEN;
        let pitch = n * job.cols.next_multiple_of(4);
        let lanes = &mut lanes[..V * pitch];
        for v in 0..V {
            gather(simd, &x[v * n * job.cols..], job.cols, &mut lanes[v * pitch..][..pitch]);
        }
        let cols = if SPANS { spans.last(V * n).clamp(1, job.cols) } else { job.cols };
        let maxima = maxima::<S, M, SPANS, V>(simd, job, spans, lanes, pitch, cols);
        let none = M::row(simd, splat(simd, 0.0));
        let mut block = Self { rows, cols, maxima, ranges: [none; V], sums: [M::empty(simd, &none); V] };
        for v in 0..V {
            block.ranges[v] = M::row(simd, block.maxima[v].values);
        }
        if !LaneMaxima::all_are_near_or_special(&block.maxima) {
            // A copy: a reference to the block itself would keep it in memory for near rows too.
            { block }.run_apart::<M>(simd, job, x, lanes, pitch, y);
        } else if SPANS || job.holes {
            block.run::<M::Holes>(simd, job, x, lanes, pitch, y);
        } else {
            block.run::<M::Near>(simd, job, x, lanes, pitch, y);
        }
    }

    /// Sums and results; `N` is the arithmetic for them. The exponentials take the elements' place, and what comes
    /// after the elements in `x` is asked for meanwhile.
    #[inline(always)]
    fn run<N: Math<S, Row = M::Row, Sum = M::Sum, Total = M::Total>>(
        &mut self,
        simd: S,
        job: &Job,
        x: &[f32],
        lanes: &mut [f32],
        pitch: usize,
        y: &mut [f32],
    ) {
        if V == 1 {
            self.sum::<N, 1>(simd, job, x, lanes, pitch);
        } else {
            self.sum::<N, 2>(simd, job, x, lanes, pitch);
        }
        if job.op.kind.is_elementwise() {
            self.write::<N>(simd, job, lanes, pitch, y);
        } else {
            self.write_per_row::<N>(simd, job, y);
        }
    }

    /// The same as a function of its own, which kernels share: both would hold it, and few rows take it.
    #[inline(never)]
    fn run_apart<N: Math<S, Row = M::Row, Sum = M::Sum, Total = M::Total>>(
        &mut self,
        simd: S,
        job: &Job,
        x: &[f32],
        lanes: &mut [f32],
        pitch: usize,
        y: &mut [f32],
    ) {
        simd.vectorize(
            #[inline(always)]
            || self.run::<N>(simd, job, x, lanes, pitch, y),
        );
    }

    #[inline(always)]
    fn write<N: Math<S, Row = M::Row, Sum = M::Sum, Total = M::Total>>(
        &self,
        simd: S,
        job: &Job,
        lanes: &mut [f32],
        pitch: usize,
        y: &mut [f32],
    ) {
        let n = S::f32s::LEN;
        let by = self.factors::<N>(simd, job);
        for v in 0..V {
            let lanes = &mut lanes[v * pitch..][..pitch];
            let (inside, outside) = lanes.split_at_mut(n * self.cols);
            outside.fill(job.outside());
            let max = self.maxima[v].values;
            if job.op.kind == OpKind::Softmax {
                each(
                    simd,
                    inside,
                    #[inline(always)]
                    |e| N::normalise(simd, e, &by[v]),
                );
            } else {
                each(
                    simd,
                    inside,
                    #[inline(always)]
                    |x| log_probability(simd, x, max, by[v][0]),
                );
            }
            let y = &mut y[v * n * job.cols..];
            scatter(simd, lanes, job.cols, y);
            self.maxima[v].fill(job, n.min(self.rows.saturating_sub(v * n)), y);
        }
    }

    /// The sums, of `R` vectors of rows side by side.
    #[inline(always)]
    fn sum<N: Math<S, Row = M::Row, Sum = M::Sum>, const R: usize>(
        &mut self,
        simd: S,
        job: &Job,
        x: &[f32],
        lanes: &mut [f32],
        pitch: usize,
    ) {
        let (n, end) = (S::f32s::LEN, self.cols * S::f32s::LEN);
        let keep = job.op.kind == OpKind::Softmax;
        let ahead = job.ahead_or(V * n * job.cols);
        for (r, lanes) in lanes.chunks_exact_mut(R * pitch).enumerate() {
            let mut rows = [self.ranges[r * R]; R];
            let mut sums = [N::empty(simd, &rows[0]); R];
            for i in 1..R {
                rows[i] = self.ranges[r * R + i];
                sums[i] = N::empty(simd, &rows[i]);
            }
            let ahead = ahead.wrapping_add(R * r * n * job.cols);
            let mut at = 0;
            while end - at >= 8 / R * n {
                ask(x, ahead.wrapping_add(R * at), n, 8);
                columns::<S, N, 8, R>(simd, lanes, at, pitch, &rows, keep, &mut sums);
                at += 8 / R * n;
            }
            while R == 2 && end - at >= 3 * n {
                ask(x, ahead.wrapping_add(R * at), n, 6);
                columns::<S, N, 6, R>(simd, lanes, at, pitch, &rows, keep, &mut sums);
                at += 3 * n;
            }
            while at < end {
                ask(x, ahead.wrapping_add(R * at), n, R);
                if R == 1 {
                    columns::<S, N, 1, R>(simd, lanes, at, pitch, &rows, keep, &mut sums);
                } else {
                    columns::<S, N, 2, R>(simd, lanes, at, pitch, &rows, keep, &mut sums);
                }
                at += n;
            }
            ask(x, ahead.wrapping_add(R * end), n, R * (job.cols - self.cols));
            self.sums[r * R..][..R].copy_from_slice(&sums);
        }
    }

    /// The sums of one vector's rows.
    #[inline(always)]
    fn totals<N: Math<S, Row = M::Row, Sum = M::Sum, Total = M::Total>>(&self, v: usize) -> PerRow<M::Total> {
        self.maxima[v].settled::<N>(N::lanes(self.sums[v], self.cols as u32))
    }

    /// What the results are made with: multipliers of the exponentials, or logarithms.
    #[inline(always)]
    fn factors<N: Math<S, Row = M::Row, Sum = M::Sum, Total = M::Total>>(
        &self,
        simd: S,
        job: &Job,
    ) -> [[S::f32s; 2]; V] {
        if job.op.kind == OpKind::Softmax {
            let mut by = N::lane_reciprocals(simd, &self.sums, self.cols as u32);
            for (by, range) in by.iter_mut().zip(&self.ranges) {
                let release = N::release(simd, range);
                *by = [by[0] * release, by[1] * release];
            }
            return by;
        }
        let mut by = [[splat(simd, 0.0); 2]; V];
        for (v, by) in by.iter_mut().enumerate() {
            *by = M::logs(simd, &self.totals::<N>(v), self.maxima[v].values);
        }
        by
    }

    #[inline(always)]
    fn write_per_row<N: Math<S, Row = M::Row, Sum = M::Sum, Total = M::Total>>(
        &self,
        simd: S,
        job: &Job,
        y: &mut [f32],
    ) {
        let n = S::f32s::LEN;
        for v in 0..V {
            let (first, end) = ((v * n).min(self.rows), ((v + 1) * n).min(self.rows));
            let y = &mut y[first * job.words..end * job.words];
            per_row::<S, M>(simd, job, &self.maxima[v].rows(), &self.totals::<N>(v), y);
        }
    }
}
