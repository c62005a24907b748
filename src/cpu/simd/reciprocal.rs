//! Stage `reciprocal` in SIMD: one over the sums of several rows at once.

use fearless_simd::prelude::*;

use super::exp::FAR;
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
    let (units, residual) = estimated(simd, lead);
    corrected::<S>(lead, units, residual)
}

/// The reciprocal in units of 2^-24, up to three too many, and what the product with it is short of 1.
#[inline(always)]
fn estimated<S: Simd>(simd: S, lead: S::u32s) -> (S::i32s, S::i32s) {
    let s: S::f32s = (((lead + 32) >> 6) + ((127 << 23) - (1 << 23))).bitcast();
    // From 1/2 to 1, and less than 1.5 units of 2^-24 off, as Newton's steps are: the residual makes
    // the same integer of both.
    let y = splat(simd, 1.0) / s;
    let units = (y * 16_777_216.0).to_int::<S::i32s>() + 1;
    (units, S::i32s::splat(simd, 0) - lead.bitcast::<S::i32s>() * units)
}

#[inline(always)]
fn corrected<S: Simd>(lead: S::u32s, mut units: S::i32s, mut residual: S::i32s) -> [S::f32s; 2] {
    let lead: S::i32s = lead.bitcast();
    for _ in 0..3 {
        // All ones where the units are one too many.
        let over = residual >> 31;
        units += over;
        residual += over & lead;
    }
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
    shortened::<S>([high, low], shift)
}

/// A reciprocal times powers of two, its high part cut to twelve bits, so that products with either half
/// of an exponential are exact.
#[inline(always)]
fn shortened<S: Simd>([high, low]: [S::f32s; 2], shift: S::u32s) -> [S::f32s; 2] {
    let short = upper_half::<S>(high);
    [times_power::<S>(short, shift), times_power::<S>((high - short) + low, shift)]
}

/// One over each lane's sum, in units of 2^-44 and from 2^43 to 2^52, given as the two bins; of some vectors,
/// each step for all of them.
#[inline(always)]
pub(crate) fn lane_reciprocals<S: Simd, const V: usize>(
    simd: S,
    sums: &[(S::u32s, S::i32s); V],
) -> [[S::f32s; 2]; V] {
    let mut leads = [leading_bits_of_lanes(simd, sums[0]); V];
    for v in 1..V {
        leads[v] = leading_bits_of_lanes(simd, sums[v]);
    }
    let mut estimates = [estimated(simd, leads[0].0); V];
    for v in 1..V {
        estimates[v] = estimated(simd, leads[v].0);
    }
    let estimates = apart(estimates);
    let mut by = [[splat(simd, 0.0); 2]; V];
    for v in 0..V {
        by[v] = shortened::<S>(corrected::<S>(leads[v].0, estimates[v].0, estimates[v].1), leads[v].1);
    }
    apart(by)
}

/// Keeps a compiler from what it does to need few registers: it moves the steps of one vector behind all of the one
/// before, so that they wait one after the other.
#[inline(always)]
fn apart<T, const V: usize>(values: [T; V]) -> [T; V] {
    if V == 1 { values } else { std::hint::black_box(values) }
}

/// The 30 leading bits of each lane's sum, and the power of two for its reciprocal.
#[inline(always)]
fn leading_bits_of_lanes<S: Simd>(simd: S, (first, second): (S::u32s, S::i32s)) -> (S::u32s, S::u32s) {
    let upper = first + (second >> BIN_STEP).bitcast::<S::u32s>();
    let lower = second.bitcast::<S::u32s>() & ((1 << BIN_STEP) - 1);
    // Without the bit below the leading one the conversion cannot round up to the next power of two.
    let leading: S::f32s = (upper & !(upper >> 1)).bitcast::<S::i32s>().to_float();
    let exponent = leading.bitcast::<S::u32s>() >> 23;
    // By products, since not every machine shifts each lane by its own number.
    let scale: S::f32s = ((splat_u(simd, 127 + 29 + 127) - exponent) << 23).bitcast();
    let scale = scale.to_int::<S::i32s>().bitcast::<S::u32s>();
    let lead = upper * scale + ((lower * scale) >> BIN_STEP);
    (lead, splat_u(simd, 127 + SUM_SCALE - 2 * BIN_STEP) - exponent)
}

/// A held exponential times the reciprocal, as `reciprocal::normalise`. Both products with the high
/// part are exact, so that it does not matter whether they are fused. In a near row nothing is
/// subnormal, and `by` has what the exponential is held times taken off already.
#[inline(always)]
pub(crate) fn normalise<S: Simd, const FORM: u8>(simd: S, e: S::f32s, by: &[S::f32s; 2]) -> S::f32s {
    let upper = upper_half::<S>(e);
    let lower = e - upper;
    let y = upper.mul_add(by[0], lower.mul_add(by[0], e * by[1]));
    if FORM != FAR {
        return y;
    }
    let held: S::u32s = y.bitcast();
    let normal = held.simd_ge(splat_u(simd, (HELD_SHIFT + 1) << 23));
    normal.select(held - splat_u(simd, HELD_SHIFT << 23), splat_u(simd, 0)).bitcast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::reciprocal as specified;
    use fearless_simd::dispatch;

    /// Sums as rows of 1 to 180 columns have them, both ways, against the stage.
    fn check<S: Simd>(simd: S) {
        let mut state = 1u64;
        for i in 0..200_000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let least = 0.7058 * (1u64 << (2 * BIN_STEP)) as f64;
            let sum = if i < 2000 { (1 << 44) - 1000 + i } else { least as u64 + (state >> (20 + i % 7)) };
            let sum = sum.min(255 << (2 * BIN_STEP));
            let by = specified::reciprocal(u128::from(sum) << BIN_STEP);
            let [high, low] = reciprocals(simd, &[sum; MAX_LANES]);
            // The second bin may be negative.
            let back = (state >> 44) as u32 & 1;
            let first = (sum >> BIN_STEP) as u32 + back;
            let second = (sum & ((1 << BIN_STEP) - 1)) as i32 - ((back as i32) << BIN_STEP);
            let [lanes] = lane_reciprocals(simd, &[(splat_u(simd, first), S::i32s::splat(simd, second))]);
            for [high, low] in [[high, low], lanes] {
                assert_eq!(high.as_slice()[0].to_bits(), by.high.to_bits(), "sum {sum:#x}");
                assert_eq!(low.as_slice()[0].to_bits(), by.low.to_bits(), "sum {sum:#x}");
            }
        }
    }

    #[test]
    fn both_forms_give_the_bits_of_the_stage() {
        for level in crate::cpu::SimdLevel::available() {
            let token = level.token().expect("available");
            dispatch!(token, simd => check(simd));
        }
    }
}
