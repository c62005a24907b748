//! Stage `exp`: the exponential of an element relative to the row's maximum, held times 2^64.
//!
//! Shader twin: `shaders/exp.wgsl`. Method: Cody-Waite reduction of the element itself (not of its
//! rounded difference from the maximum) with ln 2 in three parts, integer subtraction of the
//! maximum's exponent, and a polynomial of degree 6. Only `+ - *`, comparisons of finite values and
//! integers; Rust never contracts, so these are the bits every backend must give.

use crate::numerics::*;

/// What the exponentials of a row share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowRange {
    /// The row's maximum, finite.
    pub max: f32,
    /// Elements below have no weight.
    pub low: f32,
    /// Subtracted before the reduction: 0, or the maximum where that is large.
    pub anchor: f32,
    /// What the exponent of an element is taken relative to.
    pub bias: u32,
}

impl RowRange {
    /// The range below a finite maximum.
    #[inline(always)]
    pub fn new(max: f32) -> Self {
        let anchor = if max.abs() <= ANCHOR_LIMIT { 0.0 } else { max };
        let (_, k_max) = reduce(max - anchor);
        Self { max, low: max - RANGE, anchor, bias: k_max.wrapping_sub(HELD_SHIFT) }
    }
}

/// Splits t = k ln 2 + r; k comes as the bits of k + 1.5 * 2^23.
#[inline(always)]
fn reduce(t: f32) -> (f32, u32) {
    let rounded = t * LOG2_E + ROUND_MAGIC;
    let k = rounded - ROUND_MAGIC;
    let r = ((t - k * LN2_A) - k * LN2_B) - k * LN2_C;
    (r, rounded.to_bits())
}

/// e^r for |r| <= 0.3487.
#[inline(always)]
fn polynomial(r: f32) -> f32 {
    let square = r * r;
    let mut q = EXP_6;
    q = EXP_5 + q * r;
    q = EXP_4 + q * r;
    q = EXP_3 + q * r;
    q = EXP_2 + q * r;
    1.0 + (r + q * square)
}

/// e^(x - max) * 2^64, and +0 for an element further than 105 below the maximum. `x` is no NaN
/// and not above the maximum.
#[inline(always)]
pub fn exp(x: f32, row: &RowRange) -> f32 {
    let keep = x >= row.low;
    let (r, k) = reduce(if keep { x } else { row.low } - row.anchor);
    let e = polynomial(r).to_bits().wrapping_add(k.wrapping_sub(row.bias) << 23);
    if keep { f32::from_bits(e) } else { 0.0 }
}
