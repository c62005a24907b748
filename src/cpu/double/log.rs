//! Stage `log`: the logarithm of a row's sum relative to its maximum, as a pair of f64, and the results
//! made of it.
//!
//! With T the sum, log T = j ln 2 + 2 atanh((T - 2^j) / (T + 2^j)). The sum is a count and the rest,
//! and where one element is the maximum T - 1 is the rest itself: nothing cancels, as in log1p.

use super::constants::{ATANH, EXPONENT, LN2_A, LN2_B, LOG_IS_REST, SQRT_HALF_BITS};
use super::pair::{Pair, fast_two_sum, power, two_product, two_sum};
use super::special::settle;
use super::sum::Sum;

/// The quotient of two pairs, of which the second is not 0.
fn quotient(a: Pair, b: Pair) -> Pair {
    let high = a.high / b.high;
    let product = two_product(high, b.high);
    let residual = ((a.high - product.high) - product.low) + (a.low - high * b.low);
    Pair { high, low: residual / b.high }
}

/// atanh of a pair within +-0.1716.
fn atanh(s: Pair) -> Pair {
    let square = s.high * s.high;
    let series = ATANH.iter().fold(0.0, |p, c| c + p * square);
    fast_two_sum(s.high, s.low + s.high * (square * series))
}

/// log(sum of exp(x - max)).
pub fn log_sum(sum: &Sum) -> Pair {
    if sum.count == 1.0 && sum.rest.high < LOG_IS_REST {
        return sum.rest;
    }
    let whole = sum.whole();
    // 2^j such that T / 2^j lies within [sqrt 1/2, sqrt 2].
    let j = ((whole.high.to_bits() - SQRT_HALF_BITS) >> EXPONENT) as i32;
    let difference = two_sum(sum.count - power(j), sum.rest.high);
    let difference = fast_two_sum(difference.high, difference.low + sum.rest.low);
    let total = two_sum(whole.high, power(j));
    let total = fast_two_sum(total.high, total.low + whole.low);
    let half = atanh(quotient(difference, total));
    // The product with the first part of ln 2 is exact.
    let log = two_sum(f64::from(j) * LN2_A, 2.0 * half.high);
    fast_two_sum(log.high, log.low + (2.0 * half.low + f64::from(j) * LN2_B))
}

/// log(exp(x) / sum): the exact distance from the maximum less the logarithm of the sum, rounded once.
#[inline(always)]
pub fn log_probability(x: f64, max: f64, log_sum: Pair) -> f64 {
    if x - max == f64::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    let below = two_sum(x, -max);
    let log = two_sum(below.high, -log_sum.high);
    settle(log.high + (log.low + (below.low - log_sum.low)))
}

/// log(sum of exp(x)): maximum plus logarithm, rounded once.
pub fn log_sum_exp(max: f64, log_sum: Pair) -> f64 {
    let log = two_sum(max, log_sum.high);
    settle(log.high + (log.low + log_sum.low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(count: f64, rest: f64) -> Pair {
        log_sum(&Sum { count, rest: Pair { high: rest, low: 0.0 } })
    }

    #[test]
    fn logarithms_of_counts() {
        assert_eq!(log_of(1.0, 0.0), Pair { high: 0.0, low: 0.0 });
        assert_eq!(log_of(2.0, 0.0).high, std::f64::consts::LN_2);
        assert_eq!(log_of(10.0, 0.0).high, std::f64::consts::LN_10);
        assert_eq!(log_of(5.0, 0.0).high, f64::from_bits(0x3ff9_c041_f7ed_8d33));
        // log 2^31 = 31 ln 2, of which the low part is known too.
        let log = log_of(2f64.powi(31), 0.0);
        assert_eq!(log.high, 31.0 * std::f64::consts::LN_2);
        assert!((log.low - (31.0 * LN2_A - log.high) - 31.0 * LN2_B).abs() < 1e-30);
    }

    #[test]
    fn a_small_rest_keeps_its_digits() {
        // log(1 + 2^-60) = 2^-60 - 2^-121 + ...
        let log = log_of(1.0, 2f64.powi(-60));
        assert_eq!(log, Pair { high: 2f64.powi(-60), low: -(2f64.powi(-121)) });
        assert_eq!(log_of(1.0, 2f64.powi(-800)), Pair { high: 2f64.powi(-800), low: 0.0 });
    }

    #[test]
    fn the_logarithm_is_continuous_where_its_exponent_changes() {
        for k in 0..20 {
            let (edge, step) = (2f64.powi(k) * std::f64::consts::SQRT_2, 1e-9);
            let count = edge.floor();
            let logs = [-1.0, 0.0, 1.0].map(|i| log_of(count, (edge - count) + i * step * edge));
            for pair in logs.windows(2) {
                let rise = (pair[1].high - pair[0].high) + (pair[1].low - pair[0].low);
                assert!((rise / step - 1.0).abs() < 1e-6, "at {edge}: {rise:e}");
            }
        }
    }
}
