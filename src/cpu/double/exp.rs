//! Stage `exp`: the exponential of an element's distance from the maximum, as a pair of f64 and a power
//! of two.
//!
//! Method: the distance is an exact pair (Knuth's two-sum), so its rounding costs nothing; Cody-Waite
//! reduction with ln 2 in two parts; a polynomial of degree 12 whose leading terms 1 + r are added
//! without error.

use super::constants::{EXP, EXPONENT, HELD_SHIFT, LN2_A, LN2_B, LOG2_E, ROUND_MAGIC};
use super::pair::{Pair, fast_two_sum, two_sum};

/// An exponential, (high + low) * 2^exponent. The pair lies within [0.707, 1.415]; it errs by at most
/// 0.34 * 2^-53 of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// The mantissa, rounded to nearest, and the remainder.
    pub mantissa: Pair,
    /// The power of two.
    pub exponent: i32,
}

impl Exponential {
    /// The rounded exponential times 2^512, for exponents above -1500.
    #[inline(always)]
    pub fn held(&self) -> f64 {
        let shift = i64::from(self.exponent + HELD_SHIFT) << EXPONENT;
        f64::from_bits(self.mantissa.high.to_bits().wrapping_add(shift as u64))
    }
}

/// d / ln 2, rounded to an integer in the last bits; the first bits are those of 1.5 * 2^52.
#[inline(always)]
fn rounded_quotient(d: f64) -> f64 {
    d * LOG2_E + ROUND_MAGIC
}

/// The power of two of e^d, for |d| < 2^30; monotone in d.
#[inline(always)]
pub fn exponent(d: f64) -> i32 {
    rounded_quotient(d).to_bits() as i32
}

/// q of e^r = 1 + r + r^2 q. The two leading terms by Horner's rule, which rounds least; the others in
/// a tree (Estrin), which waits less.
#[inline(always)]
fn polynomial(r: f64) -> f64 {
    let c = &EXP;
    let square = r * r;
    let fourth = square * square;
    let low = (c[2] + c[3] * r) + square * (c[4] + c[5] * r);
    let high = (c[6] + c[7] * r) + square * ((c[8] + c[9] * r) + square * c[10]);
    c[0] + r * (c[1] + r * (low + fourth * high))
}

/// e^d for d from -745 to 0.
#[inline(always)]
pub fn exp(d: Pair) -> Exponential {
    let rounded = rounded_quotient(d.high);
    let k = rounded - ROUND_MAGIC;
    // The product with the first part is exact, and so is the difference, which cancels.
    let r = two_sum(d.high - k * LN2_A, d.low - k * LN2_B);
    let q = polynomial(r.high);
    let tail = r.low + r.high * (r.low + r.high * q);
    let head = fast_two_sum(1.0, r.high);
    let mantissa = fast_two_sum(head.high, head.low + tail);
    Exponential { mantissa, exponent: rounded.to_bits() as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(high: f64, low: f64) -> Exponential {
        exp(Pair { high, low })
    }

    /// Distances, and their exponentials as an exponent and a pair, from mpmath with 250 bits.
    const KNOWN: [(f64, i32, u64, u64); 10] = [
        (-1e-9, 0, 0x3fef_ffff_ff76_8fa1, 0xbc80_03e3_b2b9_2095),
        (-0.1, 0, 0x3fec_f46d_99d5_2b3a, 0x3c8d_2551_00c4_c1e2),
        (-0.34, 0, 0x3fe6_c6d2_8e50_ebb5, 0x3c89_cda4_2dfb_7e66),
        (-1.0, -1, 0x3fe7_8b56_362c_ef38, 0xbc7c_a8a4_270f_adf5),
        (-2.75, -4, 0x3ff0_5d93_892f_a010, 0x3c86_e8e2_7372_365e),
        (-40.0, -58, 0x3ff3_9792_499b_1a24, 0x3c84_aa50_a41a_de9f),
        (-100.125, -144, 0x3fe7_6d8e_5c4f_cb71, 0x3c4f_4056_f147_1a5c),
        (-599.9, -865, 0x3fe7_0f0c_ee21_9779, 0x3c8b_6b9d_4321_e8c4),
        (-708.25, -1022, 0x3ff2_85dc_1b59_61f1, 0xbc84_b8d6_113d_8d21),
        (-744.5, -1074, 0x3fee_237d_6d39_1ba6, 0xbc85_7017_8bf0_8fc9),
    ];

    #[test]
    fn known_values_to_more_than_a_double() {
        for (d, exponent, high, low) in KNOWN {
            let e = of(d, 0.0);
            assert_eq!((e.exponent, e.mantissa.high.to_bits()), (exponent, high), "e^{d}");
            let error = (e.mantissa.low - f64::from_bits(low)) / e.mantissa.high;
            assert!(error.abs() < 0.34 * f64::EPSILON / 2.0, "e^{d}: {error:e}");
        }
    }

    #[test]
    fn the_low_part_of_the_distance_counts() {
        // e^(d + 2^-48) = e^d + 2^-48 e^d, and 2^-48 is 32 units of the last place of 1.
        let (plain, moved) = (of(-10.25, 0.0), of(-10.25, 2f64.powi(-48)));
        let difference =
            (moved.mantissa.high - plain.mantissa.high) + (moved.mantissa.low - plain.mantissa.low);
        let expected = plain.mantissa.high * 2f64.powi(-48);
        assert!((difference - expected).abs() < 0.4 * f64::EPSILON, "{difference:e} for {expected:e}");
    }

    #[test]
    fn one_is_exact_and_tiny_distances_are_kept() {
        assert_eq!(of(0.0, 0.0).held(), 2f64.powi(512));
        assert_eq!(of(-1e-20, 0.0).mantissa, Pair { high: 1.0, low: -1e-20 });
        assert_eq!(of(-1e-300, 0.0).held(), 2f64.powi(512));
    }

    #[test]
    fn exponents_fall_with_the_distance() {
        let mut last = 0;
        for i in 0..745_000 {
            let k = exponent(-0.001 * f64::from(i));
            assert!(k <= last && last - k <= 1);
            last = k;
        }
        assert_eq!(last, -1075);
    }
}
