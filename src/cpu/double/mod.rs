//! Rows of f64: the same operations, special values and independence as for f32, on the CPU only.
//!
//! The result for a row is a pure function of its elements' bits, and the order they stand in does not
//! matter. The difference from the maximum is an exact pair of f64 (`pair.rs`), its exponential is a pair
//! too (`exp.rs`), and exponentials are added as integers on a fixed grid (`sum.rs`). Only IEEE
//! `+ - * /` and integers: no library's exponential or logarithm, whose bits may change with its
//! version. `docs/numerics.md`, "f64", derives the bounds.
//!
//! ```
//! use wgpu_softmax::{Op, OpKind, cpu::double};
//!
//! let mut row = [0.0, -40.0];
//! double::row(&Op::new(OpKind::LogSoftmax), &mut row);
//! assert_eq!(row, [-4.248354255291589e-18, -40.0]); // -log(1 + exp(-40)) keeps its digits
//! ```

mod constants;
mod exp;
mod log;
mod masking;
mod pair;
mod reciprocal;
mod special;
mod sum;

pub use masking::{MAX_DISTANCE, alibi, biased, row_scale, scaled, scaled_by_row, widened};

use crate::{Op, OpKind};
use log::{log_probability, log_sum, log_sum_exp};
use reciprocal::{normalise, reciprocal};
use special::{Top, settle_all, special_row};
use sum::{RowRange, Sum};

/// One row of logits, special values and masked elements (-inf) included. Softmax and log-softmax take
/// the logits' place, and 0 is returned. The result of logsumexp is returned, and the logits stay, but
/// that those of magnitude 2^-1022 or less become +0. The scale is not looked at: it is applied already,
/// by [`scaled`]. There is no faster precision: both are this one. Row statistics are of f32 only; they
/// count as logsumexp.
///
/// A NaN makes the row NaN (always `0x7ff8000000000000`), else +inf does, but its logsumexp is +inf.
/// -inf beside finite elements is probability +0 and log-probability -inf. A row of -inf is what
/// [`Op::empty_row`] says, where [`crate::EmptyRow::Usual`] is NaN; its logsumexp is -inf, as is that
/// of no elements. Elements and results of magnitude 2^-1022 or less are +0, but for a probability of
/// exactly 2^-1022, which stays.
///
/// Softmax is within 2.7 ulp of exact, log-softmax within 0.9 ulp, and logsumexp within half a ulp and
/// 2^-54 min(1, result - maximum); the latter two and 2^-865 for each element of the row.
pub fn row(op: &Op, z: &mut [f64]) -> f64 {
    let top = settle_all(z);
    if let Some(fill) = special_row(op, &top) {
        return fill_row(op, z, fill);
    }
    match op.kind {
        OpKind::Softmax => softmax(z, &top),
        OpKind::LogSoftmax => log_softmax(z, &top),
        OpKind::LogSumExp | OpKind::RowStats => return log_sum_exp(top.max, log_sum(&sum_of(z, &top))),
    }
    0.0
}

/// A row that is one value throughout, or whose one result it is.
fn fill_row(op: &Op, z: &mut [f64], fill: f64) -> f64 {
    if op.kind.is_elementwise() {
        z.fill(fill);
        return 0.0;
    }
    fill
}

fn softmax(z: &mut [f64], top: &Top) {
    let range = RowRange::new(top, z.len());
    let mut units = 0;
    for z in z.iter_mut() {
        let (held, weight) = range.weigh(*z);
        *z = held;
        units += weight;
    }
    let by = reciprocal(range.sum(top.count, units).whole());
    z.iter_mut().for_each(|z| *z = normalise(*z, by));
}

fn log_softmax(z: &mut [f64], top: &Top) {
    let log = log_sum(&sum_of(z, top));
    z.iter_mut().for_each(|z| *z = log_probability(*z, top.max, log));
}

