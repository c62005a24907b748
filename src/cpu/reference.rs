//! The specification: each operation on one row, element by element, with nothing but the stages.
//!
//! Every other implementation, SIMD or shader, is tested against this one bit for bit. It is also
//! what finishes a row in the SIMD code: [`RowFinish`] turns a row's statistics into what its
//! elements need.

use super::exp::{RowRange, exp};
use super::log::{log_probability, log_sum, log_sum_exp};
use super::reciprocal::{Reciprocal, normalise, reciprocal};
use super::special::{KEY_EMPTY, from_key, scaled, settle_max, to_key};
use super::sum::{fixed, third_bin};
use crate::numerics::{INF_BITS, NAN_BITS, NEG_INF_BITS};
use crate::{EmptyRow, Op, OpKind, RowMax, RowStats, RowSum};

/// What a row's elements become once its maximum and sum are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowFinish {
    /// Every element is this value.
    Fill(f32),
    /// Each exponential times this.
    Scale(RowRange, Reciprocal),
    /// Each element less its maximum less this logarithm.
    Shift(RowRange, f32),
}

/// The maximum of a row's scaled elements.
pub fn row_max(x: &[f32], scale: f32) -> RowMax {
    let key = x.iter().fold(KEY_EMPTY, |key, &x| key.max(to_key(scaled(x, scale))));
    RowMax::from_key(key)
}

/// The sum of a row, or of a part of one, against the whole row's maximum; `cols` is the length of
/// the whole row. 0 where the maximum is not finite.
pub fn row_sum(x: &[f32], scale: f32, max: RowMax, cols: u64) -> RowSum {
    if !from_key(max.key()).is_finite() {
        return RowSum::default();
    }
    let row = RowRange::new(settle_max(max.key()));
    let third = third_bin(cols);
    RowSum::from_units(x.iter().map(|&x| fixed(exp(scaled(x, scale), &row), third)).sum())
}

/// The one value that a row without a finite maximum is made of, if it is such a row.
pub fn special_row(op: &Op, max: RowMax) -> Option<f32> {
    let bits = from_key(max.key()).to_bits();
    let fill = match (op.kind, bits) {
        (OpKind::LogSumExp, INF_BITS) => INF_BITS,
        (OpKind::LogSumExp, NEG_INF_BITS) => NEG_INF_BITS,
        (OpKind::Softmax, NEG_INF_BITS) if op.empty_row == EmptyRow::Zero => 0,
        (_, NEG_INF_BITS) if op.empty_row == EmptyRow::Zero => NEG_INF_BITS,
        (_, NAN_BITS | INF_BITS | NEG_INF_BITS) => NAN_BITS,
        _ => return None,
    };
    Some(f32::from_bits(fill))
}

/// What the elements of an elementwise operation become, or the row's one result of logsumexp.
pub fn finish(op: &Op, stats: &RowStats, cols: u64) -> RowFinish {
    if let Some(fill) = special_row(op, stats.max) {
        return RowFinish::Fill(fill);
    }
    let row = RowRange::new(settle_max(stats.max.key()));
    let sum = stats.sum.units();
    match op.kind {
        OpKind::Softmax => RowFinish::Scale(row, reciprocal(sum)),
        OpKind::LogSoftmax => RowFinish::Shift(row, log_sum(sum, &row, third_bin(cols)).high),
        OpKind::LogSumExp | OpKind::RowStats => {
            RowFinish::Fill(log_sum_exp(row.max, &log_sum(sum, &row, third_bin(cols))))
        }
    }
}

/// Both statistics of a whole row.
pub fn row_stats(x: &[f32], scale: f32) -> RowStats {
    let max = row_max(x, scale);
    RowStats::new(max, row_sum(x, scale, max, x.len() as u64))
}

/// One element's result.
#[inline(always)]
pub fn element(x: f32, scale: f32, finish: &RowFinish) -> f32 {
    match finish {
        RowFinish::Fill(fill) => *fill,
        RowFinish::Scale(row, by) => normalise(exp(scaled(x, scale), row), by),
        RowFinish::Shift(row, log) => log_probability(scaled(x, scale), row.max, *log),
    }
}

/// An operation with one result per element, on one row; its precision is not looked at.
pub fn row(op: &Op, x: &[f32], y: &mut [f32]) {
    let finish = finish(op, &row_stats(x, op.scale), x.len() as u64);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = element(x, op.scale, &finish);
    }
}

/// Log-sum-exp of one row; -inf where it has no element.
pub fn log_sum_exp_row(op: &Op, x: &[f32]) -> f32 {
    match finish(op, &row_stats(x, op.scale), x.len() as u64) {
        RowFinish::Fill(value) => value,
        _ => unreachable!("log-sum-exp fills its one result"),
    }
}
