//! Stage `masking` on slices: each step over many elements of a row.

use bytemuck::Pod;
#[cfg(target_arch = "x86_64")]
use fearless_simd::{Avx512, f32x16};
use fearless_simd::{Level, dispatch, prelude::*};

use super::special::scaled;
use super::{by_groups, load, map_in_place, splat, splat_u, store};
use crate::cpu::half::{from_bf16, from_f16};
use crate::cpu::masking::{MASKED, MAX_DISTANCE, alibi, biased, scaled_by_row};
use crate::cpu::special::settle_result;
use crate::dtype::Values;
use crate::masking::MaskData;
use crate::numerics::{NAN_BITS, NEG_INF_BITS};

/// Bytes of a mask that are asked for in advance.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 4096;

/// Each element times the scale of its row.
pub(crate) fn scale_all(token: Level, z: &mut [f32], scale: f32) {
    #[inline(always)]
    fn each<S: Simd>(simd: S, z: &mut [f32], scale: f32) {
        // Nothing overflows then, infinities and NaN stay what they are, and what is tiny stays tiny.
        let is_small = scale != 0.0 && scale.abs() <= 1.0;
        if z.len() < S::f32s::LEN || scale.is_nan() {
            z.iter_mut().for_each(|z| *z = scaled_by_row(*z, scale));
        } else if is_small {
            map_in_place(
                simd,
                z,
                #[inline(always)]
                |x| x * scale,
            );
        } else {
            map_in_place(
                simd,
                z,
                #[inline(always)]
                |x| scaled(simd, x, scale),
            );
        }
    }
    dispatch!(token, simd => each(simd, z, scale));
}

/// Adds every `step`th number of a bias from number `at` on.
pub(crate) fn add_bias(token: Level, z: &mut [f32], bias: Values, at: usize, step: usize) {
    match bias {
        Values::F32(bias) => bias_all(token, z, &bias[at..], step, |b| b),
        Values::F16(bias) => bias_all(token, z, &bias[at..], step, from_f16),
        Values::BF16(bias) => bias_all(token, z, &bias[at..], step, from_bf16),
        Values::F64(_) => unreachable!("only rows of f64 take a bias of f64"),
    }
}

/// Hides by every `step`th element of a mask from number `at` on.
pub(crate) fn hide(token: Level, z: &mut [f32], mask: MaskData, at: usize, step: usize) {
    match mask {
        MaskData::Bytes(mask) if step == 1 => hide_by_bytes::<false>(token, &[], z, &mask[at..][..z.len()]),
        MaskData::Bits(mask) if step == 1 => hide_by_bits::<false>(token, &[], z, mask, at),
        _ => hide_by::<false>(&[], z, |i| mask.takes_part(at + i * step)),
    }
}

/// The elements of `x` in `z`, hidden by a mask from number `at` on.
pub(crate) fn hide_from(token: Level, x: &[f32], z: &mut [f32], mask: MaskData, at: usize) {
    assert_eq!(x.len(), z.len());
    match mask {
        MaskData::Bytes(mask) => hide_by_bytes::<true>(token, x, z, &mask[at..][..z.len()]),
        MaskData::Bits(mask) => hide_by_bits::<true>(token, x, z, mask, at),
    }
}

fn bias_all<B: Pod>(token: Level, z: &mut [f32], bias: &[B], step: usize, widen: impl Fn(B) -> f32 + Copy) {
    #[inline(always)]
    fn each<S: Simd, B: Pod>(_: S, z: &mut [f32], bias: &[B], widen: impl Fn(B) -> f32) {
        by_groups(
            &bias[..z.len()],
            z,
            #[inline(always)]
            |bias, z| plus(z, widen(bias)),
        );
    }
    if step == 1 {
        dispatch!(token, simd => each(simd, z, bias, widen));
    } else {
        (0..).zip(z).for_each(|(i, z): (usize, _)| *z = biased(*z, widen(bias[i * step])));
    }
}

/// [`biased`], where infinities and NaN add as IEEE has it: only a sum that is NaN is anything else then.
#[inline(always)]
fn plus(v: f32, bias: f32) -> f32 {
    let sum = settle_result(v) + settle_result(bias);
    let other = if bias.to_bits() == NEG_INF_BITS { MASKED } else { f32::from_bits(NAN_BITS) };
    if sum.is_nan() { other } else { sum }
}

/// The terms of keys from the one that the query stands so far behind.
pub(crate) fn alibi_all(token: Level, z: &mut [f32], slope: f32, behind: i64) {
    #[inline(always)]
    fn near<S: Simd>(_: S, z: &mut [f32], slope: f32, behind: i32) {
        for (i, z) in (0i32..).zip(z) {
            *z = plus(*z, alibi(slope, (behind - i).unsigned_abs()));
        }
    }
    let limit = 1 << 30;
    if behind.unsigned_abs() < limit && (z.len() as u64) < limit {
        return dispatch!(token, simd => near(simd, z, slope, behind as i32));
    }
    for (i, z) in (0i64..).zip(z) {
        let distance = behind.saturating_sub(i).unsigned_abs();
        *z = biased(*z, alibi(slope, distance.min(MAX_DISTANCE.into()) as u32));
    }
}

