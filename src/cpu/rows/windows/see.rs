//! The elements of rows on their way to scratch, and what stands beside them there.

use std::ops::Range;

use fearless_simd::prelude::*;

use super::Window;
use crate::cpu::rows::Job;
use crate::cpu::simd::special::{greater, scaled};
use crate::cpu::simd::{lanes_from, load, splat, splat_u, store};
use crate::numerics::NEG_INF_BITS;

/// In columns that were used and are not any more, what makes the results of elements that do not take part. Those of the
/// window may become the same.
#[inline(always)]
pub(super) fn blank<S: Simd>(simd: S, job: &Job, z: &mut [f32], used: Range<usize>, window: Window) {
    let (n, outside) = (S::f32s::LEN, splat(simd, job.outside()));
    for z in z.chunks_exact_mut(job.cols) {
        for part in [used.start..window.start, window.end..used.end.min(z.len())] {
            for at in part.step_by(n) {
                let at = at.min(z.len() - n);
                store::<S>(outside, &mut z[at..]);
            }
        }
    }
}

/// A row's elements of a window, times the scale; those that it does not see become -inf. Says the greatest bit patterns
/// that each lane sees, as signed and as unsigned integers, the latter without those of -inf.
#[inline(always)]
pub(super) fn see<S: Simd>(
    simd: S,
    job: &Job,
    x: &[f32],
    z: &mut [f32],
    (from, len): (u32, u32),
) -> (S::i32s, S::u32s) {
    let n = S::f32s::LEN;
    let len = splat_u(simd, len);
    let columns = S::u32s::from_fn(
        simd,
        #[inline(always)]
        |i| i as u32,
    );
    let columns = columns - splat_u(simd, from);
    let mut seen = (S::i32s::splat(simd, NEG_INF_BITS as i32), splat_u(simd, 0));
    let mut at = 0;
    while x.len() - at >= 4 * n {
        see_some::<S, 4>(simd, job, x, z, at, (columns, len), &mut seen);
        at += 4 * n;
    }
    if x.len() - at >= 2 * n {
        see_some::<S, 2>(simd, job, x, z, at, (columns, len), &mut seen);
        at += 2 * n;
    }
    while at < x.len() {
        // The last vector may overlap the one before.
        at = at.min(x.len() - n);
        see_some::<S, 1>(simd, job, x, z, at, (columns, len), &mut seen);
        at += n;
    }
    seen
}

/// `U` vectors from element `at` on.
#[inline(always)]
fn see_some<S: Simd, const U: usize>(
    simd: S,
    job: &Job,
    x: &[f32],
    z: &mut [f32],
    at: usize,
    (columns, len): (S::u32s, S::u32s),
    (max, top): &mut (S::i32s, S::u32s),
) {
    let (n, hidden) = (S::f32s::LEN, splat(simd, f32::from_bits(NEG_INF_BITS)));
    let (x, z) = (&x[at..at + U * n], &mut z[at..at + U * n]);
    let columns = columns + splat_u(simd, at as u32);
    for i in 0..U {
        let mut v = load(simd, &x[i * n..]);
        if job.op.scale != 1.0 {
            v = scaled(simd, v, job.op.scale);
        }
        let inside = (columns + splat_u(simd, (i * n) as u32)).simd_lt(len);
        let v = inside.select(v, hidden);
        store::<S>(v, &mut z[i * n..]);
        let bits: S::u32s = v.bitcast();
        *max = max.max(bits.bitcast::<S::i32s>());
        *top = greater::<S, true>(simd, *top, bits);
    }
}

/// What is outside of a row's window: by vectors, the last ones overlapping, since a compiler would take what is
/// left over one by one.
#[inline(always)]
pub(in crate::cpu::rows) fn fill_outside<S: Simd>(
    simd: S,
    z: &mut [f32],
    window: &Range<usize>,
    outside: S::f32s,
) {
    let n = S::f32s::LEN;
    if window.start > 0 {
        let inside = lanes_from(simd, window.start.min(n));
        let first = inside.select(load(simd, z), outside);
        store::<S>(first, z);
        for z in z[..window.start].rchunks_exact_mut(n) {
            store::<S>(outside, z);
        }
    }
    if window.end < z.len() {
        let last = z.len() - n;
        let is_outside = lanes_from(simd, window.end.saturating_sub(last));
        let behind = is_outside.select(outside, load(simd, &z[last..]));
        store::<S>(behind, &mut z[last..]);
        for z in z[window.end..].chunks_exact_mut(n) {
            store::<S>(outside, z);
        }
    }
}
