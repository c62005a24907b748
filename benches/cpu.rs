//! The CPU implementation by shape, with criterion: `cargo bench --bench cpu`. Throughput counts one
//! read and one write of each element; the result buffer is reused; the bits are checked first.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wgpu_softmax::cpu::{self, Options};
use wgpu_softmax::{Precision, Shape, Softmax};

const ELEMENTS: usize = 1 << 24;
const COLS: [usize; 8] = [3, 10, 128, 1000, 4096, 32768, 131_072, ELEMENTS];

fn logits(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 20) as f32 - 8.0
    };
    (0..count).map(|_| next()).collect()
}

/// No time is told of a wrong answer.
fn check_bits(x: &[f32], cols: usize) {
    let x = &x[..(100_000 / cols).max(1) * cols];
    let (mut found, mut expected) = (vec![0.0; x.len()], vec![0.0; cols]);
    cpu::softmax(x, Shape::rows(x.len() / cols, cols), &mut found).unwrap();
    for (x, y) in x.chunks(cols).zip(found.chunks(cols)) {
        cpu::reference::row(&Softmax::new().into(), x, &mut expected);
        assert!(y.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "the bits differ");
    }
}

fn by_shape(criterion: &mut Criterion) {
    let x = logits(ELEMENTS);
    let mut y = vec![0.0; ELEMENTS];
    let mut group = criterion.benchmark_group("softmax");
    group.sample_size(10);
    for cols in COLS {
        check_bits(&x, cols);
        let rows = ELEMENTS / cols;
        let shape = Shape::rows(rows, cols);
        group.throughput(Throughput::Bytes(8 * (rows * cols) as u64));
        for (name, precision) in [("reproducible", Precision::Reproducible), ("fast", Precision::Fast)] {
            for threads in [1, 2] {
                let options = Options::new().threads(threads);
                let op = Softmax::new().precision(precision);
                group.bench_function(BenchmarkId::new(format!("{name}/{threads} threads"), cols), |bench| {
                    let (x, y) = (&x[..rows * cols], &mut y[..rows * cols]);
                    bench.iter(|| {
                        cpu::run_with(&options, op, black_box(x), shape, black_box(&mut *y)).unwrap()
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, by_shape);
criterion_main!(benches);
