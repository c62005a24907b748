//! Stage `reciprocal`: one over the exact sum, as a pair of floats.
//!
//! Shader twin: `shaders/reciprocal.wgsl`. Newton's iteration gives 24 bits, an exact integer
//! residual (it fits 32 bits, so wrapping products will do) the rest.

use crate::numerics::*;

/// 1 / sum as `high + low`, relative error below 2^-28.9.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reciprocal {
    /// The leading bits.
    pub high: f32,
    /// What is left, above 0.
    pub low: f32,
}

/// The power of two of the leading bit, and the leading 30 bits (truncated), of a number above 0.
#[inline(always)]
pub fn leading_bits(n: u128) -> (i32, u32) {
    let top = 127 - n.leading_zeros() as i32;
    let lead = if top >= 29 { n >> (top - 29) } else { n << (29 - top) };
    (top, lead as u32)
}

/// Multiplies a normal float by 2^shift; the result is normal too.
#[inline(always)]
pub fn times_power(x: f32, shift: i32) -> f32 {
    f32::from_bits(x.to_bits().wrapping_add((shift << 23) as u32))
}

/// One over s = lead * 2^-29 in [1, 2).
#[inline(always)]
pub fn reciprocal_of_lead(lead: u32) -> Reciprocal {
    // Rounded to 24 bits; a carry runs into the exponent, which is right.
    let s = f32::from_bits((127 << 23) + ((lead + 32) >> 6) - (1 << 23));
    let mut y = RECIPROCAL_A - RECIPROCAL_B * s;
    for _ in 0..3 {
        let e = 1.0 - s * y;
        y += y * e;
    }
    // Below 1/2 the unit would be finer than the residual's; the exact quotient is above it.
    let y = if y < 0.5 { 0.5 } else { y };
    let mut units = (y * 16_777_216.0) as u32;
    // 2^53 - lead * units, known to fit: |units - exact| < 1.5.
    let mut residual = 0u32.wrapping_sub(lead.wrapping_mul(units)) as i32;
    // The high part becomes floor(2^53 / lead), whatever the estimate's last bits. Not exceeding the
    // exact value, it makes e * (1 / e) exactly 1 for every e.
    for _ in 0..2 {
        let over = residual < 0;
        units -= u32::from(over);
        residual = if over { residual.wrapping_add(lead as i32) } else { residual };
    }
    let under = residual >= lead as i32;
    units += u32::from(under);
    residual -= if under { lead as i32 } else { 0 };
    let high = units as f32 * UNIT_24;
    // Rounded up, so that a tie of e * high is still pulled the right way.
    let low = (((residual >> 7) + 1) as f32 * UNIT_46) * high;
    Reciprocal { high, low }
}

/// The leading 12 bits of a float, toward zero.
#[inline(always)]
pub(super) fn upper_half(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0xffff_f000)
}

/// One over a row's sum (in units of 2^-66, above 0); the high part has 12 bits.
#[inline(always)]
pub fn reciprocal(sum: u128) -> Reciprocal {
    let (top, lead) = leading_bits(sum);
    let Reciprocal { high, low } = reciprocal_of_lead(lead);
    let shift = SUM_SCALE as i32 - top;
    // Twelve bits, so that its products with either half of an exponential are exact.
    let short = upper_half(high);
    Reciprocal { high: times_power(short, shift), low: times_power((high - short) + low, shift) }
}

/// A held exponential times the reciprocal, as a probability: the power 2^64 is taken off by
/// integers, and what would be subnormal is +0. Both products with the high part are exact, so that
/// only the last addition rounds where it matters: 4 ulp hold across powers of two too.
#[inline(always)]
pub fn normalise(e: f32, by: &Reciprocal) -> f32 {
    let upper = upper_half(e);
    let lower = e - upper;
    let held = (upper * by.high + (lower * by.high + e * by.low)).to_bits();
    if held < (HELD_SHIFT + 1) << 23 { 0.0 } else { f32::from_bits(held - (HELD_SHIFT << 23)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_part_is_the_integer_quotient() {
        let ends = (1 << 29..(1 << 29) + 1000).chain((1 << 30) - 1000..1 << 30);
        for lead in ends.chain((1u32 << 29..1 << 30).step_by(997)) {
            let units = (1u64 << 53) / u64::from(lead);
            assert_eq!(reciprocal_of_lead(lead).high, units as f32 * UNIT_24, "lead {lead:#x}");
        }
    }
}
