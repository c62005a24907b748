//! The arithmetic of `Precision::Fast`: fused operations and floating sums.
//!
//! e^(x - max) = 2^k 2^f with f in [-1/2, 1/2]; the power of two is one integer shift, the rest a
//! polynomial of degree 5. Special rows are told apart before, by the same integer tests.

use fearless_simd::prelude::*;

use super::{Math, PerRow, WideTotal, splat};
use crate::numerics::*;

/// Any order, any rounding. `NEAR` is for rows without an element that has no weight.
pub(crate) struct Fast<const NEAR: bool = false>;

/// 1.5 * 2^23 + 127: rounds to the nearest integer and adds the bias of an exponent.
const MAGIC: f32 = 12_582_912.0 + 127.0;
/// Here the exponent field reaches 0, and with it the exponential.
const LOWEST: f32 = -88.2;
/// 2^f on [-1/2, 1/2], relative error 2^-23.3 (minimax, each coefficient rounded before the next).
const POLYNOMIAL: [f32; 6] = [
    1.0,
    f32::from_bits(0x3f31_7215),
    f32::from_bits(0x3e75_fce1),
    f32::from_bits(0x3d63_5b6d),
    f32::from_bits(0x3c1e_7459),
    f32::from_bits(0x3aad_ecbe),
];

#[inline(always)]
fn exp2<S: Simd, const NEAR: bool>(simd: S, t: S::f32s) -> S::f32s {
    let log2_e = splat(simd, LOG2_E);
    let magic = if NEAR { ROUND_MAGIC } else { MAGIC };
    let rounded = t.mul_add(log2_e, splat(simd, magic));
    let f = t.mul_sub(log2_e, rounded - magic);
    let mut p = splat(simd, POLYNOMIAL[5]);
    for c in POLYNOMIAL[..5].iter().rev() {
        p = p.mul_add(f, splat(simd, *c));
    }
    let power: S::u32s = rounded.bitcast::<S::u32s>() << 23;
    // An addition to the exponent spares the multiplier, but cannot reach 0.
    if NEAR { (p.bitcast::<S::u32s>() + power).bitcast() } else { p * power.bitcast::<S::f32s>() }
}

/// The natural logarithm of numbers of at least 1/2, as 2 atanh((m - 1) / (m + 1)).
#[inline(always)]
fn ln<S: Simd>(simd: S, x: S::f32s) -> [S::f32s; 2] {
    let bits: S::u32s = x.bitcast();
    // m in [sqrt 1/2, sqrt 2).
    let k = (bits - 0x3f35_04f3) >> 23;
    let k: S::i32s = (k << 23).bitcast::<S::i32s>() >> 23;
    let m: S::f32s = (bits - (k.bitcast::<S::u32s>() << 23)).bitcast();
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = ((z * LOG_9 + LOG_7) * z + LOG_5) * z + LOG_3;
    let near = (s * z * series + s) * 2.0;
    let k: S::f32s = k.to_float();
    [k * LOG_LN2_HIGH, k.mul_add(splat(simd, LOG_LN2_LOW), near)]
}

impl<S: Simd, const NEAR: bool> Math<S> for Fast<NEAR> {
    type Near = Fast<true>;
    // Its clamp costs no more than zeros would.
    type Holes = Fast;
    type Row = S::f32s;
    type Sum = S::f32s;
    type Lanes = S::f32s;
    type Total = f32;
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    // There is no grid.
    const REACH: u32 = 0;
    const NEAR: f32 = 86.0;

    #[inline(always)]
    fn row(_: S, max: S::f32s) -> S::f32s {
        max
    }

    #[inline(always)]
    fn lane(simd: S, _: &S::f32s, max: &PerRow<f32>, lane: usize) -> S::f32s {
        splat(simd, max[lane])
    }

    #[inline(always)]
    fn release(simd: S, _: &S::f32s) -> S::f32s {
        splat(simd, 1.0)
    }

    #[inline(always)]
    fn exp(simd: S, x: S::f32s, max: &S::f32s) -> S::f32s {
        let t = x - *max;
        exp2::<S, NEAR>(simd, if NEAR { t } else { t.max(splat(simd, LOWEST)) })
    }

    #[inline(always)]
    fn empty(simd: S, _: &S::f32s) -> S::f32s {
        splat(simd, 0.0)
    }

    #[inline(always)]
    fn add(sum: &mut S::f32s, e: S::f32s) {
        *sum += e;
    }

    #[inline(always)]
    fn total(sum: S::f32s, _: u32) -> f32 {
        sum.reduce_sum()
    }

    #[inline(always)]
    fn held(sum: S::f32s) -> S::f32s {
        sum
    }

    #[inline(always)]
    fn across(_: S, _: &S::f32s, lanes: &PerRow<S::f32s>) -> S::f32s {
        super::across::<S, S::f32s>(
            &mut { *lanes },
            #[inline(always)]
            |a, b| a + b,
        )
    }

    #[inline(always)]
    fn lanes(sum: S::f32s, _: u32) -> PerRow<f32> {
        super::to_rows::<S>(sum)
    }

    #[inline(always)]
    fn merge(a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    fn wide(total: f32) -> WideTotal {
        WideTotal::Float(total)
    }

    #[inline(always)]
    fn reciprocals(simd: S, totals: &PerRow<f32>) -> [S::f32s; 2] {
        [splat(simd, 1.0) / super::from_rows(simd, totals), splat(simd, 0.0)]
    }

    #[inline(always)]
    fn lane_reciprocals<const V: usize>(simd: S, sums: &[S::f32s; V], _: u32) -> [[S::f32s; 2]; V] {
        let mut by = [[splat(simd, 0.0); 2]; V];
        for v in 0..V {
            by[v][0] = splat(simd, 1.0) / sums[v];
        }
        by
    }

    #[inline(always)]
    fn logs(simd: S, totals: &PerRow<f32>, _: S::f32s) -> [S::f32s; 2] {
        let [high, low] = ln(simd, super::from_rows(simd, totals));
        [high + low, splat(simd, 0.0)]
    }

    #[inline(always)]
    fn normalise(_: S, e: S::f32s, by: &[S::f32s; 2]) -> S::f32s {
        e * by[0]
    }
}
