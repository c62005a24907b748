//! Stage `special`: which elements are finite, the two greatest values, and what counts as zero.

use super::constants::{ABS_MASK, NAN, TINY_BITS};
use crate::{EmptyRow, Op, OpKind};

/// What a row's sum is taken relative to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Top {
    /// The maximum; NaN where the row has one.
    pub max: f64,
    /// How many elements equal it; not counted where it is -inf.
    pub count: u64,
    /// The greatest element below it; -inf where there is none.
    pub second: f64,
}

/// Takes what is of magnitude 2^-1022 or less as +0, by integers: it does not depend on whether the
/// processor keeps subnormals.
#[inline(always)]
pub fn settle(x: f64) -> f64 {
    if x.to_bits() & ABS_MASK <= TINY_BITS { 0.0 } else { x }
}

/// Settles every element of a row and finds the two greatest values.
pub fn settle_all(z: &mut [f64]) -> Top {
    let mut top = Top { max: f64::NEG_INFINITY, count: 0, second: f64::NEG_INFINITY };
    let mut has_nan = false;
    for z in z {
        *z = settle(*z);
        // Nearly always: one branch that is easily foretold. A NaN fails every comparison.
        if *z <= top.second {
            continue;
        }
        has_nan |= z.is_nan();
        top.take(*z);
    }
    if has_nan {
        top.max = NAN;
    }
    top
}

impl Top {
    /// Takes an element above the second value; a NaN changes nothing.
    fn take(&mut self, z: f64) {
        if z > self.max {
            *self = Self { max: z, count: 1, second: self.max };
        } else if z == self.max {
            self.count += 1;
        } else if z > self.second {
            self.second = z;
        }
    }
}

/// The one value that a row without a finite maximum is made of, if it is such a row.
pub fn special_row(op: &Op, top: &Top) -> Option<f64> {
    if top.max.is_finite() {
        return None;
    }
    let is_empty = top.max == f64::NEG_INFINITY;
    let is_zero = is_empty && op.empty_row == EmptyRow::Zero;
    Some(match op.kind {
        OpKind::Softmax if is_zero => 0.0,
        OpKind::LogSoftmax if is_zero => f64::NEG_INFINITY,
        OpKind::Softmax | OpKind::LogSoftmax => NAN,
        OpKind::LogSumExp | OpKind::RowStats => top.max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_greatest_values_do_not_depend_on_the_order() {
        for mut z in [[1.0, 3.0, 2.0, 3.0], [3.0, 3.0, 1.0, 2.0], [2.0, 3.0, 3.0, 1.0], [3.0, 2.0, 1.0, 3.0]]
        {
            assert_eq!(settle_all(&mut z), Top { max: 3.0, count: 2, second: 2.0 });
        }
    }

    #[test]
    fn a_row_of_one_value_has_no_second() {
        assert_eq!(settle_all(&mut [5.0; 3]), Top { max: 5.0, count: 3, second: f64::NEG_INFINITY });
    }

    #[test]
    fn both_zeros_and_subnormals_are_one_value() {
        let mut z = [-0.0, 1e-310, -f64::MIN_POSITIVE, 0.0];
        assert_eq!(settle_all(&mut z), Top { max: 0.0, count: 4, second: f64::NEG_INFINITY });
        assert!(z.iter().all(|z| z.to_bits() == 0));
    }

    #[test]
    fn a_nan_is_found_wherever_it_stands() {
        for at in 0..4 {
            let mut z = [4.0, f64::INFINITY, -2.0, 1.0];
            z[at] = -f64::NAN;
            assert_eq!(settle_all(&mut z).max.to_bits(), NAN.to_bits());
        }
    }
}
