//! Stage `log`: the logarithm of a row's sum relative to its maximum, as a pair of floats.
//!
//! Shader twin: `shaders/log.wgsl`. With E the maximum's own exponential on the sum's grid and T the
//! sum, log(T / E) = j ln 2 + 2 atanh((T - E 2^j) / (T + E 2^j)). Both terms of the fraction are
//! exact integers, so nothing cancels where one element has all the weight: this is log1p there.

use super::reciprocal::{Reciprocal, leading_bits, reciprocal_of_lead, times_power, upper_half};
use super::sum::fixed;
use super::{RowRange, exp::exp};
use crate::numerics::*;

/// log(sum of exp(x - max)) as `high + low`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSum {
    /// The rounded logarithm.
    pub high: f32,
    /// What rounding took away.
    pub low: f32,
}

/// The integer j for which T / (E 2^j) lies within [sqrt 1/2, sqrt 2], nearly.
fn exponent(sum: u128, unit: u128) -> i32 {
    let (top_s, lead_s) = leading_bits(sum);
    let (top_u, lead_u) = leading_bits(unit);
    // 181 / 256 is sqrt 1/2 to 8 bits; 16 bits of each lead suffice to choose.
    let (s, u) = (lead_s >> 14, lead_u >> 14);
    let above = s * 181 >= u * 256;
    let below = s * 256 < u * 181;
    top_s - top_u + i32::from(above) - i32::from(below)
}

/// The exact product of two floats as a pair (Dekker, with 12-bit halves made by masking).
fn two_product(a: f32, b: f32) -> (f32, f32) {
    let (ah, bh) = (upper_half(a), upper_half(b));
    let (al, bl) = (a - ah, b - bh);
    let p = a * b;
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// (T - E 2^j) / (T + E 2^j) as a pair; the difference is not 0.
fn quotient(sum: u128, unit: u128) -> (f32, f32) {
    let (n, negative) = if sum >= unit { (sum - unit, false) } else { (unit - sum, true) };
    let (top_n, lead_n) = leading_bits(n);
    let (top_d, lead_d) = leading_bits(sum + unit);
    let Reciprocal { high, low } = reciprocal_of_lead(lead_d);
    // The 30 leading bits of the numerator as two exact floats.
    let head = f32::from_bits((127 << 23) + (lead_n >> 6) - (1 << 23));
    let tail = (lead_n & 63) as f32 * UNIT_29;
    let (p, error) = two_product(head, high);
    let rest = error + (head * low + tail * high);
    // Normalised, so that the power of two can go on by integers.
    let top = p + rest;
    let left = rest - (top - p);
    let shift = top_n - top_d;
    let high = times_power(top, shift);
    // Below 2^-40 of the quotient nothing is lost, and the exponent cannot run out.
    let low = if left.abs() < TWO_POW_MINUS_40 { 0.0 } else { times_power(left, shift) };
    if negative { (-high, -low) } else { (high, low) }
}

/// The logarithm of a row's sum over its maximum's own exponential. `cols` is the length of the
/// whole row, `sum` its sum in units of 2^-66.
pub fn log_sum(sum: u128, row: &RowRange, third: bool) -> LogSum {
    let unit = fixed(exp(row.max, row), third);
    // A row's own sum lies within; statistics read from foreign bytes may not.
    let sum = sum.clamp(unit, u128::MAX >> 2);
    let j = exponent(sum, unit);
    let unit = unit << j;
    if sum == unit {
        let high = j as f32 * LOG_LN2_HIGH;
        return pair(high, j as f32 * LOG_LN2_LOW);
    }
    let (s, s_low) = quotient(sum, unit);
    // Below 2^-40 the cube is nothing, and its product would be subnormal.
    let z = if s.abs() < TWO_POW_MINUS_40 { 0.0 } else { s * s };
    let series = LOG_3 + z * (LOG_5 + z * (LOG_7 + z * LOG_9));
    let cube = s * (z * series);
    let main = pair(2.0 * s, 2.0 * (s_low + cube));
    let whole = pair(j as f32 * LOG_LN2_HIGH, main.high);
    pair(whole.high, whole.low + (main.low + j as f32 * LOG_LN2_LOW))
}

/// The sum of two floats as a rounded value and its error (Knuth's two-sum: any order of sizes).
fn pair(a: f32, b: f32) -> LogSum {
    let high = a + b;
    let virtual_b = high - a;
    LogSum { high, low: (a - (high - virtual_b)) + (b - virtual_b) }
}

/// log(exp(x) / sum): the rounded difference from the maximum less the logarithm of the sum.
#[inline(always)]
pub fn log_probability(x: f32, max: f32, log_sum: f32) -> f32 {
    let below = x - max;
    if (below.to_bits() & ABS_MASK) >= INF_BITS {
        return f32::from_bits(NEG_INF_BITS);
    }
    super::special::settle_result(below - log_sum)
}

/// log(sum of exp(x)): maximum plus logarithm.
pub fn log_sum_exp(max: f32, log_sum: &LogSum) -> f32 {
    let s = pair(max, log_sum.high);
    super::special::settle_result(s.high + (s.low + log_sum.low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_no_row_has_do_not_panic() {
        let row = RowRange::new(0.3);
        for sum in [0, 1, u128::MAX] {
            assert!(log_sum(sum, &row, false).high >= 0.0);
        }
    }
}
