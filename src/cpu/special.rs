//! Stage `special`: which elements are finite, and the order they stand in.
//!
//! Shader twin: `shaders/special.wgsl`. All tests are on integers, since shader compilers may
//! assume that NaN and infinities do not occur.

use crate::numerics::{ABS_MASK, INF_BITS, NAN_BITS, NEG_INF_BITS, TINY_BITS};

/// An element times the scale. A subnormal element counts as 0. Infinities keep the sign the
/// product has; a NaN, an infinity times zero and a finite product that overflows are the quiet NaN.
#[inline(always)]
pub fn scaled(x: f32, scale: f32) -> f32 {
    if scale == 1.0 {
        return x;
    }
    // By integers, so that it does not depend on how the CPU treats subnormals.
    let x = if (x.to_bits() & ABS_MASK) < TINY_BITS { 0.0 } else { x };
    let product = x * scale;
    let overflow = (x.to_bits() & ABS_MASK) < INF_BITS;
    if (product.to_bits() & ABS_MASK) >= INF_BITS && (overflow || product.is_nan()) {
        return f32::from_bits(NAN_BITS);
    }
    product
}

/// Maps the bits of a float to an integer of the same order: -inf lowest, then finite values, then
/// +inf. A NaN of either sign is mapped above +inf. [`from_key`] undoes it.
#[inline(always)]
pub fn to_key(x: f32) -> i32 {
    let bits = x.to_bits();
    if (bits & ABS_MASK) > INF_BITS {
        return NAN_BITS as i32;
    }
    bits as i32 ^ (((bits as i32) >> 31) & ABS_MASK as i32)
}

/// The float of an ordered integer.
#[inline(always)]
pub fn from_key(key: i32) -> f32 {
    f32::from_bits((key ^ ((key >> 31) & ABS_MASK as i32)) as u32)
}

/// The key of a row without elements, and the lowest there is: -inf.
pub const KEY_EMPTY: i32 = (NEG_INF_BITS ^ ABS_MASK) as i32;

/// A row's maximum as later stages take it: values of magnitude 2^-126 and less count as +0.
#[inline(always)]
pub fn settle_max(key: i32) -> f32 {
    let max = from_key(key);
    if (max.to_bits() & ABS_MASK) <= TINY_BITS { 0.0 } else { max }
}

/// The key of a maximum that later stages take as +0, or the key itself.
#[inline(always)]
pub fn settle_key(key: i32) -> i32 {
    if (from_key(key).to_bits() & ABS_MASK) <= TINY_BITS { 0 } else { key }
}

/// Writes a result of magnitude 2^-126 and less as +0.
#[inline(always)]
pub fn settle_result(y: f32) -> f32 {
    if (y.to_bits() & ABS_MASK) <= TINY_BITS { 0.0 } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_and_come_back() {
        let row = [
            f32::NEG_INFINITY,
            f32::MIN,
            -1.0,
            -f32::MIN_POSITIVE,
            -0.0,
            0.0,
            1e-45,
            1.0,
            f32::MAX,
            f32::INFINITY,
        ];
        for pair in row.windows(2) {
            assert!(to_key(pair[0]) < to_key(pair[1]), "{pair:?}");
        }
        for x in row {
            assert_eq!(from_key(to_key(x)).to_bits(), x.to_bits());
        }
        assert_eq!(to_key(f32::NEG_INFINITY), KEY_EMPTY);
        for nan in [f32::NAN, -f32::NAN, f32::from_bits(0xff80_0001)] {
            assert!(to_key(nan) > to_key(f32::INFINITY));
        }
    }

    #[test]
    fn a_product_that_overflows_is_nan_and_an_infinity_keeps_its_sign() {
        assert!(scaled(3e38, 2.0).is_nan() && scaled(-3e38, 2.0).is_nan());
        assert_eq!(scaled(f32::NEG_INFINITY, 2.0), f32::NEG_INFINITY);
        assert_eq!(scaled(f32::NEG_INFINITY, -1.0), f32::INFINITY);
        assert!(scaled(f32::INFINITY, 0.0).is_nan());
    }
}