/// The sum alone, without holding the exponentials.
fn sum_of(z: &[f64], top: &Top) -> Sum {
    let range = RowRange::new(top, z.len());
    range.sum(top.count, z.iter().map(|&z| range.weigh(z).1).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EmptyRow;

    const NAN: u64 = 0x7ff8_0000_0000_0000;
    const INF: f64 = f64::INFINITY;

    /// The bits of a row's results.
    fn bits(kind: OpKind, empty: EmptyRow, z: &[f64]) -> Vec<u64> {
        let (op, mut z) = (Op::new(kind).empty_row(empty), z.to_vec());
        let result = row(&op, &mut z);
        if !kind.is_elementwise() {
            z = vec![result];
        }
        z.iter().map(|z| z.to_bits()).collect()
    }

    #[test]
    fn a_nan_or_infinity_makes_the_row_nan() {
        let negative = f64::from_bits(0xfff0_0000_0000_0001);
        for bad in [f64::NAN, negative, INF] {
            for z in [[bad, 0.0, 1.0], [0.0, bad, -INF], [-INF, -INF, bad]] {
                assert_eq!(bits(OpKind::Softmax, EmptyRow::Zero, &z), [NAN; 3]);
                assert_eq!(bits(OpKind::LogSoftmax, EmptyRow::Zero, &z), [NAN; 3]);
                let result = if bad == INF { INF.to_bits() } else { NAN };
                assert_eq!(bits(OpKind::LogSumExp, EmptyRow::Nan, &z), [result]);
            }
        }
        assert_eq!(bits(OpKind::LogSumExp, EmptyRow::Nan, &[INF, negative]), [NAN]);
    }

    #[test]
    fn empty_rows_are_as_asked_for() {
        let z = [-INF; 2];
        for (empty, p, log) in
            [(EmptyRow::Usual, NAN, NAN), (EmptyRow::Nan, NAN, NAN), (EmptyRow::Zero, 0, (-INF).to_bits())]
        {
            assert_eq!(bits(OpKind::Softmax, empty, &z), [p; 2]);
            assert_eq!(bits(OpKind::LogSoftmax, empty, &z), [log; 2]);
            assert_eq!(bits(OpKind::LogSumExp, empty, &z), [(-INF).to_bits()]);
            assert_eq!(bits(OpKind::LogSumExp, empty, &[]), [(-INF).to_bits()]);
            assert!(bits(OpKind::Softmax, empty, &[]).is_empty());
        }
    }

    #[test]
    fn what_is_masked_has_no_probability() {
        let z = [-INF, 2.0, -INF, 2.0];
        let half = 0.5f64.to_bits();
        let log = (-std::f64::consts::LN_2).to_bits();
        assert_eq!(bits(OpKind::Softmax, EmptyRow::Nan, &z), [0, half, 0, half]);
        let masked = (-INF).to_bits();
        assert_eq!(bits(OpKind::LogSoftmax, EmptyRow::Nan, &z), [masked, log, masked, log]);
        assert_eq!(
            bits(OpKind::LogSumExp, EmptyRow::Nan, &z),
            bits(OpKind::LogSumExp, EmptyRow::Nan, &[2.0, 2.0])
        );
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        let z = [f64::MAX, f64::MIN, f64::MAX / 2.0];
        assert_eq!(bits(OpKind::Softmax, EmptyRow::Nan, &z), [1.0f64.to_bits(), 0, 0]);
        let logs = [0.0, -INF, -f64::MAX / 2.0].map(f64::to_bits);
        assert_eq!(bits(OpKind::LogSoftmax, EmptyRow::Nan, &z), logs);
        assert_eq!(bits(OpKind::LogSumExp, EmptyRow::Nan, &z), [f64::MAX.to_bits()]);
        let logs = [f64::MIN, 0.0].map(f64::to_bits);
        assert_eq!(bits(OpKind::LogSoftmax, EmptyRow::Nan, &[f64::MIN, 1.0]), logs);
    }

    #[test]
    fn subnormal_elements_are_zero_and_probabilities_end_at_the_smallest_normal() {
        let tiny = f64::MIN_POSITIVE;
        assert_eq!(bits(OpKind::LogSumExp, EmptyRow::Nan, &[-tiny]), [0]);
        assert_eq!(bits(OpKind::LogSumExp, EmptyRow::Nan, &[1.5 * tiny]), [(1.5 * tiny).to_bits()]);
        let normal = bits(OpKind::Softmax, EmptyRow::Nan, &[0.0, -708.396, -708.397])[1..].to_vec();
        assert!(f64::from_bits(normal[0]) >= tiny && normal[1] == 0, "{normal:x?}");
    }
}
