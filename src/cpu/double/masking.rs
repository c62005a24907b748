//! Stage `masking`: an element with all that stands beside it, as its row is computed with. The twin
//! of [`crate::cpu::masking`].

use super::constants::{ABS_MASK, NAN, TINY_BITS};
use super::pair::is_special;
use super::special::settle;

/// Distances of ALiBi beyond this count as this: up to here every integer is an f64.
pub const MAX_DISTANCE: u64 = 1 << 53;

/// An f32 that stands beside f64 elements. A subnormal one counts as 0, by integers, as some processors
/// take it for zero when they convert.
#[inline(always)]
pub fn widened(x: f32) -> f64 {
    if (x.to_bits() & crate::numerics::ABS_MASK) < crate::numerics::TINY_BITS { 0.0 } else { f64::from(x) }
}

/// An element times the operation's scale. A subnormal element counts as 0. Infinities keep the sign
/// the product has; a NaN, an infinity times zero and a finite product that overflows are NaN.
#[inline(always)]
pub fn scaled(x: f64, scale: f32) -> f64 {
    scaled_by(x, widened(scale))
}

#[inline(always)]
fn scaled_by(x: f64, scale: f64) -> f64 {
    if scale == 1.0 {
        return x;
    }
    let x = if x.to_bits() & ABS_MASK < TINY_BITS { 0.0 } else { x };
    let product = x * scale;
    // An infinity may come of an infinity, but not of a finite element.
    if is_special(product) && (!is_special(x) || product.is_nan()) { NAN } else { product }
}

/// A row's scale: the operation's, which is finite, times the row's own. The product of two f32 is
/// exact. NaN where the row's own is not finite.
#[inline(always)]
pub fn row_scale(scale: f32, of_row: f32) -> f64 {
    let product = widened(of_row) * widened(scale);
    if is_special(product) { NAN } else { product }
}

/// An element times the scale of its row, which is finite or NaN.
#[inline(always)]
pub fn scaled_by_row(x: f64, scale: f64) -> f64 {
    if is_special(scale) { NAN } else { scaled_by(x, scale) }
}

/// A scaled element plus a bias, rounded. A bias of -inf masks the element, whatever it is; a sum that
/// overflows is infinite. What is of magnitude 2^-1022 or less counts as zero before it is added.
#[inline(always)]
pub fn biased(v: f64, bias: f64) -> f64 {
    if bias == f64::NEG_INFINITY {
        return bias;
    }
    let sum = settle(v) + settle(bias);
    if sum.is_nan() { NAN } else { sum }
}

/// The ALiBi term of a key so many positions from its query, rounded; NaN for a slope that is not
/// finite.
#[inline(always)]
pub fn alibi(slope: f32, distance: u64) -> f64 {
    let slope = widened(slope);
    if is_special(slope) {
        return NAN;
    }
    -slope * distance.min(MAX_DISTANCE) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn a_product_that_overflows_is_nan_and_an_infinity_keeps_its_sign() {
        assert!(scaled(1e308, 2.0).is_nan() && scaled(-1e308, 2.0).is_nan());
        assert_eq!(scaled(-INF, 2.0), -INF);
        assert_eq!(scaled(-INF, -1.0), INF);
        assert!(scaled(INF, 0.0).is_nan());
        assert_eq!(scaled(1e-310, 1e30), 0.0);
        assert_eq!(scaled(1.5, -2.0), -3.0);
        assert_eq!(scaled(3.0, 1e-40), 0.0);
    }

    #[test]
    fn every_nan_that_is_made_is_the_quiet_one() {
        let found = [
            scaled(-f64::NAN, 2.0),
            scaled(INF, 0.0),
            row_scale(1.0, -f32::NAN),
            scaled_by_row(1.0, -f64::NAN),
            biased(INF - INF, 1.0),
            alibi(f32::INFINITY, 0),
        ];
        assert!(found.iter().all(|x| x.to_bits() == NAN.to_bits()), "{found:?}");
    }

    #[test]
    fn a_bias_adds_as_ieee_has_it_but_for_minus_infinity() {
        let values = [0.0, -0.0, 1.5, -3.25, 1e308, 1.7e308, -1.7e308, INF, -INF, f64::NAN, -f64::NAN];
        for v in values {
            for bias in values {
                let found = biased(v, bias);
                let expected = if bias == -INF { -INF } else { v + bias };
                assert!(
                    found == expected || found.is_nan() && expected.is_nan(),
                    "{v} + {bias} gave {found}"
                );
            }
        }
        assert_eq!(biased(1.5 * f64::MIN_POSITIVE, 0.5 * f64::MIN_POSITIVE), 1.5 * f64::MIN_POSITIVE);
    }

    #[test]
    fn a_rows_scale_is_exact_finite_or_nan() {
        assert_eq!(row_scale(2.0, 0.25), 0.5);
        assert_eq!(row_scale(1e-30, 1e-20), f64::from(1e-30f32) * f64::from(1e-20f32));
        assert!(row_scale(1e30, 1e30).is_finite() && row_scale(1.0, f32::INFINITY).is_nan());
        assert!(row_scale(0.0, f32::INFINITY).is_nan());
        assert_eq!(scaled_by_row(3.0, 0.5), 1.5);
    }

    #[test]
    fn alibi_falls_with_the_distance() {
        assert_eq!(alibi(0.5, 3), -1.5);
        assert_eq!(alibi(1.0, 1 << 60), -(2f64.powi(53)));
        assert_eq!(alibi(1e-40, 7), 0.0);
        assert_eq!(alibi(0.5, 0), 0.0);
    }
}
