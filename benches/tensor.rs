//! Tensors on the CPU against plain rows of the same number of elements, one thread, by its processor
//! time: each in turn with plain softmax, and the median of the ratios. The result buffers are reused.
//!
//! `cargo bench --bench tensor -- [--cols 128,1000,4096] [--elements 4194304] [--runs 15] [--only f16]`
//!
//! "time" is that of the tensor over that of plain rows; "per byte" the rate of the one over the rate of
//! the other, where a byte is one that is read or written: input, output and mask.

mod common;

use common::logits;
use cpu_time::ThreadTime;
use wgpu_softmax::cpu::{self, Options};
use wgpu_softmax::{Element, Masking, Shape, Softmax, Window, bf16, f16};

/// What is measured, against what it must be.
struct Line<'a> {
    name: &'static str,
    /// Bytes per element that it reads and writes.
    bytes: f64,
    elements: u64,
    run: Box<dyn FnMut() + 'a>,
}

fn seconds(run: &mut dyn FnMut()) -> f64 {
    let start = ThreadTime::now();
    run();
    start.elapsed().as_secs_f64()
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

fn measure(cols: usize, elements: usize, runs: usize, only: Option<&str>) {
    let rows = elements / cols;
    let (count, options) = (rows * cols, Options::new().threads(1));
    let x = logits(count);
    let mut y = vec![0.0f32; count];
    let mut plain = || cpu::run_with(&options, Softmax::new(), &x, Shape::rows(rows, cols), &mut y).unwrap();
    let mask: Vec<u8> = (0..count).map(|i| u8::from(i % 7 != 3)).collect();
    let bits: Vec<u8> = mask.chunks(8).map(|m| m.iter().rev().fold(0, |b, m| b << 1 | m)).collect();
    let (halves, brains) = (
        x.iter().map(|x| f16::from_f32(*x)).collect::<Vec<_>>(),
        x.iter().map(|x| bf16::from_f32(*x)).collect::<Vec<_>>(),
    );
    let square =
        Shape::along(&[count / cols / cols.min(count / cols).max(1), cols.min(count / cols), cols], &[-1]);
    let square = square.unwrap();
    let causal = square.elements().unwrap() as usize;
    let lengths: Vec<u32> = (0..rows).map(|row| (row * 7919 % (cols + 1)) as u32).collect();
    let (dims, row_dims) = ([rows, cols], [rows]);
    let shape = Shape::rows(rows, cols);
    let down = Shape::along(&[cols, rows], &[0]).unwrap();
    let side = 64.min(rows);
    let middle = Shape::along(&[rows / side, cols, side], &[1]).unwrap();
    let scales = vec![0.5f32; rows];
    let mut lines = vec![
        of("axis 0", 8.0, &x, down, Masking::new()),
        of("axis 1 of 3, 64 last", 8.0, &x, middle, Masking::new()),
        of("f16", 4.0, &halves, shape, Masking::new()),
        of("bf16", 4.0, &brains, shape, Masking::new()),
        of("f16, axis 0", 4.0, &halves, down, Masking::new()),
        of("mask of bytes", 9.0, &x, shape, Masking::new().mask_bytes(&mask, &dims)),
        of("mask of bits", 8.125, &x, shape, Masking::new().mask_bits(&bits, &dims)),
        of("mask per column", 8.0, &x, shape, Masking::new().mask_bytes(&mask[..cols], &dims[1..])),
        of("bias", 12.0, &x, shape, Masking::new().bias(&x, &dims)),
        of("causal", 8.0, &x[..causal], square, Masking::new().causal()),
        of("f16, causal", 4.0, &halves[..causal], square, Masking::new().causal()),
        of("window of 64", 8.0, &x[..causal], square, Masking::new().window(Window::sliding(64))),
        of("lengths", 8.0, &x, shape, Masking::new().lengths(&lengths, &row_dims)),
        of("row scale", 8.0, &x, shape, Masking::new().row_scale(&scales, &row_dims)),
        of("ALiBi, causal", 8.0, &x[..causal], square, Masking::new().causal().alibi(&[0.5])),
    ];
    for line in lines.iter_mut().filter(|line| only.is_none_or(|only| line.name.starts_with(only))) {
        let share = line.elements as f64 / count as f64;
        let mut ratio = |line: &mut Line| seconds(&mut line.run) / share / seconds(&mut plain);
        let _ = ratio(line);
        let time = median((0..runs).map(|_| ratio(line)).collect());
        let rate = line.bytes * line.elements as f64 / seconds(&mut line.run) / 1e9;
        println!(
            "{rate:6.2} GB/s {cols:7} columns  {:22} time {time:5.2}   per byte {:5.2}",
            line.name,
            line.bytes / 8.0 / time
        );
    }
}

fn of<'a, X: Element>(
    name: &'static str,
    bytes: f64,
    x: &'a [X],
    shape: Shape,
    masking: Masking<'a>,
) -> Line<'a> {
    let mut y = vec![X::zeroed(); x.len()];
    let options = Options::new().threads(1);
    let elements = shape.elements().unwrap();
    let used = elements as usize;
    let run = move || {
        cpu::run_tensor_with(&options, Softmax::new(), &x[..used], shape, &masking, &mut y[..used]).unwrap();
    };
    Line { name, bytes, elements, run: Box::new(run) }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let given = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let number = |name, default| given(name).map_or(default, |n| n.parse().expect("a number"));
    let cols = given("--cols").map_or("3,32,128,1000,4096", |cols| cols);
    for cols in cols.split(',') {
        let cols = cols.parse().expect("a number of columns");
        measure(
            cols,
            number("--elements", 1 << 22),
            number("--runs", 15),
            given("--only").map(String::as_str),
        );
    }
}
