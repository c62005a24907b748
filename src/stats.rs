//! Row statistics: the maximum of a row and its exact sum, mergeable over parts of a row.

use bytemuck::{Pod, Zeroable};

use crate::cpu::RowRange;
use crate::cpu::exp::exp;
use crate::cpu::special::{KEY_EMPTY, from_key, settle_key, to_key};
use crate::cpu::sum::fixed;

/// The maximum of a row or of a part of one, with what it says of NaN and infinities.
///
/// Merging takes the greater of two ordered integers, so parts may come in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Pod, Zeroable)]
#[repr(transparent)]
pub struct RowMax {
    key: i32,
}

impl RowMax {
    /// The maximum of no element: -inf.
    pub const EMPTY: Self = Self { key: KEY_EMPTY };

    /// The maximum of one element.
    pub fn of(x: f32) -> Self {
        Self::from_key(to_key(x))
    }

    pub(crate) fn from_key(key: i32) -> Self {
        Self { key: settle_key(key) }
    }

    pub(crate) fn key(self) -> i32 {
        self.key
    }

    /// The maximum of both parts.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }

    /// The maximum: NaN where a NaN was among the elements, -inf where none was above it. A finite
    /// maximum of magnitude 2^-126 and less is +0.
    pub fn value(self) -> f32 {
        from_key(self.key)
    }

    /// Four bytes, little endian. As a signed integer their order is the order of the maxima, so
    /// that a stock integer maximum of a message-passing library merges them.
    pub fn to_bytes(self) -> [u8; 4] {
        self.key.to_le_bytes()
    }

    /// The maximum that [`RowMax::to_bytes`] wrote.
    pub fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_key(i32::from_le_bytes(bytes))
    }
}

/// The exact sum of a row's or a part's exponentials, in units of 2^-66: exp(x - k ln 2) with k the
/// maximum over ln 2, rounded to an integer. [`RowSum::value`] takes it relative to the maximum.
///
/// Parts merge by integer addition, against the maximum of the whole row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Pod, Zeroable)]
#[repr(transparent)]
pub struct RowSum {
    limbs: [u32; 4],
}

impl RowSum {
    pub(crate) fn from_units(units: u128) -> Self {
        Self { limbs: std::array::from_fn(|i| (units >> (32 * i)) as u32) }
    }

    pub(crate) fn units(self) -> u128 {
        (0..4).fold(0, |sum, i| sum | u128::from(self.limbs[i]) << (32 * i))
    }

    /// The sum of both parts.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self::from_units(self.units().wrapping_add(other.units()))
    }

    /// The sum of exp(x - max), given the maximum that it was taken against; 0 where that is not
    /// finite. Relative error below 3 * 2^-24, and exactly 1 for a lone element.
    pub fn value(self, max: RowMax) -> f64 {
        let max = max.value();
        if !max.is_finite() {
            return 0.0;
        }
        let row = RowRange::new(max);
        self.units() as f64 / fixed(exp(max, &row), false) as f64
    }

    /// Sixteen bytes, little endian: an unsigned integer of 128 bits in units of 2^-66.
    pub fn to_bytes(self) -> [u8; 16] {
        self.units().to_le_bytes()
    }

    /// The sum that [`RowSum::to_bytes`] wrote.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_units(u128::from_le_bytes(bytes))
    }
}

/// Both statistics of a row, 32 bytes as they lie in a buffer: the maximum in the first word, the
/// sum in the last four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct RowStats {
    /// The row's maximum.
    pub max: RowMax,
    reserved: [u32; 3],
    /// The sum against that maximum; 0 where the maximum is not finite.
    pub sum: RowSum,
}

impl RowStats {
    /// Words of 4 bytes per row.
    pub const WORDS: u64 = 8;

    /// Puts both together.
    pub fn new(max: RowMax, sum: RowSum) -> Self {
        Self { max, reserved: [0; 3], sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::reference::row_stats;

    #[test]
    fn the_sum_is_relative_to_the_maximum() {
        for x in [0.0, 0.3, 1.0, -0.3466, 1e5, 1e-40] {
            let one = row_stats(&[x], 1.0);
            assert_eq!(one.sum.value(one.max), 1.0, "{x}");
            let three = row_stats(&[x, x - 1.0, x], 1.0);
            let below = f64::from(x - 1.0) - f64::from(x);
            assert!((three.sum.value(three.max) - 2.0 - below.exp()).abs() < 2e-7, "{x}");
        }
        assert_eq!(RowSum::default().value(RowMax::EMPTY), 0.0);
    }

    #[test]
    fn a_subnormal_maximum_is_zero() {
        for x in [1e-40, -1e-40, -0.0, f32::MIN_POSITIVE, -f32::MIN_POSITIVE] {
            assert_eq!(RowMax::of(x), RowMax::of(0.0), "{x:e}");
        }
        assert!(RowMax::of(f32::from_bits(0x0080_0001)) > RowMax::of(0.0));
    }
}
