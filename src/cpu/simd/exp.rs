//! Stage `exp` in SIMD: the twin of `cpu/exp.rs`, bit for bit.
//!
//! Rows whose elements all lie near their maximum, and near zero, are the usual ones, and what the
//! rest of the rows needs is left out there ([`NEAR`]): no anchor, no clamp, and nothing can become
//! subnormal, so that exponentials need not be held times 2^64. Rows that would be near but for masked
//! elements have a form of their own ([`HOLES`]).

#[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
use fearless_simd::Level;
use fearless_simd::prelude::*;

use super::{splat, splat_u};
use crate::numerics::*;

/// Rows of any elements.
pub(crate) const FAR: u8 = 0;
/// Near rows.
pub(crate) const NEAR: u8 = 1;
/// Near rows in which some elements are -inf.
pub(crate) const HOLES: u8 = 2;

/// What the exponentials of a row share; each lane may belong to a row of its own.
#[derive(Clone, Copy)]
pub(crate) struct Range<S: Simd> {
    /// The least that is left of an element once the anchor is taken off.
    low: S::f32s,
    anchor: S::f32s,
    bias: S::u32s,
    /// 1.5 * 2^23 less the maximum's exponent: rounds to the nearest integer as 1.5 * 2^23 does, ties
    /// too, since what is taken off is even, and leaves the exponent relative to the maximum's.
    magic: S::f32s,
    /// What the exponentials of a near row are held times: 2 where the maximum's exponent is odd, else 1.
    pub(crate) unit: S::f32s,
}

impl<S: Simd> Range<S> {
    /// The range below a finite, settled maximum.
    #[inline(always)]
    pub(crate) fn new(simd: S, max: S::f32s) -> Self {
        let size = max.bitcast::<S::u32s>() & ABS_MASK;
        let near = size.simd_le(splat_u(simd, ANCHOR_LIMIT.to_bits()));
        let anchor = near.select(splat(simd, 0.0), max);
        let t = max - anchor;
        let rounded = t * LOG2_E + ROUND_MAGIC;
        let k_max: S::u32s = rounded.bitcast();
        let odd = (k_max & 1).bitcast::<S::i32s>().to_float::<S::f32s>();
        Self {
            low: t - RANGE,
            anchor,
            bias: k_max - splat_u(simd, HELD_SHIFT),
            magic: (splat(simd, 2.0 * ROUND_MAGIC) - rounded) + odd,
            unit: odd + 1.0,
        }
    }

    /// One over the unit.
    #[inline(always)]
    pub(crate) fn release(&self) -> S::f32s {
        self.unit * -0.5 + 1.5
    }

    /// That of one lane, in every lane.
    #[inline(always)]
    pub(crate) fn lane(&self, simd: S, lane: usize) -> Self {
        Self {
            low: splat(simd, self.low.as_slice()[lane]),
            anchor: splat(simd, self.anchor.as_slice()[lane]),
            bias: splat_u(simd, self.bias.as_slice()[lane]),
            magic: splat(simd, self.magic.as_slice()[lane]),
            unit: splat(simd, self.unit.as_slice()[lane]),
        }
    }
}

/// Whether `mul_add` rounds once.
#[inline(always)]
fn fuses<S: Simd>(simd: S) -> bool {
    match simd.level() {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Level::Avx2(_) | Level::Avx512(_) => true,
        #[cfg(target_arch = "aarch64")]
        Level::Neon(_) => true,
        _ => false,
    }
}

/// t - k ln 2. All before the last part is exact: the products, since k has 16 bits, and what is left
/// after each, since it is a multiple of t's last bit. So one fused operation may do both.
#[inline(always)]
fn reduce<S: Simd>(simd: S, t: S::f32s, k: S::f32s) -> S::f32s {
    let r =
        if fuses(simd) { k.mul_add(splat(simd, -(LN2_A + LN2_B)), t) } else { (t - k * LN2_A) - k * LN2_B };
    r - k * LN2_C
}

