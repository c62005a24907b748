//! Stage `masking`: an element with all that stands beside it, as its row is computed with.
//!
//! Shader twin: `shaders/masking.wgsl`. Special values by integers, as everywhere; whatever is
//! subnormal counts as zero before it is added, so that it does not depend on how a device treats it.

use super::special::{scaled, settle_result as settle};
use crate::numerics::{ABS_MASK, INF_BITS, NAN_BITS, NEG_INF_BITS};

/// What a masked element is.
pub const MASKED: f32 = f32::NEG_INFINITY;

/// Distances of ALiBi beyond this count as this: up to here every integer is an f32.
pub const MAX_DISTANCE: u64 = 1 << 24;

/// A row's scale: the operation's, which is finite, times the row's own, rounded. A product of
/// magnitude 2^-126 or less is 0; one that is not finite is NaN.
#[inline(always)]
pub fn row_scale(scale: f32, of_row: f32) -> f32 {
    let product = scaled(of_row, scale);
    if product.to_bits() & ABS_MASK >= INF_BITS { f32::from_bits(NAN_BITS) } else { settle(product) }
}

/// An element times the scale of its row, which is finite or NaN.
#[inline(always)]
pub fn scaled_by_row(x: f32, scale: f32) -> f32 {
    if scale.to_bits() & ABS_MASK > INF_BITS { scale } else { scaled(x, scale) }
}

/// A scaled element plus a bias, rounded. A bias of -inf masks the element, whatever it is; a sum that
/// overflows is infinite.
#[inline(always)]
pub fn biased(v: f32, bias: f32) -> f32 {
    let (v_bits, bias_bits) = (v.to_bits(), bias.to_bits());
    let (v_size, bias_size) = (v_bits & ABS_MASK, bias_bits & ABS_MASK);
    let sum = (settle(v) + settle(bias)).to_bits();
    // Both operands of a sum that overflows have its sign.
    let finite = if sum & ABS_MASK >= INF_BITS { v_bits & !ABS_MASK | INF_BITS } else { sum };
    let opposite = v_bits ^ bias_bits != 0 && bias_size == INF_BITS;
    let infinite = if opposite { NAN_BITS } else { v_bits };
    let of_v = if v_size == INF_BITS { infinite } else { finite };
    let of_bias = if bias_size == INF_BITS && v_size < INF_BITS { bias_bits } else { of_v };
    let number = if v_size > INF_BITS || bias_size > INF_BITS { NAN_BITS } else { of_bias };
    if bias_bits == NEG_INF_BITS { MASKED } else { f32::from_bits(number) }
}

/// The ALiBi term of a key so many positions from its query.
#[inline(always)]
pub fn alibi(slope: f32, distance: u64) -> f32 {
    let distance = distance.min(MAX_DISTANCE) as f32;
    if slope.to_bits() & ABS_MASK >= INF_BITS {
        return f32::from_bits(NAN_BITS);
    }
    scaled(distance, settle(-slope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_adds_as_ieee_has_it_but_for_minus_infinity() {
        let values = [
            0.0,
            -0.0,
            1.5,
            -3.25,
            1e38,
            3.4e38,
            -3.4e38,
            f32::INFINITY,
            -f32::INFINITY,
            f32::NAN,
            -f32::NAN,
        ];
        for v in values {
            for bias in values {
                let found = biased(v, bias);
                let expected = if bias == f32::NEG_INFINITY { MASKED } else { v + bias };
                assert!(
                    found == expected || found.is_nan() && expected.is_nan(),
                    "{v} + {bias} gave {found}"
                );
            }
        }
    }

    #[test]
    fn what_is_subnormal_counts_as_zero_before_it_is_added() {
        assert_eq!(biased(1.5 * f32::MIN_POSITIVE, 0.5 * f32::MIN_POSITIVE), 1.5 * f32::MIN_POSITIVE);
        assert_eq!(biased(f32::MIN_POSITIVE, 2.0 * f32::MIN_POSITIVE), 2.0 * f32::MIN_POSITIVE);
    }

    #[test]
    fn a_rows_scale_is_finite_or_nan() {
        assert_eq!(row_scale(2.0, 0.25), 0.5);
        assert_eq!(row_scale(1e-30, 1e-20), 0.0);
        assert!(row_scale(1e30, 1e30).is_nan() && row_scale(1.0, f32::INFINITY).is_nan());
        assert!(scaled_by_row(3.0, f32::NAN).is_nan());
    }

    #[test]
    fn alibi_falls_with_the_distance() {
        assert_eq!(alibi(0.5, 3), -1.5);
        assert_eq!(alibi(1.0, 1 << 40), -16_777_216.0);
        assert_eq!(alibi(0.5, 0), 0.0);
        assert!(alibi(f32::INFINITY, 0).is_nan());
    }
}
