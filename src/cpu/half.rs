//! Stage `half`: 16-bit elements to f32 and back, rounded to the nearest, ties to even.
//!
//! Shader twin: `shaders/half.wgsl`. By integers, so that no device needs 16-bit floats and none
//! rounds in its own way; the one sum rounds as every f32 sum does. The results of this library hold
//! no subnormal f32, so the subnormals of bf16 never come up.

use crate::numerics::{ABS_MASK, INF_BITS, NAN_BITS};

/// 2^-24: the least f16, and the unit of its subnormals.
const F16_UNIT: f32 = f32::from_bits((127 - 24) << 23);
/// 2^-14: the least normal f16.
const F16_NORMAL_BITS: u32 = (127 - 14) << 23;
/// 2^16: what rounds to this or more is infinite in f16.
const F16_OVERFLOW_BITS: u32 = (127 + 16) << 23;
/// What the exponents of f32 and f16 differ by.
const F16_BIAS: u32 = 127 - 15;

/// An f16 as f32, exactly.
#[inline(always)]
pub fn from_f16(half: u16) -> f32 {
    let size = u32::from(half & 0x7fff);
    let normal = (size << 13) + (F16_BIAS << 23);
    // By a product: a device may take a subnormal for zero, but not an integer.
    let subnormal = (size as f32 * F16_UNIT).to_bits();
    let finite = if size < 0x0400 { subnormal } else { normal };
    let bits = if size < 0x7c00 { finite } else { (size << 13) | INF_BITS };
    f32::from_bits(bits | u32::from(half & 0x8000) << 16)
}

/// The f16 nearest to an f32. A NaN of any kind is `0x7e00`.
#[inline(always)]
pub fn to_f16(x: f32) -> u16 {
    let size = x.to_bits() & ABS_MASK;
    let sign = (x.to_bits() >> 16 & 0x8000) as u16;
    let rounded = size + 0x0fff + (size >> 13 & 1);
    // In [0.5, 1) an f32 has the unit of f16's subnormals, so the sum rounds to it.
    let subnormal = (f32::from_bits(size) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let normal = (rounded >> 13).wrapping_sub(F16_BIAS << 10);
    let finite = if size < F16_NORMAL_BITS { subnormal } else { normal };
    let half = if rounded < F16_OVERFLOW_BITS { finite } else { 0x7c00 } as u16 | sign;
    if size > INF_BITS { 0x7e00 } else { half }
}

/// A bf16 as f32, exactly.
#[inline(always)]
pub fn from_bf16(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// The bf16 nearest to an f32. A NaN of any kind is `0x7fc0`.
#[inline(always)]
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    let is_nan = bits & ABS_MASK > INF_BITS;
    (if is_nan { NAN_BITS } else { rounded } >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_read_exactly_and_comes_back() {
        for bits in 0..=u16::MAX {
            let (f, b) = (half::f16::from_bits(bits), half::bf16::from_bits(bits));
            assert!(from_f16(bits) == f.to_f32() || f.is_nan() && from_f16(bits).is_nan(), "{bits:04x}");
            assert!(from_bf16(bits).to_bits() == b.to_f32().to_bits() || b.is_nan());
            assert_eq!(to_f16(from_f16(bits)), if f.is_nan() { 0x7e00 } else { bits });
            assert_eq!(to_bf16(from_bf16(bits)), if b.is_nan() { 0x7fc0 } else { bits });
        }
    }

    #[test]
    fn everything_between_two_halves_goes_to_the_nearest() {
        // Each f16 with the f32 next to it, halfway to the next one, and next to that, of both signs.
        for upper in 0..=0x7c00u16 {
            let at = from_f16(upper).to_bits();
            let next = if upper < 0x7bff { from_f16(upper + 1) } else { 65536.0 };
            let middle = (from_f16(upper.min(0x7bff)) / 2.0 + next / 2.0).to_bits();
            for bits in [at, at + 1, middle.wrapping_sub(1), middle, middle + 1] {
                for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                    let expected = half::f16::from_f32(x);
                    let expected = if expected.is_nan() { 0x7e00 } else { expected.to_bits() };
                    assert_eq!(to_f16(x), expected, "{x:e}");
                }
            }
        }
    }

    #[test]
    fn a_sweep_of_all_floats_agrees_with_the_half_crate() {
        for bits in (0..=u32::MAX).step_by(65_521) {
            let x = f32::from_bits(bits);
            if x.is_nan() || x != 0.0 && !x.is_normal() {
                continue;
            }
            assert_eq!(to_f16(x), half::f16::from_f32(x).to_bits(), "{x:e}");
            assert_eq!(to_bf16(x), half::bf16::from_f32(x).to_bits(), "{x:e}");
        }
    }
}
