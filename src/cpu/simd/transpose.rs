//! Short rows turned so that each lane holds a row, and back, by squares of 4 x 4.

use fearless_simd::{f32x4, prelude::*};

/// Floats that [`gather`] reads and [`scatter`] writes beyond the block.
pub(crate) const OVERHANG: usize = 3;

#[inline(always)]
fn square<S: Simd>(m: [f32x4<S>; 4]) -> [f32x4<S>; 4] {
    let (a, b) = (m[0].zip_low(m[2]), m[0].zip_high(m[2]));
    let (c, d) = (m[1].zip_low(m[3]), m[1].zip_high(m[3]));
    [a.zip_low(c), a.zip_high(c), b.zip_low(d), b.zip_high(d)]
}

/// Turns `LEN` rows that lie one after the other into `cols` vectors, one row per lane. Reads up to
/// [`OVERHANG`] floats beyond the rows; writes whole groups of 4 vectors.
#[inline(always)]
pub(crate) fn gather<S: Simd>(simd: S, x: &[f32], cols: usize, lanes: &mut [f32]) {
    let n = S::f32s::LEN;
    let lanes = &mut lanes[..n * cols.next_multiple_of(4)];
    for (q, lanes) in lanes.chunks_exact_mut(4 * n).enumerate() {
        for r in (0..n).step_by(4) {
            let m = square([
                four(simd, x, r * cols + 4 * q),
                four(simd, x, (r + 1) * cols + 4 * q),
                four(simd, x, (r + 2) * cols + 4 * q),
                four(simd, x, (r + 3) * cols + 4 * q),
            ]);
            m[0].store_slice(&mut lanes[r..r + 4]);
            m[1].store_slice(&mut lanes[n + r..n + r + 4]);
            m[2].store_slice(&mut lanes[2 * n + r..2 * n + r + 4]);
            m[3].store_slice(&mut lanes[3 * n + r..3 * n + r + 4]);
        }
    }
}

/// Undoes [`gather`]. Writes up to [`OVERHANG`] floats of anything beyond the rows. What hangs over
/// into the next row is overwritten by that row's own squares: the last columns come first, and
/// within the same columns the later rows later.
#[inline(always)]
pub(crate) fn scatter<S: Simd>(simd: S, lanes: &[f32], cols: usize, y: &mut [f32]) {
    let n = S::f32s::LEN;
    let lanes = &lanes[..n * cols.next_multiple_of(4)];
    for (q, lanes) in lanes.chunks_exact(4 * n).enumerate().rev() {
        for r in (0..n).step_by(4) {
            let m = square([
                four(simd, lanes, r),
                four(simd, lanes, n + r),
                four(simd, lanes, 2 * n + r),
                four(simd, lanes, 3 * n + r),
            ]);
            m[0].store_slice(&mut y[r * cols + 4 * q..][..4]);
            m[1].store_slice(&mut y[(r + 1) * cols + 4 * q..][..4]);
            m[2].store_slice(&mut y[(r + 2) * cols + 4 * q..][..4]);
            m[3].store_slice(&mut y[(r + 3) * cols + 4 * q..][..4]);
        }
    }
}

#[inline(always)]
fn four<S: Simd>(simd: S, x: &[f32], at: usize) -> f32x4<S> {
    f32x4::from_slice(simd, &x[at..][..4])
}
