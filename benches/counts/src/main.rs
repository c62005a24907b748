//! The calls whose instructions `cargo xtask counts` counts, one after the other on one thread.
//! Callgrind sees each as a call of [`counted_call`]; standard output says what each one was:
//! its name, a tab and its elements. Arguments: only names that contain all of them.

#[path = "../../common/mod.rs"]
mod common;
mod tensors;

use std::hint::black_box;

use common::logits;
use wgpu_softmax::cpu::{self, Options, SimdLevel};
use wgpu_softmax::{Op, OpKind, Precision, Shape};

/// Elements of a case, about: many rows where they are short, so that the work per call vanishes.
const ELEMENTS: usize = 1 << 15;
/// Lengths of rows. The last one is too long to be held and needs a third bin for its sum.
const COLS: [usize; 8] = [3, 10, 33, 128, 1000, 4096, 32768, LONGEST];
const LONGEST: usize = (1 << 18) + 1;
/// Floats in a cache line.
const LINE: usize = 16;
/// Those that valgrind knows.
const LEVELS: [SimdLevel; 3] = [SimdLevel::Sse2, SimdLevel::Sse42, SimdLevel::Avx2];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let (x, mut y) = (logits(LONGEST + LINE), vec![0.0; 8 * ELEMENTS.max(LONGEST) + LINE]);
    // Both begin on a cache line: loads that cross one, or a first part up to one, would differ.
    let (x, at) = (&x[x.as_ptr().align_offset(4 * LINE)..], y.as_ptr().align_offset(4 * LINE));
    let y = &mut y[at..];
    for level in LEVELS {
        if !SimdLevel::available().contains(&level) {
            println!("lacks\t{}", level.name());
            continue;
        }
        for (op, cols) in ops().into_iter().flat_map(|op| COLS.map(|cols| (op, cols))) {
            let name = name(&op, level, cols);
            if wanted.iter().all(|w| name.contains(w)) {
                let elements = measure(op, level, cols, x, y);
                println!("{name}\t{elements}");
            }
        }
        tensors::measure_all(level, x, &mut y[..x.len()], &wanted);
    }
}

/// Every operation at both precisions; row statistics are exact and know only one.
fn ops() -> Vec<Op> {
    let both = [Precision::Reproducible, Precision::Fast];
    let all = OpKind::ALL.into_iter().flat_map(|kind| both.map(|precision| op(kind, precision)));
    all.filter(|op| op.kind != OpKind::RowStats || op.precision == Precision::Reproducible).collect()
}

fn op(kind: OpKind, precision: Precision) -> Op {
    let mut op = Op::new(kind);
    op.precision = precision;
    op
}

fn name(op: &Op, level: SimdLevel, cols: usize) -> String {
    let precision = match op.precision {
        Precision::Fast => "fast",
        _ => "reproducible",
    };
    // Padded, so that a sorted list is one by length.
    format!("{}/{precision}/{}/{cols:06}", op.kind.name(), level.name())
}

/// Counts one call; one before it, of a single row, settles what is kept between calls.
fn measure(op: Op, level: SimdLevel, cols: usize, x: &[f32], y: &mut [f32]) -> usize {
    let options = Options::new().level(level).threads(1);
    let rows = (ELEMENTS / cols).max(1);
    let words = |rows: usize| match op.kind {
        OpKind::LogSumExp => rows,
        OpKind::RowStats => 8 * rows,
        _ => rows * cols,
    };
    let mut call = |rows: usize| {
        let (x, shape, out) = (&x[..rows * cols], Shape::rows(rows, cols), &mut y[..words(rows)]);
        cpu::run_with(&options, black_box(op), black_box(x), black_box(shape), black_box(&mut *out))
            .expect("the slices fit the shape");
        black_box(out);
    };
    call(1);
    counted_call(&mut || call(rows));
    rows * cols
}

/// The only function whose instructions, with all that it calls, are counted: `cargo xtask counts`
/// tells callgrind its name.
#[inline(never)]
fn counted_call(call: &mut dyn FnMut()) {
    call();
}
