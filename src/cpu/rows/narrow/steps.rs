//! The steps of a block of kernel `narrow` that do not need all of it.

use fearless_simd::prelude::*;

use crate::cpu::rows::Job;
use crate::cpu::rows::finish::LaneMaxima;
use crate::cpu::rows::spans::{Spans, lane_extremes};
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::{Math, load, splat, store};
use crate::cpu::stream::prefetch;

/// Asks for some vectors; spread over the exponentials, since a whole block at once would be too many requests.
#[inline(always)]
pub(super) fn ask(x: &[f32], ahead: usize, n: usize, vectors: usize) {
    for i in 0..vectors {
        prefetch(x, ahead.wrapping_add(i * n));
    }
}

#[inline(always)]
pub(super) fn each<S: Simd>(simd: S, lanes: &mut [f32], f: impl Fn(S::f32s) -> S::f32s) {
    for v in lanes.chunks_exact_mut(S::f32s::LEN) {
        store::<S>(f(load(simd, v)), v);
    }
}

/// The maxima of some vectors of rows.
#[inline(always)]
pub(super) fn maxima<S: Simd, M: Math<S>, const SPANS: bool, const V: usize>(
    simd: S,
    job: &Job,
    spans: Spans,
    lanes: &mut [f32],
    pitch: usize,
    cols: usize,
) -> [LaneMaxima<S>; V] {
    let n = S::f32s::LEN;
    let mut seen = [Extremes::new(simd); V];
    for v in 0..V {
        let lanes = &mut lanes[v * pitch..][..cols * n];
        if SPANS {
            seen[v] = lane_extremes(simd, job, spans.at(v * n), lanes);
            continue;
        }
        if job.op.scale != 1.0 {
            each(
                simd,
                lanes,
                #[inline(always)]
                |x| scaled(simd, x, job.op.scale),
            );
        }
        for x in lanes.chunks_exact(n) {
            if job.holes {
                seen[v].see::<true>(simd, load(simd, x));
            } else {
                seen[v].see::<false>(simd, load(simd, x));
            }
        }
    }
    LaneMaxima::of_lanes::<M, V>(simd, &seen)
}

/// Some columns of `R` vectors of rows side by side, `U` in all. Where the exponentials are kept, they take the
/// elements' place.
#[inline(always)]
pub(super) fn columns<S: Simd, M: Math<S>, const U: usize, const R: usize>(
    simd: S,
    lanes: &mut [f32],
    at: usize,
    pitch: usize,
    rows: &[M::Row; R],
    keep: bool,
    sums: &mut [M::Sum; R],
) {
    let (n, each) = (S::f32s::LEN, U / R);
    let mut v = [splat(simd, 0.0); U];
    for r in 0..R {
        let lanes = &lanes[r * pitch + at..][..each * n];
        for i in 0..each {
            v[r * each + i] = load(simd, &lanes[i * n..]);
        }
    }
    let e = M::exp_many(simd, &v, rows);
    for i in 0..U {
        M::add(&mut sums[i / each], e[i]);
    }
    if keep {
        for r in 0..R {
            let lanes = &mut lanes[r * pitch + at..][..each * n];
            for i in 0..each {
                store::<S>(e[r * each + i], &mut lanes[i * n..]);
            }
        }
    }
}
