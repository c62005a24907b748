//! The CPU implementation by shape, with criterion: `cargo bench --bench cpu`. Throughput counts one
//! read and one write of each element; the result buffer is reused; the bits are checked first.

mod common;

use std::hint::black_box;

use common::{check_bits, logits};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wgpu_softmax::cpu::{self, Options};
use wgpu_softmax::{Precision, Shape, Softmax};

const ELEMENTS: usize = 1 << 24;
const COLS: [usize; 8] = [3, 10, 128, 1000, 4096, 32768, 131_072, ELEMENTS];

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
