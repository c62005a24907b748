//! Error-free sums and products of f64: the exact result as a rounded value and what rounding lost.

use super::constants::{ABS_MASK, EXPONENT};

/// A number as a rounded value and the remainder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The rounded value.
    pub high: f64,
    /// What rounding took away.
    pub low: f64,
}

/// The sum of two numbers of any sizes (Knuth).
#[inline(always)]
pub fn two_sum(a: f64, b: f64) -> Pair {
    let high = a + b;
    let virtual_b = high - a;
    Pair { high, low: (a - (high - virtual_b)) + (b - virtual_b) }
}

/// The sum of two numbers of which the first is not smaller in magnitude, or is 0 (Dekker).
#[inline(always)]
pub fn fast_two_sum(a: f64, b: f64) -> Pair {
    let high = a + b;
    Pair { high, low: b - (high - a) }
}

/// The leading 26 bits of a number, toward zero. What remains has 27 bits: products of two leading
/// parts, or of one and a remainder, are exact.
#[inline(always)]
pub fn upper_half(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000)
}

/// The product of two numbers (Dekker). Halves are made by masking; no fused operation is used,
/// since not every processor has one. The remainder's last bit may be lost.
#[inline(always)]
pub fn two_product(a: f64, b: f64) -> Pair {
    let (a_high, b_high) = (upper_half(a), upper_half(b));
    let (a_low, b_low) = (a - a_high, b - b_high);
    let high = a * b;
    Pair { high, low: ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low }
}

/// 2^k, for k from -1022 to 1023.
#[inline(always)]
pub fn power(k: i32) -> f64 {
    f64::from_bits(((1023 + k) as u64) << EXPONENT)
}

/// Whether a number is infinite or NaN.
#[inline(always)]
pub fn is_special(x: f64) -> bool {
    x.to_bits() & ABS_MASK >= f64::INFINITY.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_lose_nothing() {
        let small = power(-80);
        assert_eq!(two_sum(1.0, small), Pair { high: 1.0, low: small });
        assert_eq!(two_sum(small, -1.0), Pair { high: -1.0, low: small });
        assert_eq!(fast_two_sum(3.0, power(-53)), Pair { high: 3.0, low: power(-53) });
        let (a, b) = (0.1, 1e17 / 3.0);
        let Pair { high, low } = two_sum(a, b);
        // The remainder is what is missing, and less than half a unit of the last place.
        assert_eq!((b - high) + a, low);
        assert!(low.abs() <= 4.0 / 2.0);
    }

    #[test]
    fn products_lose_nothing_that_counts() {
        let a = 1.0 + power(-30);
        // (1 + 2^-30)^2 = 1 + 2^-29 + 2^-60
        assert_eq!(two_product(a, a), Pair { high: 1.0 + power(-29), low: power(-60) });
        let third = 1.0 / 3.0;
        // 3 * fl(1/3) = 1 - 2^-54
        assert_eq!(two_product(third, 3.0), Pair { high: 1.0, low: -power(-54) });
    }
}
