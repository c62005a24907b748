//! Stage `special` in SIMD: maxima on integers, and results that would be subnormal.

use fearless_simd::prelude::*;

use super::{MAX_LANES, PerRow, across, load, splat_u};
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

    /// With `HOLES`, elements that are -inf do not count as least.
    #[inline(always)]
    pub(crate) fn see<const HOLES: bool>(&mut self, simd: S, x: S::f32s) {
        let bits: S::u32s = x.bitcast();
        self.signed_max = self.signed_max.max(bits.bitcast::<S::i32s>());
        self.min = self.min.min(bits);
        self.max = greater::<S, HOLES>(simd, self.max, bits);
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

    /// The least element of each lane, where there is no NaN.
    #[inline(always)]
    pub(crate) fn least(self, simd: S) -> S::f32s {
        // Among negative numbers the greatest pattern is the least number.
        let negative = self.max.simd_ge(splat_u(simd, !ABS_MASK));
        negative.select(self.max, self.min).bitcast()
    }
}

/// The greater pattern; with `HOLES`, that of -inf does not count.
#[inline(always)]
pub(crate) fn greater<S: Simd, const HOLES: bool>(simd: S, max: S::u32s, bits: S::u32s) -> S::u32s {
    let both = max.max(bits);
    if HOLES { bits.simd_eq(splat_u(simd, NEG_INF_BITS)).select(max, both) } else { both }
}

/// The key of the maximum of at least one vector of elements.
#[inline(always)]
pub(crate) fn max_key<S: Simd>(simd: S, x: &[f32]) -> i32 {
    extremes::<S, false>(simd, x).0
}

/// The key of the maximum of at least one vector of elements, and the least of them where there is no
/// NaN. Two integer extremes tell both unless all elements have one sign; then it takes a third. With
/// `HOLES`, elements that are -inf do not count as least.
#[inline(always)]
pub(crate) fn extremes<S: Simd, const HOLES: bool>(simd: S, x: &[f32]) -> (i32, f32) {
    let (max, top) = signed_and_unsigned_max::<S, HOLES>(simd, x);
    let (max, top) = (max.reduce_max(), top.reduce_max());
    if max > INF_BITS as i32 || top > NEG_INF_BITS {
        return (NAN_BITS as i32, 0.0);
    }
    let (positive, negative) = (max >= 0, top >> 31 != 0);
    if positive && negative {
        return (max, f32::from_bits(top));
    }
    let bottom = unsigned_min(simd, x).reduce_min();
    if positive { (max, f32::from_bits(bottom)) } else { ((bottom ^ ABS_MASK) as i32, f32::from_bits(top)) }
}

/// The same for up to a vector of rows, one in each lane; 0 in lanes without one. The lanes of all rows are put
/// together at once, which is a third of the steps that each row by itself takes.
#[inline(always)]
pub(crate) fn extremes_of_rows<'a, S: Simd, const HOLES: bool>(
    simd: S,
    rows: impl Iterator<Item = &'a [f32]> + Clone,
) -> (S::i32s, S::f32s) {
    let zero = splat_u(simd, 0);
    let (mut max, mut top) = ([zero.bitcast::<S::i32s>(); MAX_LANES], [zero; MAX_LANES]);
    let mut count = 0;
    for (r, x) in rows.clone().enumerate() {
        (max[r], top[r]) = signed_and_unsigned_max::<S, HOLES>(simd, x);
        count = r + 1;
    }
    extremes_across(simd, &mut max, &mut top, count, rows)
}

/// The same, from the greatest bit patterns that the lanes of each row have seen, as signed and as unsigned integers.
/// The elements are looked at again only in rows of one sign.
#[inline(always)]
pub(crate) fn extremes_across<'a, S: Simd>(
    simd: S,
    max: &mut PerRow<S::i32s>,
    top: &mut PerRow<S::u32s>,
    count: usize,
    rows: impl Iterator<Item = &'a [f32]>,
) -> (S::i32s, S::f32s) {
    let zero = splat_u(simd, 0);
    let max = across::<S, S::i32s>(
        max,
        #[inline(always)]
        |a, b| a.max(b),
    );
    let top = across::<S, S::u32s>(
        top,
        #[inline(always)]
        |a, b| a.max(b),
    );
    let mut seen = Extremes { signed_max: max, min: zero, max: top };
    // The least pattern counts only where all elements have one sign.
    let one_sign = max.simd_lt(S::i32s::splat(simd, 0)) | top.simd_le(splat_u(simd, ABS_MASK));
    let of_one_sign = one_sign.to_bitmask() & (u64::MAX >> (64 - count.max(1)));
    if of_one_sign != 0 {
        let mut bottom = [zero; MAX_LANES];
        for (r, x) in rows.enumerate() {
            if of_one_sign >> r & 1 != 0 {
                bottom[r] = unsigned_min(simd, x);
            }
        }
        seen.min = across::<S, S::u32s>(
            &mut bottom,
            #[inline(always)]
            |a, b| a.min(b),
        );
    }
    (seen.keys(simd), seen.least(simd))
}

/// The greatest bit patterns that each lane sees, as signed and as unsigned integers.
#[inline(always)]
fn signed_and_unsigned_max<S: Simd, const HOLES: bool>(simd: S, x: &[f32]) -> (S::i32s, S::u32s) {
    let n = S::f32s::LEN;
    assert!(x.len() >= n);
    let last: S::u32s = load(simd, &x[x.len() - n..]).bitcast();
    // Two chains, so that one waits while the other works.
    let (mut top, mut max) =
        ([greater::<S, HOLES>(simd, splat_u(simd, 0), last); 2], [last.bitcast::<S::i32s>(); 2]);
    let mut pairs = x.chunks_exact(2 * n);
    for pair in &mut pairs {
        for i in 0..2 {
            let bits: S::u32s = load(simd, &pair[i * n..]).bitcast();
            (max[i], top[i]) =
                (max[i].max(bits.bitcast::<S::i32s>()), greater::<S, HOLES>(simd, top[i], bits));
        }
    }
    if pairs.remainder().len() >= n {
        let bits: S::u32s = load(simd, pairs.remainder()).bitcast();
        (max[0], top[0]) = (max[0].max(bits.bitcast::<S::i32s>()), greater::<S, HOLES>(simd, top[0], bits));
    }
    (max[0].max(max[1]), top[0].max(top[1]))
}

/// The least bit pattern that each lane sees, as an unsigned integer.
#[inline(always)]
fn unsigned_min<S: Simd>(simd: S, x: &[f32]) -> S::u32s {
    let n = S::f32s::LEN;
    let mut bottom: S::u32s = load(simd, &x[x.len() - n..]).bitcast();
    for x in x.chunks_exact(n) {
        bottom = bottom.min(load(simd, x).bitcast::<S::u32s>());
    }
    bottom
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
