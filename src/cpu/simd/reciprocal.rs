//! Stage `reciprocal` in SIMD: one over the sums of several rows at once.

use fearless_simd::prelude::*;

use super::{MAX_LANES, PerRow, from_rows_u, splat, splat_u};
use crate::numerics::*;

/// The power of two of the leading bit, and the 30 leading bits, of numbers above 0.
#[inline(always)]
pub(crate) fn leading_bits(numbers: &PerRow<u64>) -> (PerRow<u32>, PerRow<u32>) {
    let (mut top, mut lead) = ([0; MAX_LANES], [0; MAX_LANES]);
    for i in 0..MAX_LANES {
        let zeros = numbers[i].leading_zeros() & 63;
        top[i] = 63 - zeros;
        lead[i] = ((numbers[i] << zeros) >> 34) as u32;
    }
    (top, lead)
}

/// Multiplies normal numbers by powers of two; the results are normal too.
#[inline(always)]
pub(crate) fn times_power<S: Simd>(x: S::f32s, shift: S::u32s) -> S::f32s {
    (x.bitcast::<S::u32s>() + (shift << 23)).bitcast()
}

/// One over lead * 2^-29 in [1, 2), as `reciprocal::reciprocal_of_lead`.
#[inline(always)]
pub(crate) fn reciprocal_of_lead<S: Simd>(simd: S, lead: S::u32s) -> [S::f32s; 2] {
    let s: S::f32s = (((lead + 32) >> 6) + ((127 << 23) - (1 << 23))).bitcast();
    let mut y = splat(simd, RECIPROCAL_A) - s * RECIPROCAL_B;
    for _ in 0..3 {
        let e = splat(simd, 1.0) - s * y;
        y += y * e;
    }
    let y = y.max(splat(simd, 0.5));
    let mut units: S::i32s = (y * 16_777_216.0).to_int();
    let lead: S::i32s = lead.bitcast();
    let zero = S::i32s::splat(simd, 0);
    let mut residual = zero - lead * units;
    for _ in 0..2 {
        // All ones where the units are one too many.
        let over = residual >> 31;
        units += over;
        residual += over & lead;
    }
    // Zero where one unit more fits.
    let under = (residual - lead) >> 31;
    units += under + 1;
    residual -= !under & lead;
    let high: S::f32s = units.to_float::<S::f32s>() * UNIT_24;
    let left: S::f32s = ((residual >> 7) + 1).to_float();
    [high, (left * UNIT_46) * high]
}

/// The leading 12 bits of floats, toward zero.
#[inline(always)]
fn upper_half<S: Simd>(x: S::f32s) -> S::f32s {
    (x.bitcast::<S::u32s>() & 0xffff_f000).bitcast()
}

/// One over each row's sum, in units of 2^-44 and above 0.
#[inline(always)]
pub(crate) fn reciprocals<S: Simd>(simd: S, sums: &PerRow<u64>) -> [S::f32s; 2] {
    let (top, lead) = leading_bits(sums);
    let [high, low] = reciprocal_of_lead(simd, from_rows_u(simd, &lead));
    let shift = splat_u(simd, SUM_SCALE - BIN_STEP) - from_rows_u(simd, &top);
    // Twelve bits, so that products with either half of an exponential are exact.
    let short = upper_half::<S>(high);
    [times_power::<S>(short, shift), times_power::<S>((high - short) + low, shift)]
}

/// A held exponential times the reciprocal, as `reciprocal::normalise`. Both products with the high
/// part are exact, so that it does not matter whether they are fused. In a near row nothing is
/// subnormal, and `by` has what the exponential is held times taken off already.
#[inline(always)]
pub(crate) fn normalise<S: Simd, const NEAR: bool>(simd: S, e: S::f32s, by: &[S::f32s; 2]) -> S::f32s {
    let upper = upper_half::<S>(e);
    let lower = e - upper;
    let y = upper.mul_add(by[0], lower.mul_add(by[0], e * by[1]));
    if NEAR {
        return y;
    }
    let held: S::u32s = y.bitcast();
    let normal = held.simd_ge(splat_u(simd, (HELD_SHIFT + 1) << 23));
    normal.select(held - splat_u(simd, HELD_SHIFT << 23), splat_u(simd, 0)).bitcast()
}
