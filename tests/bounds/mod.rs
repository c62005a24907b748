//! The bounds of `docs/numerics.md` as assertions, and the worst error that was met.

use crate::oracle::{self, steps, ulp, ulp_error};

/// 2^-24, the unit of the derivations.
const U: f64 = 1.0 / (1u64 << 24) as f64;
/// The numerator's and the sum's relative error can differ by this many units.
const EXPONENTIAL: f64 = 2.8129;
/// What truncations and roundings add to the logarithm's relative error, in units.
const LOGARITHM: f64 = 0.2;
/// The smallest normal number, and a band around it in which a result may be either zero or not.
const SMALLEST: f64 = f32::MIN_POSITIVE as f64;
const BAND: f64 = 1e-6 * SMALLEST;

/// The greatest errors so far.
#[derive(Default)]
pub struct Worst {
    steps: f64,
    pub softmax_ulp: f64,
    log_softmax_ulp: f64,
    logsumexp_share: f64,
}

/// The sum's error from its grid, relative to the sum (at least 0.7053).
fn grid(cols: usize) -> f64 {
    let bits = if cols > 1 << 18 { 67 } else { 45 };
    cols as f64 * 2f64.powi(-bits) / 0.7053
}

/// The absolute error of log(sum of exp(x - max)) as a pair of floats.
fn log_sum_error(log_sum: f64, cols: usize) -> f64 {
    1.001 * ((EXPONENTIAL + LOGARITHM) * U * log_sum.min(1.0) + grid(cols))
}

impl Worst {
    /// Within 4 ulp of the exact value; nothing subnormal.
    pub fn softmax(&mut self, x: &[f32], y: &[f32]) {
        for (i, (&y, exact)) in y.iter().zip(oracle::softmax(x)).enumerate() {
            let place = || format!("softmax of {:?}, element {i}: {y:e}, exact {exact:e}", head(x));
            if exact < SMALLEST - BAND || y == 0.0 && exact < SMALLEST + BAND {
                assert_eq!(y.to_bits(), 0, "{}", place());
                continue;
            }
            let (steps, ulp) = (steps(y, exact), ulp_error(y, exact));
            assert!(steps <= 4.0 && ulp <= 4.0, "{}: {steps:.3} steps, {ulp:.3} ulp", place());
            self.steps = self.steps.max(steps);
            self.softmax_ulp = self.softmax_ulp.max(ulp);
        }
    }

    /// Within a rounding each of x - max, of the logarithm and of the result, and what the
    /// exponentials and the grid bring.
    pub fn log_softmax(&mut self, x: &[f32], y: &[f32]) {
        let max = f64::from(x.iter().fold(f32::NEG_INFINITY, |max, &x| max.max(x)));
        for (i, (&y, exact)) in y.iter().zip(oracle::log_softmax(x)).enumerate() {
            let place = || format!("log-softmax of {:?}, element {i}: {y:e}, exact {exact:e}", head(x));
            if exact.is_nan() || exact < -f64::from(f32::MAX) {
                let wanted = if exact.is_nan() { f32::NAN } else { f32::NEG_INFINITY };
                assert!(y.is_nan() == wanted.is_nan() && (y.is_nan() || y == wanted), "{}", place());
                continue;
            }
            let below = max - f64::from(x[i]);
            let log_sum = -exact - below;
            let log_sum = log_sum.max(0.0);
            let inner = U * below + U * log_sum + log_sum_error(log_sum, x.len());
            let bound = inner + 0.5 * ulp(exact).max(ulp(f64::from(y))) + SMALLEST;
            let error = (f64::from(y) - exact).abs();
            assert!(error <= bound, "{}: error {error:e}, bound {bound:e}", place());
            // Where the grid has no part the error is a matter of ulp.
            if exact.abs() > 1e8 * grid(x.len()) {
                self.log_softmax_ulp = self.log_softmax_ulp.max(ulp_error(y, exact));
            }
        }
    }

    /// Half a ulp, and what the exponentials and the grid bring.
    pub fn logsumexp(&mut self, x: &[f32], y: f32) {
        let exact = oracle::logsumexp(x);
        if !exact.is_finite() {
            assert!(f64::from(y) == exact || y.is_nan() && exact.is_nan(), "{:?}: {y} for {exact}", head(x));
            return;
        }
        let max = f64::from(x.iter().fold(f32::NEG_INFINITY, |max, &x| max.max(x)));
        let half = 0.5 * ulp(exact).max(ulp(f64::from(y)));
        let bound = half + log_sum_error((exact - max).max(0.0), x.len()) + 1e-15 * max.abs() + SMALLEST;
        let error = (f64::from(y) - exact).abs();
        assert!(error <= bound, "logsumexp of {:?}: {y:e}, exact {exact:e}, bound {bound:e}", head(x));
        if exact.abs() > 1e-30 {
            self.logsumexp_share = self.logsumexp_share.max(error / bound);
        }
    }

    /// Prints a line for the table in the docs.
    pub fn report(&self, what: &str) {
        println!(
            "| {what} | {:.3} | {:.3} | {:.3} | {:.2} |",
            self.steps, self.softmax_ulp, self.log_softmax_ulp, self.logsumexp_share
        );
    }
}

fn head(x: &[f32]) -> &[f32] {
    &x[..x.len().min(8)]
}

/// Numbers of [-1, 1), the same each time (xorshift, Marsaglia 2003).
pub fn random(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f32 - 8_388_608.0) / 8_388_608.0
    }
}

/// A row of so many elements.
pub fn row_of(cols: usize, mut next: impl FnMut() -> f32) -> Vec<f32> {
    (0..cols).map(|_| next()).collect()
}
