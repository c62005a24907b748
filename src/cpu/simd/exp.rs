//! Stage `exp` in SIMD: the twin of `cpu/exp.rs`, operation for operation.

use fearless_simd::prelude::*;

use super::{splat, splat_u};
use crate::numerics::*;

/// What the exponentials of a row share; each lane may belong to a row of its own.
#[derive(Clone, Copy)]
pub(crate) struct Range<S: Simd> {
    /// The least that is left of an element once the anchor is taken off.
    low: S::f32s,
    anchor: S::f32s,
    bias: S::u32s,
}

impl<S: Simd> Range<S> {
    /// The range below a finite, settled maximum.
    #[inline(always)]
    pub(crate) fn new(simd: S, max: S::f32s) -> Self {
        let size = max.bitcast::<S::u32s>() & ABS_MASK;
        let near = size.simd_le(splat_u(simd, ANCHOR_LIMIT.to_bits()));
        let anchor = near.select(splat(simd, 0.0), max);
        let (_, k_max) = reduce::<S>(simd, max - anchor);
        Self { low: (max - anchor) - RANGE, anchor, bias: k_max - splat_u(simd, HELD_SHIFT) }
    }
}

/// The products with the first two parts are exact, so that it does not matter whether they are fused.
#[inline(always)]
fn reduce<S: Simd>(simd: S, t: S::f32s) -> (S::f32s, S::u32s) {
    let rounded = t * LOG2_E + ROUND_MAGIC;
    let k = rounded - ROUND_MAGIC;
    let r = k.mul_add(splat(simd, -LN2_A), t);
    let r = k.mul_add(splat(simd, -LN2_B), r) - k * LN2_C;
    (r, rounded.bitcast())
}

#[inline(always)]
fn polynomial<S: Simd>(r: S::f32s) -> S::f32s {
    let square = r * r;
    let q = r * EXP_6 + EXP_5;
    let q = q * r + EXP_4;
    let q = q * r + EXP_3;
    let q = q * r + EXP_2;
    (r + q * square) + 1.0
}

/// e^(x - max) * 2^64 for elements that are no NaN and not above the maximum. Elements further than
/// 105 below it give about 2^-87: less than half a unit of every bin, and as a probability below the
/// normal range, so that they count for nothing.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s, row: &Range<S>) -> S::f32s {
    let (r, k) = reduce::<S>(simd, (x - row.anchor).max(row.low));
    (polynomial::<S>(r).bitcast::<S::u32s>() + ((k - row.bias) << 23)).bitcast()
}

/// [`exp`] of several vectors, step by step for all of them: the operations of one are a chain of
/// some 25 that wait for each other, and a processor looks ahead too little to overlap many chains.
#[inline(always)]
pub(crate) fn exp_many<S: Simd, const U: usize>(simd: S, x: &[S::f32s; U], row: &Range<S>) -> [S::f32s; U] {
    let mut r = *x;
    let mut k = [row.bias; U];
    for i in 0..U {
        let (rest, rounded) = reduce::<S>(simd, (x[i] - row.anchor).max(row.low));
        (r[i], k[i]) = (rest, (rounded - row.bias) << 23);
    }
    let e = polynomial_many::<S, U>(&r);
    for i in 0..U {
        r[i] = (e[i].bitcast::<S::u32s>() + k[i]).bitcast();
    }
    r
}

#[inline(always)]
fn polynomial_many<S: Simd, const U: usize>(r: &[S::f32s; U]) -> [S::f32s; U] {
    let mut q = *r;
    for i in 0..U {
        q[i] = r[i] * EXP_6 + EXP_5;
    }
    for c in [EXP_4, EXP_3, EXP_2] {
        for i in 0..U {
            q[i] = q[i] * r[i] + c;
        }
    }
    for i in 0..U {
        q[i] = (r[i] + q[i] * (r[i] * r[i])) + 1.0;
    }
    q
}
