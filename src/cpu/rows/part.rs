//! Maximum and sum of a part of a row in one pass: the sum against the greatest element so far, and
//! counted anew when a greater one comes.
//!
//! For the exact sums that is possible, to the bit, in all but odd rows. They depend on the maximum
//! only through its power of two, and an exponential that is not too small lies on the grid as it is:
//! then nothing was rounded, and a greater power of two shifts the integer. Where something might
//! have been, the sum is given up, and computed in a pass of its own once the maximum is known.

use crate::cpu::RowRange;
use crate::cpu::simd::WideTotal;
use crate::cpu::special::{KEY_EMPTY, from_key, settle_max};
use crate::numerics::ANCHOR_LIMIT;

/// What is known of a part of a row.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// The key of the maximum.
    pub(crate) key: i32,
    /// The sum against that maximum, if it was not given up. It says nothing where the maximum is not
    /// finite.
    pub(crate) total: Option<WideTotal>,
    /// The least element, where there is no NaN.
    pub(crate) least: f32,
    /// How many powers of two below the maximum's every exponential lies on the grid.
    reach: u32,
}

impl Part {
    /// Of no element.
    #[inline(always)]
    pub(crate) fn empty(zero: WideTotal, reach: u32) -> Self {
        Self { key: KEY_EMPTY, total: Some(zero), least: f32::INFINITY, reach }
    }

    /// Of elements of which the maximum alone is known.
    pub(crate) fn of_key(key: i32) -> Self {
        Self { key, total: None, least: f32::NEG_INFINITY, reach: 0 }
    }

    /// Takes elements into account, given their extremes: their own sum is still to be added.
    #[inline(always)]
    pub(crate) fn see(&mut self, key: i32, least: f32) {
        if key > self.key {
            self.raise(key);
        }
        self.least = if least < self.least { least } else { self.least };
    }

    /// Both parts together.
    pub(crate) fn merge(mut self, mut other: Self) -> Self {
        self.raise(self.key.max(other.key));
        other.raise(self.key);
        let total = self.total.zip(other.total).map(|(a, b)| a.merge(b));
        Self { total, least: self.least.min(other.least), ..self }
    }

    /// Counts the sum against a maximum that is not less.
    #[inline(never)]
    fn raise(&mut self, key: i32) {
        let (from, to) = (from_key(self.key), from_key(key));
        if key != self.key && from.is_finite() && to.is_finite() {
            let (from, to) = (settle_max(self.key), settle_max(key));
            self.total = match self.total {
                Some(WideTotal::Units(units)) => {
                    self.steps(from, to).map(|steps| WideTotal::Units(units >> steps))
                }
                Some(WideTotal::Float(sum)) => Some(WideTotal::Float(sum * (from - to).exp())),
                None => None,
            };
        }
        self.key = key;
    }

    /// By how many powers of two the sum shrinks, if nothing of it is lost.
    fn steps(&self, from: f32, to: f32) -> Option<u32> {
        if from.abs() > ANCHOR_LIMIT || to.abs() > ANCHOR_LIMIT {
            return None;
        }
        let power = |max: f32| RowRange::new(max).bias;
        let steps = power(to).wrapping_sub(power(from));
        let exact = self.least >= -ANCHOR_LIMIT && power(to).wrapping_sub(power(self.least)) <= self.reach;
        (steps == 0 || exact).then_some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::reference::{row_max, row_sum};

    /// The part that the elements before a new maximum make, and the sum they must have afterwards.
    fn raised(x: &[f32], max: f32, cols: u64, reach: u32) -> (Option<WideTotal>, WideTotal) {
        let mut row = x.to_vec();
        let key = row_max(x, 1.0);
        let sum = |max, x: &[f32]| WideTotal::Units(row_sum(x, 1.0, max, cols).units());
        let least = x.iter().copied().fold(f32::INFINITY, f32::min);
        let mut part = Part { key: key.key(), total: Some(sum(key, x)), least, reach };
        row.push(max);
        let all = row_max(&row, 1.0);
        part.see(all.key(), max);
        (part.total, sum(all, x))
    }

    #[test]
    fn a_sum_against_a_greater_maximum_is_exact_or_given_up() {
        let mut kept = 0;
        for i in 0..20_000u32 {
            let unit = |n: u32| (i.wrapping_mul(n) >> 8) as f32 / (1 << 24) as f32;
            let (low, rise) = (30.0 * unit(2_654_435_761), 20.0 * unit(2_246_822_519));
            let x = [1.0 - unit(3_266_489_917) * low, 0.7, 1.0 - low];
            for (cols, reach) in [(1000, 20), (1 << 20, 42)] {
                let (found, expected) = raised(&x, 1.0 + rise, cols, reach);
                assert!(found.is_none_or(|found| found == expected), "{x:?} {rise} {cols}");
                kept += u32::from(found.is_some());
            }
        }
        assert!((10_000..30_000).contains(&kept), "{kept} of 40000 kept: the test sees one side only");
    }

    #[test]
    fn rows_far_from_zero_are_given_up() {
        for (x, max) in [([0.0, 1.0], 40_000.0), ([-40_000.0, -39_999.0], 0.0), ([-40_000.0, 0.0], 9.0)] {
            assert_eq!(raised(&x, max, 1000, 20).0, None);
        }
    }
}
