//! Stage `special` in SIMD: maxima on integers, and results that would be subnormal.

use fearless_simd::prelude::*;

use super::{load, splat_u};
use crate::numerics::*;

/// The greatest and least bit patterns of the elements a lane has seen: together they tell the
/// maximum in the order of `special::to_key`, and whether there was a NaN of either sign, for three
/// instructions an element.
#[derive(Clone, Copy)]
pub(crate) struct Extremes<S: Simd> {
    signed_max: S::i32s,
    min: S::u32s,
    max: S::u32s,
}

impl<S: Simd> Extremes<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S) -> Self {
        let lowest = splat_u(simd, NEG_INF_BITS);
        Self { signed_max: lowest.bitcast(), min: lowest, max: splat_u(simd, 0) }
    }

    #[inline(always)]
    pub(crate) fn see(&mut self, x: S::f32s) {
        let bits: S::u32s = x.bitcast();
        self.signed_max = self.signed_max.max(bits.bitcast::<S::i32s>());
        self.min = self.min.min(bits);
        self.max = self.max.max(bits);
    }

    #[inline(always)]
    pub(crate) fn merge(self, other: Self) -> Self {
        Self {
            signed_max: self.signed_max.max(other.signed_max),
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// The key of each lane's maximum.
    #[inline(always)]
    pub(crate) fn keys(self, simd: S) -> S::i32s {
        let top = S::i32s::splat(simd, INF_BITS as i32);
        let nan = self.max.simd_gt(splat_u(simd, NEG_INF_BITS)) | self.signed_max.simd_gt(top);
        // Among negative numbers the least pattern is the greatest number.
        let below: S::i32s = (self.min ^ ABS_MASK).bitcast();
        let negative = self.signed_max.simd_lt(S::i32s::splat(simd, 0));
        let key = negative.select(below, self.signed_max);
        nan.select(S::i32s::splat(simd, NAN_BITS as i32), key)
    }

    /// The least element of all lanes, where there is no NaN.
    #[inline(always)]
    fn least(self) -> f32 {
        // Among negative numbers the greatest pattern is the least number.
        let below = self.max.reduce_max();
        f32::from_bits(if below >> 31 != 0 { below } else { self.min.reduce_min() })
    }
}

/// The key of the maximum of at least one vector of elements.
#[inline(always)]
pub(crate) fn max_key<S: Simd>(simd: S, x: &[f32]) -> i32 {
    extremes(simd, x).keys(simd).reduce_max()
}

/// The key of the maximum of at least one vector of elements, and the least of them.
#[inline(always)]
pub(crate) fn max_key_and_least<S: Simd>(simd: S, x: &[f32]) -> (i32, f32) {
    let seen = extremes(simd, x);
    (seen.keys(simd).reduce_max(), seen.least())
}

#[inline(always)]
fn extremes<S: Simd>(simd: S, x: &[f32]) -> Extremes<S> {
    let n = S::f32s::LEN;
    assert!(x.len() >= n);
    // Two chains, so that one waits while the other works.
    let (mut even, mut odd) = (Extremes::new(simd), Extremes::new(simd));
    odd.see(load(simd, &x[x.len() - n..]));
    let mut pairs = x.chunks_exact(2 * n);
    for pair in &mut pairs {
        even.see(load(simd, pair));
        odd.see(load(simd, &pair[n..]));
    }
    if pairs.remainder().len() >= n {
        even.see(load(simd, pairs.remainder()));
    }
    even.merge(odd)
}

/// Elements times the scale, as `special::scaled`.
#[inline(always)]
pub(crate) fn scaled<S: Simd>(simd: S, x: S::f32s, scale: f32) -> S::f32s {
    let bits: S::u32s = x.bitcast();
    let subnormal = (bits & ABS_MASK).simd_lt(splat_u(simd, TINY_BITS));
    let product = subnormal.select(splat_u(simd, 0), bits).bitcast::<S::f32s>() * scale;
    let size = product.bitcast::<S::u32s>() & ABS_MASK;
    let infinity = splat_u(simd, INF_BITS);
    let finite = (x.bitcast::<S::u32s>() & ABS_MASK).simd_lt(infinity);
    let overflow = finite & size.simd_ge(infinity);
    let bad = overflow | size.simd_gt(infinity);
    bad.select(splat_u(simd, NAN_BITS), product.bitcast()).bitcast()
}

/// Magnitudes of 2^-126 and less as +0.
#[inline(always)]
pub(crate) fn settle<S: Simd>(simd: S, y: S::f32s) -> S::f32s {
    let bits: S::u32s = y.bitcast();
    let tiny = (bits & ABS_MASK).simd_le(splat_u(simd, TINY_BITS));
    tiny.select(splat_u(simd, 0), bits).bitcast()
}
