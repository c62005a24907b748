//! Rows of f64 for every test: random ones, and those that something could go wrong with.
#![allow(dead_code, reason = "each test file uses its own part")]

use wgpu_softmax::cpu::double;
use wgpu_softmax::{Op, OpKind};

/// Numbers of [-1, 1), the same each time (xorshift, Marsaglia 2003).
pub fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 - 2f64.powi(52)) * 2f64.powi(-52)
    }
}

/// A row of so many elements.
pub fn row_of(cols: usize, mut next: impl FnMut() -> f64) -> Vec<f64> {
    (0..cols).map(|_| next()).collect()
}

/// The results of an operation on a row, as bits.
pub fn bits(kind: OpKind, x: &[f64]) -> Vec<u64> {
    let mut z = x.to_vec();
    let result = double::row(&Op::new(kind), &mut z);
    if kind == OpKind::LogSumExp {
        return vec![result.to_bits()];
    }
    z.iter().map(|z| z.to_bits()).collect()
}

/// Rows of every class: lengths, spreads, ties, special values, and numbers at the ends of the range.
pub fn battery() -> Vec<Vec<f64>> {
    let mut rows = special();
    let mut random = random(1);
    for spread in [1e-300, 1e-18, 1e-3, 1.0, 30.0, 300.0, 800.0, 1e5, 1e300] {
        for cols in [1, 2, 3, 5, 16, 33, 100, 1000] {
            rows.push(row_of(cols, || spread * random()));
            // With ties: a few values only.
            rows.push(row_of(cols, || spread * (3.0 * random()).round()));
            // One element that outweighs all others, at any depth.
            let depth = spread.min(2000.0) * random();
            let mut row = row_of(cols, || random() - depth.abs());
            row[cols / 2] = 1.0 + depth;
            rows.push(row);
        }
    }
    rows.extend(tiny());
    rows
}

fn special() -> Vec<Vec<f64>> {
    let inf = f64::INFINITY;
    let mut rows = vec![vec![], vec![-inf], vec![-inf; 7], vec![f64::MIN, f64::MAX], vec![f64::MAX; 3]];
    for value in [f64::NAN, -f64::NAN, inf, -inf, f64::MAX, f64::MIN, 0.0, -0.0] {
        for at in 0..3 {
            let mut row = vec![0.5, -3.0, 2.25];
            row[at] = value;
            rows.push(row);
        }
    }
    rows
}

/// Elements and results around 2^-1022, and small numbers that nearly cancel.
fn tiny() -> Vec<Vec<f64>> {
    let least = f64::MIN_POSITIVE;
    let mut rows = Vec::new();
    let values =
        [least, 1.5 * least, least.next_down(), least.next_up(), 5e-324, 1e-310, 3.0 * least, 1e-300];
    for a in values {
        for b in values {
            rows.extend([
                vec![a, b],
                vec![-a, b, -b],
                vec![-a, -a],
                vec![-a, -650.0 - b],
                vec![a, -1.0, b, b],
            ]);
        }
    }
    let mut random = random(2);
    for _ in 0..2000 {
        // Probabilities and logarithms that leave the normal range.
        let depth = 708.3965 + 0.02 * random();
        rows.push(vec![0.0, -depth]);
        rows.push(vec![1.0, 1.0, 1.0 - depth, 2.0 - depth, 1.5 - 600.0 + random()]);
        // log(exp(max) + exp(second)) near zero, for maxima down to the smallest.
        let second = -500.0 + 250.0 * random();
        let max = -(second.exp()) * (1.0 + 1e-12 * random());
        rows.push(vec![max, second]);
        rows.push(vec![least * (1.0 + random().abs()), -580.0 + 25.0 * random()]);
    }
    rows
}