/// What is left of an element, and the power of two of its exponential, shifted to the exponent.
#[inline(always)]
fn split<S: Simd, const FORM: u8>(simd: S, x: S::f32s, row: &Range<S>) -> (S::f32s, S::u32s) {
    let t = match FORM {
        NEAR => x,
        HOLES => x.max(row.low),
        _ => (x - row.anchor).max(row.low),
    };
    let magic = if FORM == FAR { splat(simd, ROUND_MAGIC) } else { row.magic };
    let rounded = t * LOG2_E + magic;
    let power: S::u32s = rounded.bitcast();
    (reduce(simd, t, rounded - magic), if FORM == FAR { power - row.bias } else { power } << 23)
}

/// A power of two put to the exponent of a polynomial. In a row with holes it takes those below zero: they
/// are more than 2^127 times less than the maximum, which has 1 or 2, and become 0.
#[inline(always)]
fn raised<S: Simd, const FORM: u8>(simd: S, polynomial: S::f32s, power: S::u32s) -> S::f32s {
    let bits = polynomial.bitcast::<S::u32s>() + power;
    if FORM != HOLES {
        return bits.bitcast();
    }
    bits.bitcast::<S::i32s>().max(S::i32s::splat(simd, 0)).bitcast()
}

/// e^(x - max), held times 2^64 or in a near row times the row's unit, for elements that are no NaN and
/// not above the maximum; in a row with holes, of -inf it is 0. Elements further than 105 below it give about 2^-87: less than half a unit
/// of every bin, and as a probability below the normal range, so that they count for nothing.
#[inline(always)]
pub(crate) fn exp<S: Simd, const FORM: u8>(simd: S, x: S::f32s, row: &Range<S>) -> S::f32s {
    exp_many::<S, FORM, 1, 1>(simd, &[x], &[*row])[0]
}

/// [`exp`] of several vectors, step by step for all of them: the operations of one are a chain of
/// some 25 that wait for each other, and a processor looks ahead too little to overlap many chains. Each of the
/// rows has as many of the vectors, in its turn.
#[inline(always)]
pub(crate) fn exp_many<S: Simd, const FORM: u8, const U: usize, const R: usize>(
    simd: S,
    x: &[S::f32s; U],
    rows: &[Range<S>; R],
) -> [S::f32s; U] {
    let mut r = *x;
    let mut power = [rows[0].bias; U];
    for i in 0..U {
        (r[i], power[i]) = split::<S, FORM>(simd, x[i], &rows[i * R / U]);
    }
    let e = polynomial_many::<S, U>(&r);
    for i in 0..U {
        r[i] = raised::<S, FORM>(simd, e[i], power[i]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{RowRange, exp::exp as specified};
    use fearless_simd::dispatch;

    /// Elements at every distance of interest below each of many maxima, each the bits of the stage.
    fn check<S: Simd>(simd: S) {
        for i in 0..40_000u32 {
            let hash = i.wrapping_mul(2_654_435_761);
            let scale = [1.0, 60.0, 3000.0, 32_700.0][(hash >> 30) as usize];
            let max = ((hash >> 5 & 0xff_ffff) as f32 / 8_388_608.0 - 1.0) * scale;
            let row = Range::new(simd, splat(simd, max));
            let unit = row.unit.as_slice()[0];
            for below in [0.0, 1e-3, 0.3, 1.0, 7.0, 38.0] {
                let x = max - below * (1.0 + (hash & 1023) as f32 / 65_536.0);
                let e = specified(x, &RowRange::new(max));
                let [far, near, holes] = [exp::<S, FAR>, exp::<S, NEAR>, exp::<S, HOLES>]
                    .map(|exp| exp(simd, splat(simd, x), &row).as_slice()[0]);
                assert_eq!(far.to_bits(), e.to_bits(), "{x} below {max}");
                let held = e * RELEASE * unit;
                assert_eq!(near.to_bits(), held.to_bits(), "{x} below {max}, near");
                assert_eq!(holes.to_bits(), held.to_bits(), "{x} below {max}, with holes");
            }
            let masked = exp::<S, HOLES>(simd, splat(simd, f32::NEG_INFINITY), &row);
            assert!(masked.as_slice().iter().all(|e| e.to_bits() == 0), "masked below {max}");
        }
    }

    #[test]
    fn all_forms_give_the_bits_of_the_stage() {
        for level in crate::cpu::SimdLevel::available() {
            let token = level.token().expect("available");
            dispatch!(token, simd => check(simd));
        }
    }
}
