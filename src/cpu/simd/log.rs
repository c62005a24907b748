//! Stage `log` in SIMD: the logarithms of several rows' sums at once.

use fearless_simd::prelude::*;

use super::reciprocal::{leading_bits, reciprocal_of_lead, times_power};
use super::special::settle;
use super::{MAX_LANES, PerRow, from_rows_u, splat, splat_u};
use crate::numerics::*;

/// The integers of `log::quotient`, for each row: how often ln 2 goes in, and the fraction that is
/// left over, as leading bits and powers of two.
struct Parts {
    j: PerRow<u32>,
    sign: PerRow<u32>,
    exact: PerRow<u32>,
    shift: PerRow<u32>,
    numerator: PerRow<u32>,
    denominator: PerRow<u32>,
}

/// Splits each sum T, given the maximum's own exponential E, both in units of 2^-44.
#[inline(always)]
fn parts(sums: &PerRow<u64>, units: &PerRow<u64>) -> Parts {
    let (top_s, lead_s) = leading_bits(sums);
    let (top_u, lead_u) = leading_bits(units);
    let zero = [0; MAX_LANES];
    let (mut j, mut sign, mut exact) = (zero, zero, zero);
    let (mut difference, mut both) = ([0; MAX_LANES], [0; MAX_LANES]);
    for i in 0..MAX_LANES {
        let (s, u) = (lead_s[i] >> 14, lead_u[i] >> 14);
        let above = u32::from(s * 181 >= u * 256);
        let below = u32::from(s * 256 < u * 181);
        // Not below 0 where the sum contains the maximum; the mask keeps unused lanes harmless.
        j[i] = (top_s[i] + above).wrapping_sub(top_u[i] + below) & 63;
        let unit = units[i] << j[i];
        sign[i] = u32::from(sums[i] < unit) << 31;
        exact[i] = u32::from(sums[i] == unit);
        difference[i] = sums[i].abs_diff(unit) | u64::from(exact[i]);
        both[i] = sums[i].wrapping_add(unit);
    }
    let (top_n, numerator) = leading_bits(&difference);
    let (top_d, denominator) = leading_bits(&both);
    let shift = std::array::from_fn(
        #[inline(always)]
        |i| top_n[i].wrapping_sub(top_d[i]),
    );
    Parts { j, sign, exact, shift, numerator, denominator }
}

/// The upper 12 bits of each number.
#[inline(always)]
fn upper<S: Simd>(x: S::f32s) -> S::f32s {
    (x.bitcast::<S::u32s>() & 0xffff_f000).bitcast()
}

#[inline(always)]
fn two_product<S: Simd>(a: S::f32s, b: S::f32s) -> (S::f32s, S::f32s) {
    let (ah, bh) = (upper::<S>(a), upper::<S>(b));
    let (al, bl) = (a - ah, b - bh);
    let p = a * b;
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// Numbers of magnitude below 2^-40 as +0.
#[inline(always)]
fn drop_small<S: Simd>(simd: S, size_of: S::f32s, value: S::f32s) -> S::f32s {
    let size = size_of.bitcast::<S::u32s>() & ABS_MASK;
    size.simd_lt(splat_u(simd, TWO_POW_MINUS_40.to_bits())).select(splat(simd, 0.0), value)
}

#[inline(always)]
fn quotient<S: Simd>(simd: S, parts: &Parts) -> (S::f32s, S::f32s) {
    let [high, low] = reciprocal_of_lead(simd, from_rows_u(simd, &parts.denominator));
    let lead = from_rows_u(simd, &parts.numerator);
    let head: S::f32s = ((lead >> 6) + ((127 << 23) - (1 << 23))).bitcast();
    let tail = (lead & 63).bitcast::<S::i32s>().to_float::<S::f32s>() * f32::from_bits((127 - 29) << 23);
    let (p, error) = two_product::<S>(head, high);
    let rest = error + (head * low + tail * high);
    let top = p + rest;
    let left = rest - (top - p);
    let shift = from_rows_u(simd, &parts.shift);
    let sign = from_rows_u(simd, &parts.sign);
    let high = times_power::<S>(top, shift);
    let low = drop_small(simd, left, times_power::<S>(left, shift));
    ((high.bitcast::<S::u32s>() ^ sign).bitcast(), (low.bitcast::<S::u32s>() ^ sign).bitcast())
}

#[inline(always)]
fn pair<S: Simd>(a: S::f32s, b: S::f32s) -> [S::f32s; 2] {
    let high = a + b;
    let virtual_b = high - a;
    [high, (a - (high - virtual_b)) + (b - virtual_b)]
}

/// log(sum of exp(x - max)) of each row, as `log::log_sum`.
#[inline(always)]
pub(crate) fn logs<S: Simd>(simd: S, sums: &PerRow<u64>, units: &PerRow<u64>) -> [S::f32s; 2] {
    let parts = parts(sums, units);
    let j: S::f32s = from_rows_u(simd, &parts.j).bitcast::<S::i32s>().to_float();
    let (j_high, j_low) = (j * LOG_LN2_HIGH, j * LOG_LN2_LOW);
    let [exact_high, exact_low] = pair::<S>(j_high, j_low);
    let (s, s_low) = quotient(simd, &parts);
    let z = drop_small(simd, s, s * s);
    let series = ((z * LOG_9 + LOG_7) * z + LOG_5) * z + LOG_3;
    let cube = s * (z * series);
    let main = pair::<S>(s * 2.0, (s_low + cube) * 2.0);
    let whole = pair::<S>(j_high, main[0]);
    let [high, low] = pair::<S>(whole[0], whole[1] + (main[1] + j_low));
    let exact = from_rows_u(simd, &parts.exact).simd_ge(splat_u(simd, 1));
    [exact.select(exact_high, high), exact.select(exact_low, low)]
}

/// The log-probability of elements, as `log::log_probability`.
#[inline(always)]
pub(crate) fn log_probability<S: Simd>(simd: S, x: S::f32s, max: S::f32s, log: S::f32s) -> S::f32s {
    let below = x - max;
    let far = (below.bitcast::<S::u32s>() & ABS_MASK).simd_ge(splat_u(simd, INF_BITS));
    let y = settle(simd, below - log).bitcast::<S::u32s>();
    far.select(splat_u(simd, NEG_INF_BITS), y).bitcast()
}

/// Maximum plus logarithm, as `log::log_sum_exp`.
#[inline(always)]
pub(crate) fn log_sum_exp<S: Simd>(simd: S, max: S::f32s, log: &[S::f32s; 2]) -> S::f32s {
    let s = pair::<S>(max, log[0]);
    settle(simd, s[0] + (s[1] + log[1]))
}
