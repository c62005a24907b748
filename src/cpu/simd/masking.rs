//! Stage `masking` on slices: each step over many elements of a row.

#[cfg(target_arch = "x86_64")]
use fearless_simd::{Avx512, f32x16};
use fearless_simd::{Level, dispatch, prelude::*};

use super::{load, splat, splat_u, store};
use crate::cpu::half::{from_bf16, from_f16};
use crate::cpu::masking::{MASKED, MAX_DISTANCE, alibi, biased, scaled_by_row};
use crate::dtype::Values;
use crate::masking::MaskData;

/// Each element times the scale of its row.
pub(crate) fn scale_all(token: Level, z: &mut [f32], scale: f32) {
    #[inline(always)]
    fn each<S: Simd>(_: S, z: &mut [f32], scale: f32) {
        if scale != 0.0 && scale.abs() <= 1.0 {
            // Nothing overflows, infinities and NaN stay what they are, and what is tiny stays tiny.
            return z.iter_mut().for_each(|z| *z *= scale);
        }
        z.iter_mut().for_each(|z| *z = scaled_by_row(*z, scale));
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
        MaskData::Bytes(mask) if step == 1 => hide_by_bytes(token, z, &mask[at..][..z.len()]),
        MaskData::Bits(mask) if step == 1 => hide_by_bits(token, z, mask, at),
        _ => hide_by(z, |i| mask.takes_part(at + i * step)),
    }
}

/// The elements of `x` in `z`, hidden by a mask from number `at` on: in pieces that stay in the L1 cache
/// between the two.
pub(crate) fn hide_from(token: Level, x: &[f32], z: &mut [f32], mask: MaskData, at: usize) {
    const PIECE: usize = 256;
    for (i, (x, z)) in x.chunks(PIECE).zip(z.chunks_mut(PIECE)).enumerate() {
        z.copy_from_slice(x);
        hide(token, z, mask, at + i * PIECE, 1);
    }
}

fn bias_all<B: Copy>(token: Level, z: &mut [f32], bias: &[B], step: usize, widen: impl Fn(B) -> f32 + Copy) {
    #[inline(always)]
    fn each<S: Simd, B: Copy>(_: S, z: &mut [f32], bias: &[B], widen: impl Fn(B) -> f32) {
        z.iter_mut().zip(bias).for_each(|(z, bias)| *z = biased(*z, widen(*bias)));
    }
    if step == 1 {
        dispatch!(token, simd => each(simd, z, bias, widen));
    } else {
        (0..).zip(z).for_each(|(i, z): (usize, _)| *z = biased(*z, widen(bias[i * step])));
    }
}

/// The terms of keys from the one that the query stands so far behind.
pub(crate) fn alibi_all(token: Level, z: &mut [f32], slope: f32, behind: i64) {
    #[inline(always)]
    fn near<S: Simd>(_: S, z: &mut [f32], slope: f32, behind: i32) {
        for (i, z) in (0i32..).zip(z) {
            *z = biased(*z, alibi(slope, (behind - i).unsigned_abs()));
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

fn hide_by_bytes(token: Level, z: &mut [f32], mask: &[u8]) {
    #[inline(always)]
    fn each<S: Simd>(simd: S, z: &mut [f32], mask: &[u8]) {
        let zero = S::u8s::splat(simd, 0);
        let n = S::u8s::LEN;
        for (z, mask) in z.chunks_exact_mut(n).zip(mask.chunks_exact(n)) {
            #[cfg(target_arch = "x86_64")]
            if let Level::Avx512(token) = simd.level() {
                for (z, mask) in z.chunks_exact_mut(16).zip(mask.chunks_exact(16)) {
                    let mask = bytemuck::pod_read_unaligned(mask);
                    keep_512(token, f32x16::from_slice(token, z).into(), nonzero_512(token, mask))
                        .store_slice(z);
                }
                continue;
            }
            let part = !S::u8s::from_slice(simd, mask).simd_eq(zero).to_bitmask();
            for (i, z) in z.chunks_exact_mut(16).enumerate() {
                hide_sixteen(simd, z, (part >> (16 * i)) as u32);
            }
        }
    }
    let whole = z.len() / 64 * 64;
    let (whole, tail) = z.split_at_mut(whole);
    dispatch!(token, simd => each(simd, whole, mask));
    hide_by(tail, |i| mask[whole.len() + i] != 0);
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

/// Hides those of 16 elements whose bit is 0.
#[inline(always)]
fn hide_sixteen<S: Simd>(simd: S, z: &mut [f32], bits: u32) {
    let own = S::u32s::from_fn(
        simd,
        #[inline(always)]
        |i| 1 << i,
    );
    #[cfg(target_arch = "x86_64")]
    if let Level::Avx512(token) = simd.level() {
        return keep_512(token, f32x16::from_slice(token, z).into(), bits as u16).store_slice(z);
    }
    for (i, z) in z.chunks_exact_mut(S::f32s::LEN).enumerate() {
        let hidden = (splat_u(simd, bits >> (i * S::f32s::LEN)) & own).simd_eq(splat_u(simd, 0));
        store::<S>(hidden.select(splat(simd, MASKED), load(simd, z)), z);
    }
}

/// The bits from number `at` on.
fn hide_by_bits(token: Level, z: &mut [f32], mask: &[u8], at: usize) {
    #[inline(always)]
    fn each<S: Simd>(simd: S, z: &mut [f32], mask: &[u8]) {
        for (z, bits) in z.chunks_exact_mut(16).zip(mask.chunks_exact(2)) {
            hide_sixteen(simd, z, u32::from(bits[0]) | u32::from(bits[1]) << 8);
        }
    }
    let (head, rest) = z.split_at_mut(z.len().min(at.next_multiple_of(8) - at));
    let first = at + head.len();
    let part = |bit: usize| MaskData::Bits(mask).takes_part(bit);
    hide_by(head, |i| part(at + i));
    let (whole, tail) = rest.split_at_mut(rest.len() / 16 * 16);
    dispatch!(token, simd => each(simd, whole, &mask[first / 8..]));
    let last = first + whole.len();
    hide_by(tail, |i| part(last + i));
}

fn hide_by(z: &mut [f32], takes_part: impl Fn(usize) -> bool) {
    for (i, z) in z.iter_mut().enumerate() {
        *z = if takes_part(i) { *z } else { MASKED };
    }
}
