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
    let x = &x[..n * cols + OVERHANG];
    let lanes = &mut lanes[..n * cols.next_multiple_of(4)];
    for r in (0..n).step_by(4) {
        for c in (0..cols).step_by(4) {
            let m = std::array::from_fn(
                #[inline(always)]
                |i| f32x4::from_slice(simd, &x[(r + i) * cols + c..][..4]),
            );
            let m = square(m);
            for i in 0..4 {
                m[i].store_slice(&mut lanes[(c + i) * n + r..][..4]);
            }
        }
    }
}

/// Undoes [`gather`]. Writes up to [`OVERHANG`] floats of anything beyond the rows. What hangs over
/// into the next row is overwritten by that row's own squares: later rows come later, and within
/// four rows the first columns come last.
#[inline(always)]
pub(crate) fn scatter<S: Simd>(simd: S, lanes: &[f32], cols: usize, y: &mut [f32]) {
    let n = S::f32s::LEN;
    let y = &mut y[..n * cols + OVERHANG];
    let lanes = &lanes[..n * cols.next_multiple_of(4)];
    for r in (0..n).step_by(4) {
        for c in (0..cols).step_by(4).rev() {
            let m = std::array::from_fn(
                #[inline(always)]
                |i| f32x4::from_slice(simd, &lanes[(c + i) * n + r..][..4]),
            );
            let m = square(m);
            for i in 0..4 {
                m[i].store_slice(&mut y[(r + i) * cols + c..][..4]);
            }
        }
    }
}
