//! Row statistics: the maximum of a row and its exact sum, mergeable over parts of a row.
//!
//! `docs/shards.md` is the recipe for a row that is cut over devices or machines.

#[cfg(feature = "serde")]
mod wire;

use bytemuck::{Pod, Zeroable};

use crate::cpu::RowRange;
use crate::cpu::exp::exp;
use crate::cpu::reference::{RowFinish, finish};
use crate::cpu::special::{KEY_EMPTY, from_key, settle_key, settle_max, to_key};
use crate::cpu::sum::{fixed, third_bin};
use crate::{LogSumExp, Op};

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

    /// An integer whose order is the order of the maxima, so that the stock integer maximum of a
    /// message-passing library (`MPI_MAX` of `MPI_INT32_T`) merges them.
    pub fn to_lane(self) -> i32 {
        self.key
    }

    /// The maximum of an integer that [`RowMax::to_lane`] gave, or of the greatest of several.
    /// Integers that it never gives are NaN.
    pub fn from_lane(lane: i32) -> Self {
        Self::from_key(if from_key(lane).is_nan() { to_key(f32::NAN) } else { lane })
    }

    /// [`RowMax::to_lane`] as four bytes, little endian.
    pub fn to_bytes(self) -> [u8; 4] {
        self.to_lane().to_le_bytes()
    }

    /// The maximum that [`RowMax::to_bytes`] wrote.
    pub fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_lane(i32::from_le_bytes(bytes))
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
    /// How many integers [`RowSum::to_lanes`] gives.
    pub const LANES: usize = 4;

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

    /// The sum in four integers of 32 bits each, lowest first, with room for carries: added lane by
    /// lane by the stock integer sum of a message-passing library (`MPI_SUM` of `MPI_UINT64_T`) they
    /// are the merged sum for up to 2^32 parts, or 2^31 where the library's integers are signed.
    pub fn to_lanes(self) -> [u64; Self::LANES] {
        self.limbs.map(u64::from)
    }

    /// The sum of lanes that [`RowSum::to_lanes`] gave, added up over any parts: carries are
    /// propagated here.
    pub fn from_lanes(lanes: [u64; Self::LANES]) -> Self {
        let units = |sum: u128, (i, lane)| sum.wrapping_add(u128::from(lane) << (32 * i));
        Self::from_units((0..).zip(lanes).fold(0, units))
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

    /// The logarithm of the sum of the row's exponentials: the bits that [`LogSumExp`] gives for the
    /// whole row, of `total_cols` elements. It says nothing where the statistics are not the row's.
    pub fn logsumexp(&self, total_cols: u64) -> f32 {
        match finish(&Op::from(LogSumExp::new()), self, total_cols) {
            RowFinish::Fill(value) => value,
            _ => unreachable!("log-sum-exp fills its one result"),
        }
    }

    /// Why these cannot be the statistics of a whole row, if they cannot: the maximum's own
    /// exponential is a part of the sum.
    pub(crate) fn fault(&self, total_cols: u64) -> Option<&'static str> {
        if !self.max.value().is_finite() {
            return None;
        }
        let max = settle_max(self.max.key());
        let least = fixed(exp(max, &RowRange::new(max)), third_bin(total_cols));
        let is_less = self.sum.units() < least;
        is_less.then_some("the sum is less than the maximum's own exponential; merge the sums of all parts, each taken against the maximum of the whole row")
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
    fn lanes_that_were_added_carry() {
        let all = RowSum::from_units(u128::MAX >> 20);
        let lanes =
            (0..1000).fold([0; 4], |sum: [u64; 4], _| std::array::from_fn(|i| sum[i] + all.to_lanes()[i]));
        assert_eq!(RowSum::from_lanes(lanes).units(), 1000 * (u128::MAX >> 20));
        assert_eq!(RowSum::from_lanes(all.to_lanes()), all);
        assert_eq!(RowSum::from_bytes(all.to_bytes()), all);
        // As many parts as are promised, each lane at its largest.
        let most = [u64::from(u32::MAX) << 32; 4];
        assert_eq!(RowSum::from_lanes(most).units(), u128::MAX.wrapping_mul(1 << 32));
    }

    #[test]
    fn foreign_integers_are_some_maximum() {
        for lane in [i32::MIN, KEY_EMPTY - 1, to_key(f32::INFINITY) + 1, i32::MAX] {
            assert_eq!(RowMax::from_lane(lane), RowMax::of(f32::NAN), "{lane:#x}");
        }
        for x in [f32::NEG_INFINITY, -1.5, 0.0, 3.0, f32::INFINITY, f32::NAN] {
            assert_eq!(RowMax::from_bytes(RowMax::of(x).to_bytes()), RowMax::of(x));
        }
        assert_eq!(RowMax::from_lane(KEY_EMPTY), RowMax::EMPTY);
    }

    #[test]
    fn statistics_that_no_row_has_are_told() {
        for x in [0.0, 0.3, -77.7, 1e6] {
            let one = row_stats(&[x], 1.0);
            assert_eq!((one.fault(1), one.logsumexp(1)), (None, x));
            assert!(RowStats::new(one.max, RowSum::default()).fault(1).is_some());
        }
        assert_eq!(RowStats::new(RowMax::EMPTY, RowSum::default()).fault(1), None);
    }

    #[test]
    fn a_subnormal_maximum_is_zero() {
        for x in [1e-40, -1e-40, -0.0, f32::MIN_POSITIVE, -f32::MIN_POSITIVE] {
            assert_eq!(RowMax::of(x), RowMax::of(0.0), "{x:e}");
        }
        assert!(RowMax::of(f32::from_bits(0x0080_0001)) > RowMax::of(0.0));
    }
}
