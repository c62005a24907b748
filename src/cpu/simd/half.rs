//! Stage `half` on slices: by the instructions for it where the machine has them. They round as the stage
//! does and give the same bits (tested over every f16, and around every rounding).

use fearless_simd::{Level, dispatch, prelude::*};

use super::by_groups;
use crate::cpu::half::{from_bf16, from_f16, to_bf16, to_f16};

/// Elements that an instruction converts.
#[cfg(target_arch = "x86_64")]
const LANES: usize = 16;

/// f16 to f32.
pub(crate) fn widen_f16(token: Level, x: &[u16], z: &mut [f32]) {
    #[inline(always)]
    fn each<S: Simd>(simd: S, x: &[u16], z: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        let done = x86::widen(simd.level(), x, z);
        #[cfg(not(target_arch = "x86_64"))]
        let (done, _) = (0, simd);
        x[done..].iter().zip(&mut z[done..]).for_each(|(x, z)| *z = from_f16(*x));
    }
    dispatch!(token, simd => each(simd, x, z));
}

/// f32 to f16.
pub(crate) fn narrow_f16(token: Level, z: &[f32], y: &mut [u16]) {
    #[inline(always)]
    fn each<S: Simd>(simd: S, z: &[f32], y: &mut [u16]) {
        #[cfg(target_arch = "x86_64")]
        let done = x86::narrow(simd.level(), z, y);
        #[cfg(not(target_arch = "x86_64"))]
        let (done, _) = (0, simd);
        z[done..].iter().zip(&mut y[done..]).for_each(|(z, y)| *y = to_f16(*z));
    }
    dispatch!(token, simd => each(simd, z, y));
}

/// bf16 to f32.
pub(crate) fn widen_bf16(token: Level, x: &[u16], z: &mut [f32]) {
    #[inline(always)]
    fn each<S: Simd>(_: S, x: &[u16], z: &mut [f32]) {
        by_groups(
            x,
            z,
            #[inline(always)]
            |x, _| from_bf16(x),
        );
    }
    dispatch!(token, simd => each(simd, x, z));
}

/// f32 to bf16.
pub(crate) fn narrow_bf16(token: Level, z: &[f32], y: &mut [u16]) {
    #[inline(always)]
    fn each<S: Simd>(_: S, z: &[f32], y: &mut [u16]) {
        by_groups(
            z,
            y,
            #[inline(always)]
            |z, _| to_bf16(z),
        );
    }
    dispatch!(token, simd => each(simd, z, y));
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use fearless_simd::{Avx2, Avx512, Level, f32x8, f32x16, prelude::*};

    use super::LANES;

    fearless_simd::kernel!(
        #[inline(always)]
        fn widen_512(token: Avx512, x: __m256i) -> f32x16<Avx512> {
            _mm512_cvtph_ps(x).simd_into(token)
        }
    );

    fearless_simd::kernel!(
        #[inline(always)]
        fn narrow_512(token: Avx512, z: __m512) -> __m256i {
            let _ = token;
            _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(z)
        }
    );

    fearless_simd::kernel!(
        #[inline(always)]
        fn widen_256(token: Avx2, x: __m128i) -> f32x8<Avx2> {
            _mm256_cvtph_ps(x).simd_into(token)
        }
    );

    fearless_simd::kernel!(
        #[inline(always)]
        fn narrow_256(token: Avx2, z: __m256) -> __m128i {
            let _ = token;
            _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(z)
        }
    );

    /// Converts whole groups of [`LANES`], and says how many elements those are.
    #[inline(always)]
    pub(super) fn widen(level: Level, x: &[u16], z: &mut [f32]) -> usize {
        let groups = x.chunks_exact(LANES).zip(z.chunks_exact_mut(LANES));
        match level {
            Level::Avx512(token) => groups.for_each(
                #[inline(always)]
                |(x, z)| {
                    let x = bytemuck::pod_read_unaligned(bytemuck::cast_slice(x));
                    widen_512(token, x).store_slice(z);
                },
            ),
            Level::Avx2(token) => groups.for_each(
                #[inline(always)]
                |(x, z)| {
                    for (x, z) in x.chunks_exact(8).zip(z.chunks_exact_mut(8)) {
                        let x = bytemuck::pod_read_unaligned(bytemuck::cast_slice(x));
                        widen_256(token, x).store_slice(z);
                    }
                },
            ),
            _ => return 0,
        }
        x.len() / LANES * LANES
    }

    /// The same back. NaN keeps its payload in the instruction, so where there is one all is left to the
    /// stage.
    #[inline(always)]
    pub(super) fn narrow(level: Level, z: &[f32], y: &mut [u16]) -> usize {
        let mut nan = [false; LANES];
        let groups = z.chunks_exact(LANES).zip(y.chunks_exact_mut(LANES));
        match level {
            Level::Avx512(token) => groups.for_each(
                #[inline(always)]
                |(z, y)| {
                    let from = f32x16::from_slice(token, z).into();
                    y.copy_from_slice(bytemuck::cast_slice(&[narrow_512(token, from)]));
                    see(z, &mut nan);
                },
            ),
            Level::Avx2(token) => groups.for_each(
                #[inline(always)]
                |(z, y)| {
                    for (z, y) in z.chunks_exact(8).zip(y.chunks_exact_mut(8)) {
                        let from = f32x8::from_slice(token, z).into();
                        y.copy_from_slice(bytemuck::cast_slice(&[narrow_256(token, from)]));
                    }
                    see(z, &mut nan);
                },
            ),
            _ => return 0,
        }
        if nan.contains(&true) { 0 } else { z.len() / LANES * LANES }
    }

    /// Marks the lanes that hold a NaN.
    #[inline(always)]
    fn see(z: &[f32], nan: &mut [bool; LANES]) {
        for i in 0..LANES {
            nan[i] |= z[i].is_nan();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::SimdLevel;

    #[test]
    fn every_level_gives_the_bits_of_the_stage() {
        let halves: Vec<u16> = (0..=u16::MAX).collect();
        let floats: Vec<f32> = (0..=u32::MAX)
            .step_by(4091)
            .map(f32::from_bits)
            .chain(halves.iter().flat_map(|half| {
                let bits = from_f16(*half).to_bits();
                [bits, bits + 0x0fff, bits + 0x1000, bits + 0x1001].map(f32::from_bits)
            }))
            .filter(|x| *x == 0.0 || x.is_normal() || x.is_nan() || x.is_infinite())
            .collect();
        for level in SimdLevel::available() {
            let token = level.token().unwrap();
            let (mut wide, mut narrow) = (vec![0.0; halves.len()], vec![0; floats.len()]);
            widen_f16(token, &halves, &mut wide);
            narrow_f16(token, &floats, &mut narrow);
            for (half, wide) in halves.iter().zip(&wide) {
                let expected = from_f16(*half);
                assert!(
                    wide.to_bits() == expected.to_bits() || wide.is_nan() && expected.is_nan(),
                    "{half:x}"
                );
            }
            for (x, narrow) in floats.iter().zip(&narrow) {
                assert_eq!(*narrow, to_f16(*x), "{x:e} {level:?}");
            }
        }
    }
}
