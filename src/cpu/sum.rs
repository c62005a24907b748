//! Stage `sum`: the exact sum of a row's exponentials, on a fixed grid, as an integer.
//!
//! Shader twin: `shaders/sum.wgsl`. With the maximum known, each exponential is split into two or
//! three integers on fixed grids (2^-22, 2^-44, 2^-66 of the true value) and those are added: the
//! order cannot matter. The idea is that of binned reproducible summation (Demmel, Ahrens, Nguyen:
//! "Efficient Reproducible Floating Point Summation and BLAS", 2015), with one bin known beforehand.

use crate::numerics::*;

/// Whether rows of this length take the third bin.
#[inline(always)]
pub fn third_bin(cols: u64) -> bool {
    cols > TWO_BIN_COLS
}

/// One held exponential in units of 2^-66: rounded to 2^-44, or to 2^-66 with the third bin.
#[inline(always)]
pub fn fixed(e: f32, third: bool) -> u128 {
    let coarse = e + BIN_1;
    let rest = e - (coarse - BIN_1);
    let fine = rest + BIN_2;
    let a = coarse.to_bits().wrapping_sub(BIN_1.to_bits());
    let b = fine.to_bits().wrapping_sub(BIN_2.to_bits()) as i32;
    let mut sum = (i128::from(a) << (2 * BIN_STEP)) + (i128::from(b) << BIN_STEP);
    if third {
        let last = (rest - (fine - BIN_2)) + BIN_3;
        sum += i128::from(last.to_bits().wrapping_sub(BIN_3.to_bits()) as i32);
    }
    sum as u128
}
