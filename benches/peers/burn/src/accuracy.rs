//! How far results are from softmax in f64.

/// A row with a result this many ulps away, a part in 2000, is wrong rather than rounded.
const WRONG: f64 = 4096.0;

/// The distance of results from the f64 softmax of their rows, in units of the last place of the
/// f32 nearest to the latter; subnormal ones are as wide as the least normal one.
#[derive(Clone, Copy)]
pub struct Errors {
    /// The largest; infinite where a result is not finite.
    pub worst: f64,
    pub wrong_rows: usize,
}

impl Errors {
    pub fn of(x: &[f32], got: &[f32], cols: usize) -> Self {
        let rows = x.chunks_exact(cols).zip(got.chunks_exact(cols));
        let worst: Vec<f64> = rows.map(|(x, got)| worst_of_row(x, got)).collect();
        let wrong_rows = worst.iter().filter(|&&worst| worst > WRONG).count();
        Self { worst: worst.into_iter().fold(0.0, f64::max), wrong_rows }
    }
}

fn worst_of_row(x: &[f32], got: &[f32]) -> f64 {
    let top = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponential = |x: f32| (f64::from(x) - f64::from(top)).exp();
    let sum: f64 = x.iter().map(|&x| exponential(x)).sum();
    let off = x.iter().zip(got).map(|(&x, &got)| {
        let want = exponential(x) / sum;
        (f64::from(got) - want).abs() / ulp(want as f32)
    });
    off.map(|off| if off.is_nan() { f64::INFINITY } else { off }).fold(0.0, f64::max)
}

fn ulp(near: f32) -> f64 {
    let near = near.max(f32::MIN_POSITIVE);
    f64::from(f32::from_bits(near.to_bits() + 1)) - f64::from(near)
}
