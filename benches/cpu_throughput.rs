//! Throughput of the CPU implementation as JSON, one line per shape: GB/s counting one read and one
//! write of each element, the result buffer reused, medians and best of the runs.
//!
//! `cargo bench --bench cpu_throughput -- [--cols 1000,4096] [--elements 16777216] [--threads 1,2] [--level avx2]`
//! prints the table. Beside other libraries: `cargo xtask peers`.

mod common;

use std::time::Instant;

use common::{check_bits, logits};
use wgpu_softmax::cpu::{self, Options, SimdLevel};
use wgpu_softmax::{Precision, Shape, Softmax};

const COLS: [usize; 8] = [3, 10, 128, 1000, 4096, 32768, 131_072, 1 << 24];
const ELEMENTS: usize = 1 << 24;

struct Case {
    x: Vec<f32>,
    y: Vec<f32>,
    shape: Shape,
}

impl Case {
    fn new(rows: usize, cols: usize) -> Self {
        let x = logits(rows * cols);
        check_bits(&x, cols);
        Self { x, y: vec![0.0; rows * cols], shape: Shape::rows(rows, cols) }
    }

    fn run(&mut self, options: &Options, precision: Precision) -> f64 {
        let start = Instant::now();
        cpu::run_with(options, Softmax::new().precision(precision), &self.x, self.shape, &mut self.y)
            .unwrap();
        start.elapsed().as_nanos() as f64
    }
}

/// What follows a name.
fn value<'a>(args: &'a [String], name: &str) -> Option<&'a String> {
    args.iter().position(|a| a == name).and_then(|i| args.get(i + 1))
}

fn list(args: &[String], name: &str, default: &[usize]) -> Vec<usize> {
    value(args, name)
        .map_or(default.to_vec(), |v| v.split(',').map(|n| n.parse().expect("a number")).collect())
}

/// The level that is asked for; none for the best one there is.
fn level(args: &[String]) -> Option<SimdLevel> {
    let name = value(args, "--level")?;
    let level = SimdLevel::available().into_iter().find(|level| level.name().eq_ignore_ascii_case(name));
    Some(level.unwrap_or_else(|| panic!("no level {name} here, of {:?}", SimdLevel::available())))
}

fn options(threads: usize, level: Option<SimdLevel>) -> Options {
    let mut options = Options::new();
    if let Some(level) = level {
        options = options.level(level);
    }
    // One thread is the calling one; more are what rayon has, with its own cutting.
    options.threads = (threads == 1).then_some(1);
    options
}

fn table(args: &[String]) {
    let elements = list(args, "--elements", &[ELEMENTS])[0];
    let runs = list(args, "--runs", &[15])[0];
    let level = level(args);
    for cols in list(args, "--cols", &COLS) {
        let rows = (elements / cols).max(1);
        let mut case = Case::new(rows, cols);
        for threads in list(args, "--threads", &[1, 2]) {
            for (name, precision) in [("reproducible", Precision::Reproducible), ("fast", Precision::Fast)] {
                let options = options(threads, level);
                let mut ns: Vec<f64> = (0..runs + 1).map(|_| case.run(&options, precision)).skip(1).collect();
                ns.sort_by(f64::total_cmp);
                let rate = |ns: f64| (rows * cols * 8) as f64 / ns;
                println!(
                    "{{\"rows\":{rows},\"cols\":{cols},\"threads\":{threads},\"precision\":\"{name}\",\"median\":{:.2},\"best\":{:.2}}}",
                    rate(ns[runs / 2]),
                    rate(ns[0])
                );
            }
        }
    }
}

fn main() {
    table(&std::env::args().collect::<Vec<_>>());
}
