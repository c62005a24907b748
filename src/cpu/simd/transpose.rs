//! Short rows turned so that each lane holds a row, and back: by squares of 4 x 4, four of them at a time
//! with AVX-512, and there 2 and 3 columns by permutations.

#[cfg(target_arch = "x86_64")]
use fearless_simd::Level;
use fearless_simd::{f32x4, prelude::*};

use super::{MAX_LANES, load, splat, store};

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
    #[cfg(target_arch = "x86_64")]
    if let Level::Avx512(simd) = simd.level() {
        return match cols {
            2 => wide::gather_by_permutation::<2>(simd, x, lanes),
            3 => wide::gather_by_permutation::<3>(simd, x, lanes),
            _ => wide::gather(simd, x, cols, lanes),
        };
    }
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
    #[cfg(target_arch = "x86_64")]
    if let Level::Avx512(simd) = simd.level() {
        return match cols {
            2 => wide::scatter_by_permutation::<2>(simd, lanes, y),
            3 => wide::scatter_by_permutation::<3>(simd, lanes, y),
            _ => wide::scatter(simd, lanes, cols, y),
        };
    }
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

/// As [`gather`], of at most four columns, into registers.
#[inline(always)]
pub(crate) fn gather_few<S: Simd, const C: usize>(simd: S, x: &[f32]) -> [S::f32s; C] {
    let mut lanes = [0.0; 4 * MAX_LANES];
    gather(simd, x, C, &mut lanes);
    let mut columns = [splat(simd, 0.0); C];
    for (column, lanes) in columns.iter_mut().zip(lanes.chunks_exact(S::f32s::LEN)) {
        *column = load(simd, lanes);
    }
    columns
}

/// Undoes [`gather_few`], as [`scatter`].
#[inline(always)]
pub(crate) fn scatter_few<S: Simd, const C: usize>(simd: S, columns: &[S::f32s; C], y: &mut [f32]) {
    let mut lanes = [0.0; 4 * MAX_LANES];
    for (column, lanes) in columns.iter().zip(lanes.chunks_exact_mut(S::f32s::LEN)) {
        store::<S>(*column, lanes);
    }
    scatter(simd, &lanes, C, y);
}

/// Turns a block of `rows` by `cols` numbers: element `c` of row `r`, in rows of `pitch`, goes to element
/// `r` of row `c`, in rows of `out_pitch`.
#[inline(always)]
pub(crate) fn turn<S: Simd>(
    simd: S,
    x: &[f32],
    pitch: usize,
    (rows, cols): (usize, usize),
    y: &mut [f32],
    out_pitch: usize,
) {
    let (square_rows, square_cols) = (rows / 4 * 4, cols / 4 * 4);
    for r in (0..square_rows).step_by(4) {
        for c in (0..square_cols).step_by(4) {
            let m = square([
                four(simd, x, r * pitch + c),
                four(simd, x, (r + 1) * pitch + c),
                four(simd, x, (r + 2) * pitch + c),
                four(simd, x, (r + 3) * pitch + c),
            ]);
            for (i, m) in m.into_iter().enumerate() {
                m.store_slice(&mut y[(c + i) * out_pitch + r..][..4]);
            }
        }
    }
    for r in 0..rows {
        for c in if r < square_rows { square_cols } else { 0 }..cols {
            y[c * out_pitch + r] = x[r * pitch + c];
        }
    }
}

#[inline(always)]
fn four<S: Simd>(simd: S, x: &[f32], at: usize) -> f32x4<S> {
    f32x4::from_slice(simd, &x[at..][..4])
}

