//! How far results are from softmax in f64.

use serde::{Deserialize, Serialize};

/// A row with a result this many ulps away, a part in 2000, is wrong rather than rounded.
const WRONG: f64 = 4096.0;

/// Softmax of every row in f64.
pub struct Oracle {
    want: Vec<f64>,
    cols: usize,
}

/// The distance of results from the oracle's in units of the last place of the f32 nearest to the
/// latter. Results whose exact value is below the least normal f32 are left out: libraries may write
/// those as zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// The largest; `None` where a result is not finite.
    pub worst_ulp: Option<f64>,
    /// Rows with a result more than 4096 ulp away.
    pub wrong_rows: usize,
}

impl Oracle {
    pub fn new(x: &[f32], cols: usize) -> Self {
        let mut want = Vec::with_capacity(x.len());
        for row in x.chunks_exact(cols) {
            let top = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let begin = want.len();
            want.extend(row.iter().map(|&x| (f64::from(x) - top).exp()));
            let sum: f64 = want[begin..].iter().sum();
            want[begin..].iter_mut().for_each(|e| *e /= sum);
        }
        Self { want, cols }
    }

    /// The errors of `got`; results that are missing make all rows wrong.
    pub fn errors(&self, got: &[f32]) -> Errors {
        if got.len() != self.want.len() {
            return Errors { worst_ulp: None, wrong_rows: self.want.len() / self.cols };
        }
        let rows = self.want.chunks_exact(self.cols).zip(got.chunks_exact(self.cols));
        let mut found = Errors { worst_ulp: Some(0.0), wrong_rows: 0 };
        for (want, got) in rows {
            let worst = want.iter().zip(got).map(|(&want, &got)| off(want, got)).fold(0.0, f64::max);
            found.wrong_rows += usize::from(worst > WRONG);
            found.worst_ulp = found.worst_ulp.filter(|_| worst.is_finite()).map(|old| old.max(worst));
        }
        found
    }
}

fn off(want: f64, got: f32) -> f64 {
    let near = want as f32;
    if got.is_nan() || got.is_infinite() {
        return f64::INFINITY;
    }
    if near < f32::MIN_POSITIVE {
        return 0.0;
    }
    let ulp = f64::from(f32::from_bits(near.to_bits() + 1)) - f64::from(near);
    (f64::from(got) - want).abs() / ulp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_half_is_exact() {
        let oracle = Oracle::new(&[3.0, 3.0, -1e7, 0.0], 2);
        let exact = Errors { worst_ulp: Some(0.0), wrong_rows: 0 };
        assert_eq!(oracle.errors(&[0.5, 0.5, 0.0, 1.0]), exact);
    }

    #[test]
    fn distances_are_counted_in_the_last_place() {
        let oracle = Oracle::new(&[3.0, 3.0], 2);
        let up = f32::from_bits(0.5f32.to_bits() + 3);
        assert_eq!(oracle.errors(&[up, 0.5]).worst_ulp, Some(3.0));
    }

    #[test]
    fn zeros_infinities_and_missing_results_are_wrong() {
        let oracle = Oracle::new(&[3.0, 3.0, 0.0, 0.0], 2);
        assert_eq!(oracle.errors(&[0.0, 0.0, 0.5, 0.5]).wrong_rows, 1);
        let infinite = Errors { worst_ulp: None, wrong_rows: 1 };
        assert_eq!(oracle.errors(&[0.5, 0.5, f32::INFINITY, 0.5]), infinite);
        assert_eq!(oracle.errors(&[0.5, 0.5]), Errors { worst_ulp: None, wrong_rows: 2 });
    }
}
