//! Elements of files to those that are computed with, and results to those of files.

use bytemuck::{cast_slice, cast_slice_mut};
use rayon::prelude::*;
use wgpu_softmax::DType;
use wgpu_softmax::cpu::half;

/// Elements that are converted at a time: so many fit registers and the nearest cache.
const BLOCK: usize = 64;
/// Elements worth a thread's waking.
const PIECE: usize = 1 << 18;

/// The part of a slice that is filled with 16-bit elements, before [`widen`] makes f32 of them there:
/// its end.
pub fn halves(into: &mut [f32]) -> &mut [u8] {
    let bytes: &mut [u8] = cast_slice_mut(into);
    let middle = bytes.len() / 2;
    &mut bytes[middle..]
}

/// Makes f32 of the 16-bit elements at the end of a slice. No element is written over before it is
/// read: the first of `n` lies at place `n / 2`, and each is written twice as far as it is read.
pub fn widen(dtype: DType, swapped: bool, into: &mut [f32]) {
    let from = if dtype == DType::BF16 { half::from_bf16 } else { half::from_f16 };
    let (n, bytes): (_, &mut [u8]) = (into.len(), cast_slice_mut(into));
    for start in (0..n).step_by(BLOCK) {
        let count = BLOCK.min(n - start);
        let mut block = [0u16; BLOCK];
        let at = 2 * n + 2 * start;
        cast_slice_mut(&mut block[..count]).copy_from_slice(&bytes[at..at + 2 * count]);
        if swapped {
            block.iter_mut().for_each(|half| *half = half.swap_bytes());
        }
        let wide = block.map(from);
        bytes[4 * start..4 * (start + count)].copy_from_slice(cast_slice(&wide[..count]));
    }
}

/// Turns the bytes of each element round.
pub fn swap(elements: &mut [u8], width: usize) {
    elements.par_chunks_mut(PIECE * width).for_each(|piece| {
        piece.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    });
}

/// Results as the bytes of a file: rounded to the nearest, ties to even, and little-endian. They are put
/// into `into` where they are not that already.
pub fn narrow<'a>(dtype: DType, results: &'a [f32], into: &'a mut Vec<u8>) -> &'a [u8] {
    if dtype == DType::F32 && cfg!(target_endian = "little") {
        return cast_slice(results);
    }
    let width = dtype.bytes() as usize;
    into.resize(results.len() * width, 0);
    let pieces = into.par_chunks_mut(PIECE * width).zip(results.par_chunks(PIECE));
    pieces.for_each(|(into, piece)| match dtype {
        DType::F16 => put(into, piece, |y| half::to_f16(y).to_le_bytes()),
        DType::BF16 => put(into, piece, |y| half::to_bf16(y).to_le_bytes()),
        DType::F64 => put(into, piece, |y| f64::from(y).to_le_bytes()),
        _ => put(into, piece, f32::to_le_bytes),
    });
    into
}

fn put<const N: usize>(into: &mut [u8], results: &[f32], bytes: impl Fn(f32) -> [u8; N]) {
    into.as_chunks_mut::<N>().0.iter_mut().zip(results).for_each(|(into, &y)| *into = bytes(y));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_widened_where_it_lies_and_comes_back() {
        for dtype in [DType::F16, DType::BF16] {
            let from = if dtype == DType::BF16 { half::from_bf16 } else { half::from_f16 };
            for n in [0, 1, 2, 63, 64, 65, 1 << 16] {
                let all: Vec<u16> = (0..n).map(|i| i as u16).collect();
                let mut into = vec![0.0f32; n];
                halves(&mut into).copy_from_slice(cast_slice(&all));
                widen(dtype, false, &mut into);
                assert!(all.iter().zip(&into).all(|(half, x)| from(*half).to_bits() == x.to_bits()));
                let mut bytes = Vec::new();
                let bytes = narrow(dtype, &into, &mut bytes);
                let same =
                    |(a, b): (&u16, &[u8])| *a == u16::from_le_bytes([b[0], b[1]]) || from(*a).is_nan();
                assert!(all.iter().zip(bytes.chunks_exact(2)).all(same));
                let mut swapped = vec![0.0f32; n];
                halves(&mut swapped).copy_from_slice(cast_slice(&all));
                swap(halves(&mut swapped), 2);
                widen(dtype, true, &mut swapped);
                assert_eq!(cast_slice::<_, u32>(&swapped), cast_slice::<_, u32>(&into));
            }
        }
    }
}
