//! Results past the caches against those that are not.

use fearless_simd::Level;

use crate::cpu::rows::{Io, Job, run};
use crate::cpu::{Options, SimdLevel};
use crate::{Op, OpKind, Precision, Shape};

const POISON: f32 = f32::from_bits(0xdead_beef);

/// Elements of rows, some of which may be special: each fifth, and the last one.
fn elements(rows: usize, cols: usize, special: bool) -> Vec<f32> {
    let mut x: Vec<f32> = (0..rows * cols).map(|i| (i * 2_654_435_761 % 1021) as f32 / 64.0 - 8.0).collect();
    for row in (0..rows).filter(|row| special && (row % 5 == 3 || row + 1 == rows)) {
        let x = &mut x[row * cols..][..cols];
        match row % 3 {
            0 => x.fill(f32::NEG_INFINITY),
            1 => x[cols / 2] = f32::NAN,
            _ => x[0] = f32::INFINITY,
        }
    }
    x
}

fn bits(y: &[f32]) -> Vec<u32> {
    y.iter().map(|y| y.to_bits()).collect()
}

fn check(level: SimdLevel, token: Level, op: Op, cols: usize, special: bool) {
    // More rows than two groups have, and one.
    for rows in [3 * (super::super::GROUP / cols).clamp(1, 16) + 1, 1] {
        let x = elements(rows, cols, special);
        let job = crate::cpu::job(&Options::new().level(level), op, Shape::rows(rows, cols)).unwrap();
        let mut expected = vec![0.0; x.len()];
        run(&Job { stream: false, token, ..job }, Io::Apart(&x, &mut expected));
        let expected = bits(&expected);
        for offset in 0..=16 {
            let here = format!("{op:?} {level:?} {rows} x {cols} at {offset}");
            let past = Job { stream: true, token, ..job };
            past_the_caches(offset, &expected, &here, |y| run(&past, Io::Apart(&x, y)));
            // As tensors have them: exponentials in the elements' place, and masked elements.
            let mut z = x.clone();
            let past = Job { holes: offset % 2 == 0, ..past };
            past_the_caches(offset, &expected, &here, |y| run(&past, Io::Through(&mut z, y)));
        }
    }
}

/// Results that begin so many floats behind a cache line are the expected ones, and nothing else is written.
fn past_the_caches(offset: usize, expected: &[u32], here: &str, compute: impl FnOnce(&mut [f32])) {
    let mut y = vec![POISON; expected.len() + 48];
    let from = y.as_ptr().align_offset(64).min(16) + offset;
    let end = from + expected.len();
    compute(&mut y[from..end]);
    assert!(bits(&y[from..end]) == expected, "{here}");
    let mut outside = y[..from].iter().chain(&y[end..]);
    assert!(outside.all(|y| y.to_bits() == POISON.to_bits()), "wrote outside: {here}");
}

#[test]
fn results_past_the_caches_are_the_others_wherever_they_begin() {
    for level in SimdLevel::available() {
        let (_, token) = Options::new().level(level).resolve().unwrap();
        for cols in [3, 25, 33, 49, 63, 64, 65, 95, 100, 128, 200, 300, 1000, 2049, 5000] {
            for kind in [OpKind::Softmax, OpKind::LogSoftmax] {
                for precision in [Precision::Reproducible, Precision::Fast] {
                    check(level, token, Op { precision, ..Op::new(kind).scale(0.75) }, cols, true);
                    check(level, token, Op { precision, ..Op::new(kind) }, cols, true);
                    check(level, token, Op { precision, ..Op::new(kind) }, cols, false);
                }
            }
        }
    }
}
