//! Stage `sum`: the exact sum of a row's exponentials, on a fixed grid, as an integer.
//!
//! The elements that equal the maximum are counted. The others are added on a grid relative to the
//! greatest of them, so that their sum keeps its digits however far they lie below: what log-softmax
//! near zero needs. The grid depends on the row's values and length alone, and integers may be added
//! in any order (as in Demmel, Ahrens, Nguyen: "Efficient Reproducible Floating Point Summation and
//! BLAS", 2015).

use super::constants::*;
use super::exp::{Exponential, exp, exponent};
use super::pair::{Pair, fast_two_sum, power, two_sum};
use super::special::Top;

/// What the weights of a row share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowRange {
    max: f64,
    /// The power of two of the greatest exponential in the sum.
    exponent: i32,
    /// Bits below it that the grid goes down to.
    grid: u32,
}

/// A row's sum relative to its maximum: `count + rest`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum {
    /// Elements that equal the maximum.
    pub count: f64,
    /// The sum of the others' exponentials: 0, or at least 2^-866.
    pub rest: Pair,
}

impl RowRange {
    /// The range below a finite maximum, for a row of so many elements.
    pub fn new(top: &Top, len: usize) -> Self {
        let below = top.second - top.max;
        let exponent = exponent(if below < -SUM_RANGE { -SUM_RANGE } else { below });
        Self { max: top.max, exponent, grid: grid_bits(len) }
    }

    /// An element's held exponential, and its weight in units of the grid; the weight of a maximum,
    /// which is counted instead, is 0.
    #[inline(always)]
    pub fn weigh(&self, x: f64) -> (f64, u128) {
        if x == self.max {
            return (HELD_ONE, 0);
        }
        // Beyond the range this may be -inf, of which no error can be computed.
        if x - self.max < -RANGE {
            return (0.0, 0);
        }
        let d = two_sum(x, -self.max);
        let e = exp(d);
        let weight = if d.high < -SUM_RANGE { 0 } else { self.units(&e) };
        (e.held(), weight)
    }

    /// An exponential in units of the grid, rounded down.
    #[inline(always)]
    fn units(&self, e: &Exponential) -> u128 {
        // The first product is an integer; the second has 9 bits above the point.
        let mantissa = (e.mantissa.high * MANTISSA_UNIT) as i64 + (e.mantissa.low * MANTISSA_UNIT) as i64;
        // Never negative: no exponent in the sum is above the range's.
        let shift = (self.exponent - e.exponent) as u32;
        // The mantissa ends 34 bits above the grid's last one: shifts from 97 on leave nothing.
        ((mantissa as u128) << (self.grid - MANTISSA)) >> shift.min(127)
    }

    /// The sum from its weights.
    pub fn sum(&self, count: u64, units: u128) -> Sum {
        // Casts of integers round to nearest, ties to even.
        let high = units as f64;
        let low = units.wrapping_sub(high as u128) as i128 as f64;
        let unit = power(self.exponent - self.grid as i32);
        Sum { count: count as f64, rest: Pair { high: high * unit, low: low * unit } }
    }
}

impl Sum {
    /// The whole sum as a pair, at least 1.
    pub fn whole(&self) -> Pair {
        let whole = two_sum(self.count, self.rest.high);
        fast_two_sum(whole.high, whole.low + self.rest.low)
    }
}

/// 96, up to 2^31 elements: their exponentials are at most 1.415 times the power of two of the
/// greatest, and 2^31 * 1.415 * 2^96 < 2^128. One less for each doubling of the length beyond.
fn grid_bits(len: usize) -> u32 {
    let length_bits = usize::BITS - len.saturating_sub(1).leading_zeros();
    GRID - length_bits.saturating_sub(GRID_LENGTH_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(second: f64, len: usize) -> RowRange {
        RowRange::new(&Top { max: 0.0, count: 1, second }, len)
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_grid_leaves_room_for_every_element() {
        for bits in 0..63 {
            for len in [1usize << bits, (1 << bits) + 1] {
                // 363 / 256 is more than sqrt 2.
                let greatest = (1u128 << grid_bits(len)) / 256 * 363;
                assert!(greatest.checked_mul(len as u128).is_some(), "{len} elements");
            }
        }
        assert_eq!((grid_bits(1 << 31), grid_bits((1 << 31) + 1)), (96, 95));
    }

    #[test]
    fn weights_are_relative_to_the_greatest_below_the_maximum() {
        for second in [-0.1, -1.0, -40.0, -599.0] {
            let range = range(second, 2);
            let (held, units) = range.weigh(second);
            let sum = range.sum(1, units);
            assert_eq!(sum.rest.high, held / HELD_ONE, "e^{second}");
        }
    }

    #[test]
    fn elements_far_below_have_no_weight() {
        let range = range(-600.5, 3);
        assert_eq!(range.weigh(0.0), (HELD_ONE, 0));
        assert_eq!(range.weigh(-600.5).1, 0);
        assert!(range.weigh(-744.0).0 > 0.0);
        assert_eq!(range.weigh(-746.0), (0.0, 0));
        assert_eq!(range.weigh(f64::NEG_INFINITY), (0.0, 0));
        // Further below the greatest than the grid goes.
        let range = self::range(-0.1, 3);
        assert_eq!(range.weigh(-66.0).1, 1);
        assert_eq!([-68.0, -90.0, -400.0, -599.0].map(|x| range.weigh(x).1), [0; 4]);
        assert_eq!(range.sum(3, 0).whole(), Pair { high: 3.0, low: 0.0 });
    }
}
