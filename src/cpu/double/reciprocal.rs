//! Stage `reciprocal`: one over the sum as a pair of f64, and an exponential times it.

use super::constants::{EXPONENT, HELD_SHIFT};
use super::pair::{Pair, upper_half};

/// One over a sum of at least 1. The high part has 26 bits, so that its products with either half of an
/// exponential are exact; the pair errs by 2^-76.
pub fn reciprocal(sum: Pair) -> Pair {
    let rounded = 1.0 / sum.high;
    let high = upper_half(rounded);
    let head = upper_half(sum.high);
    // Both products are exact, and so is the first difference: it is at most 2^-25.
    let residual = (1.0 - high * head) - high * (sum.high - head) - high * sum.low;
    Pair { high, low: residual * rounded }
}

/// A held exponential times the reciprocal, as a probability. Only the last addition rounds where it
/// matters. The power 2^512 is taken off by integers, and what would be subnormal is +0.
#[inline(always)]
pub fn normalise(held: f64, by: Pair) -> f64 {
    let upper = upper_half(held);
    let lower = held - upper;
    let product = upper * by.high + (lower * by.high + held * by.low);
    let bits = product.to_bits();
    let released = bits.wrapping_sub((HELD_SHIFT as u64) << EXPONENT);
    if bits < ((HELD_SHIFT + 1) as u64) << EXPONENT { 0.0 } else { f64::from_bits(released) }
}

#[cfg(test)]
mod tests {
    use super::super::constants::HELD_ONE;
    use super::*;

    #[test]
    fn powers_of_two_are_exact() {
        for k in 0..32 {
            let sum = 2f64.powi(k);
            assert_eq!(reciprocal(Pair { high: sum, low: 0.0 }), Pair { high: 1.0 / sum, low: 0.0 });
        }
    }

    #[test]
    fn a_quotient_of_integers_is_rounded_once() {
        for n in 1..5000u32 {
            let by = reciprocal(Pair { high: f64::from(n), low: 0.0 });
            assert_eq!(normalise(HELD_ONE, by), 1.0 / f64::from(n), "1 / {n}");
        }
    }

    #[test]
    fn the_smallest_normal_number_stays() {
        let by = Pair { high: 1.0, low: 0.0 };
        let least = f64::MIN_POSITIVE * HELD_ONE;
        assert_eq!(normalise(least, by), f64::MIN_POSITIVE);
        assert_eq!(normalise(least.next_down(), by), 0.0);
        assert_eq!(normalise(0.0, by), 0.0);
    }
}