/// `FROM` says that the elements are in `x`, else they are in `z`.
fn hide_by_bytes<const FROM: bool>(token: Level, x: &[f32], z: &mut [f32], mask: &[u8]) {
    #[inline(always)]
    fn each<S: Simd, const FROM: bool>(simd: S, x: &[f32], z: &mut [f32], mask: &[u8]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if let Level::Avx512(token) = simd.level() {
            let whole = z.len() / 16 * 16;
            let (x, z) = (if FROM { &x[..whole] } else { x }, &mut z[..whole]);
            let mut at = 0;
            // The length alone bounds everything, so that no place is looked at twice.
            for (mask, z) in mask[..whole].as_chunks::<16>().0.iter().zip(z.as_chunks_mut::<16>().0) {
                crate::cpu::stream::prefetch_at((mask.as_ptr() as usize).wrapping_add(AHEAD));
                let bits = nonzero_512(token, bytemuck::cast(*mask));
                hide_sixteen::<S, FROM>(simd, if FROM { &x[at..] } else { x }, z, 0, bits.into());
                at += 16;
            }
            return whole;
        }
        let (zero, n) = (S::u8s::splat(simd, 0), S::u8s::LEN);
        let whole = z.len() / n * n;
        for at in (0..whole).step_by(n) {
            let bits = !S::u8s::from_slice(simd, &mask[at..at + n]).simd_eq(zero).to_bitmask();
            for i in (0..n).step_by(16) {
                hide_sixteen::<S, FROM>(simd, x, z, at + i, (bits >> i) as u32);
            }
        }
        whole
    }
    let whole = dispatch!(token, simd => each::<_, FROM>(simd, x, z, mask));
    let rest = if FROM { &x[whole..] } else { x };
    hide_by::<FROM>(rest, &mut z[whole..], |i| mask[whole + i] != 0);
}

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    /// The bits of the bytes that are not 0.
    #[inline(always)]
    fn nonzero_512(token: Avx512, bytes: std::arch::x86_64::__m128i) -> u16 {
        let _ = token;
        std::arch::x86_64::_mm_test_epi8_mask(bytes, bytes)
    }
);

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    /// Those elements whose bit is set, and -inf for the others.
    #[inline(always)]
    fn keep_512(token: Avx512, z: std::arch::x86_64::__m512, bits: u16) -> f32x16<Avx512> {
        let masked = std::arch::x86_64::_mm512_set1_ps(MASKED);
        std::arch::x86_64::_mm512_mask_mov_ps(masked, bits, z).simd_into(token)
    }
);

/// Hides those of 16 elements from number `at` on whose bit is 0.
#[inline(always)]
fn hide_sixteen<S: Simd, const FROM: bool>(simd: S, x: &[f32], z: &mut [f32], at: usize, bits: u32) {
    let (x, z) = (if FROM { &x[at..at + 16] } else { x }, &mut z[at..at + 16]);
    #[cfg(target_arch = "x86_64")]
    if let Level::Avx512(token) = simd.level() {
        let v = f32x16::from_slice(token, if FROM { x } else { z });
        return keep_512(token, v.into(), bits as u16).store_slice(z);
    }
    let own = S::u32s::from_fn(
        simd,
        #[inline(always)]
        |i| 1 << i,
    );
    for i in (0..16).step_by(S::f32s::LEN) {
        let v = load(simd, if FROM { &x[i..] } else { &z[i..] });
        let hidden = (splat_u(simd, bits >> i) & own).simd_eq(splat_u(simd, 0));
        store::<S>(hidden.select(splat(simd, MASKED), v), &mut z[i..]);
    }
}

/// The bits from number `at` on.
fn hide_by_bits<const FROM: bool>(token: Level, x: &[f32], z: &mut [f32], mask: &[u8], at: usize) {
    #[inline(always)]
    fn each<S: Simd, const FROM: bool>(simd: S, x: &[f32], z: &mut [f32], mask: &[u8]) {
        for (i, bits) in mask.chunks_exact(2).take(z.len() / 16).enumerate() {
            hide_sixteen::<S, FROM>(simd, x, z, 16 * i, u32::from(bits[0]) | u32::from(bits[1]) << 8);
        }
    }
    let part = |bit: usize| MaskData::Bits(mask).takes_part(bit);
    let head = z.len().min(at.next_multiple_of(8) - at);
    let end = head + (z.len() - head) / 16 * 16;
    let from = |from, to| if FROM { &x[from..to] } else { x };
    hide_by::<FROM>(from(0, head), &mut z[..head], |i| part(at + i));
    let bits = &mask[(at + head) / 8..];
    dispatch!(token, simd => each::<_, FROM>(simd, from(head, end), &mut z[head..end], bits));
    hide_by::<FROM>(from(end, z.len()), &mut z[end..], |i| part(at + end + i));
}

fn hide_by<const FROM: bool>(x: &[f32], z: &mut [f32], takes_part: impl Fn(usize) -> bool) {
    for i in 0..z.len() {
        let v = if FROM { x[i] } else { z[i] };
        z[i] = if takes_part(i) { v } else { MASKED };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_stage() {
        let tiny = f32::MIN_POSITIVE;
        let sizes = [0.0, 0.5 * tiny, tiny, 1.5 * tiny, 1.0, 3.5, 3e38, f32::MAX, f32::INFINITY, f32::NAN];
        let values: Vec<f32> = sizes.iter().flat_map(|x| [*x, -x]).collect();
        for v in &values {
            for bias in &values {
                assert_eq!(plus(*v, *bias).to_bits(), biased(*v, *bias).to_bits(), "{v:e} and {bias:e}");
            }
        }
    }
}