/// With vectors of 16 lanes.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;

    use super::four;
    use fearless_simd::{Avx512, f32x4, f32x8, f32x16, prelude::*, u32x16};

    type Sixteen = f32x16<Avx512>;

    fearless_simd::kernel!(
        /// Four squares of 4 x 4, one in each quarter of the vectors.
        #[inline(always)]
        fn squares(token: Avx512, a: __m512, b: __m512, c: __m512, d: __m512) -> [__m512; 4] {
            let _ = token;
            let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
            let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
            let (ab_high, cd_high) = (_mm512_castps_pd(ab_high), _mm512_castps_pd(cd_high));
            [
                _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)),
                _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high)),
            ]
        }
    );

    fearless_simd::kernel!(
        /// Each lane from that lane of the 32 of both vectors which `from` says.
        #[inline(always)]
        fn pick(token: Avx512, a: __m512, from: __m512i, b: __m512) -> f32x16<Avx512> {
            _mm512_permutex2var_ps(a, from, b).simd_into(token)
        }
    );

    /// Four numbers of each fourth row.
    #[inline(always)]
    fn quarters(simd: Avx512, x: &[f32], at: usize, step: usize) -> Sixteen {
        let low: f32x8<Avx512> = four(simd, x, at).combine(four(simd, x, at + step));
        let high: f32x8<Avx512> = four(simd, x, at + 2 * step).combine(four(simd, x, at + 3 * step));
        low.combine(high)
    }

    #[inline(always)]
    pub(super) fn gather(simd: Avx512, x: &[f32], cols: usize, lanes: &mut [f32]) {
        let lanes = &mut lanes[..16 * cols.next_multiple_of(4)];
        for (q, lanes) in lanes.chunks_exact_mut(64).enumerate() {
            let mut m = [f32x16::splat(simd, 0.0); 4];
            for (r, m) in m.iter_mut().enumerate() {
                *m = quarters(simd, x, r * cols + 4 * q, 4 * cols);
            }
            let turned = squares(simd, m[0].into(), m[1].into(), m[2].into(), m[3].into());
            for r in 0..4 {
                let turned: Sixteen = turned[r].simd_into(simd);
                turned.store_slice(&mut lanes[16 * r..][..16]);
            }
        }
    }

    #[inline(always)]
    pub(super) fn scatter(simd: Avx512, lanes: &[f32], cols: usize, y: &mut [f32]) {
        let lanes = &lanes[..16 * cols.next_multiple_of(4)];
        for (q, lanes) in lanes.chunks_exact(64).enumerate().rev() {
            let mut m = [f32x16::splat(simd, 0.0); 4];
            for (m, lanes) in m.iter_mut().zip(lanes.chunks_exact(16)) {
                *m = f32x16::from_slice(simd, lanes);
            }
            let turned = squares(simd, m[0].into(), m[1].into(), m[2].into(), m[3].into());
            let mut rows = [[f32x4::splat(simd, 0.0); 4]; 4];
            for r in 0..4 {
                let turned: Sixteen = turned[r].simd_into(simd);
                let (low, high) = turned.split();
                ((rows[0][r], rows[1][r]), (rows[2][r], rows[3][r])) = (low.split(), high.split());
            }
            for r in 0..16 {
                rows[r / 4][r % 4].store_slice(&mut y[r * cols + 4 * q..][..4]);
            }
        }
    }

    /// Where lane `i` of column `j` comes from: first among 32 elements, then among those and the rest.
    const fn from_rows<const COLS: usize>(j: usize) -> [[u32; 16]; 2] {
        let mut tables = [[0; 16]; 2];
        let mut i = 0;
        while i < 16 {
            let at = COLS * i + j;
            tables[0][i] = (at % 32) as u32;
            tables[1][i] = if at < 32 { i } else { at - 16 } as u32;
            i += 1;
        }
        tables
    }

    /// Where lane `i` of the `j`th vector of rows comes from: first of two columns, then of the third.
    const fn from_columns<const COLS: usize>(j: usize) -> [[u32; 16]; 2] {
        let mut tables = [[0; 16]; 2];
        let mut i = 0;
        while i < 16 {
            let (row, column) = ((16 * j + i) / COLS, (16 * j + i) % COLS);
            tables[0][i] = (row + 16 * (column % 2)) as u32;
            tables[1][i] = if column < 2 { i } else { 16 + row } as u32;
            i += 1;
        }
        tables
    }

    /// Vectors of up to three, permuted by tables of which the second one is for the third vector.
    #[inline(always)]
    fn permute<const COLS: usize>(simd: Avx512, v: &[Sixteen; 3], tables: &[[u32; 16]; 2]) -> Sixteen {
        let [a, b]: [u32x16<Avx512>; 2] = [tables[0].simd_into(simd), tables[1].simd_into(simd)];
        let first = pick(simd, v[0].into(), a.into(), v[1].into());
        if COLS == 2 { first } else { pick(simd, first.into(), b.into(), v[2].into()) }
    }

    #[inline(always)]
    fn three<const COLS: usize>(simd: Avx512, x: &[f32]) -> [Sixteen; 3] {
        let mut v = [f32x16::splat(simd, 0.0); 3];
        for j in 0..COLS {
            v[j] = f32x16::from_slice(simd, &x[16 * j..][..16]);
        }
        v
    }

    #[inline(always)]
    pub(super) fn gather_by_permutation<const COLS: usize>(simd: Avx512, x: &[f32], lanes: &mut [f32]) {
        let v = three::<COLS>(simd, x);
        for j in 0..COLS {
            let tables = const { [from_rows::<COLS>(0), from_rows::<COLS>(1), from_rows::<COLS>(2)] };
            permute::<COLS>(simd, &v, &tables[j]).store_slice(&mut lanes[16 * j..][..16]);
        }
    }

    #[inline(always)]
    pub(super) fn scatter_by_permutation<const COLS: usize>(simd: Avx512, lanes: &[f32], y: &mut [f32]) {
        let v = three::<COLS>(simd, lanes);
        for j in 0..COLS {
            let tables =
                const { [from_columns::<COLS>(0), from_columns::<COLS>(1), from_columns::<COLS>(2)] };
            permute::<COLS>(simd, &v, &tables[j]).store_slice(&mut y[16 * j..][..16]);
        }
    }
}
