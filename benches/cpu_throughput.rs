//! Throughput of the CPU implementation as JSON, one line per shape: GB/s counting one read and one
//! write of each element, the result buffer reused, medians and best of the runs.
//!
//! `cargo bench --bench cpu_throughput -- [--cols 1000,4096] [--elements 16777216] [--threads 1,2]`
//! prints the table. With `--serve` it reads `rows cols threads fast|exact level` lines from standard
//! input and answers each with the nanoseconds of one run: that is how `peers/cpu_peers.py` runs the
//! other libraries in between, so that a busy machine is busy for all.

use std::io::{BufRead, Write};
use std::time::Instant;

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
        let mut state = 1u32;
        let x = (0..rows * cols)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 20) as f32 - 8.0
            })
            .collect();
        let case = Self { x, y: vec![0.0; rows * cols], shape: Shape::rows(rows, cols) };
        case.check_bits(cols);
        case
    }

    /// No time is told of a wrong answer.
    fn check_bits(&self, cols: usize) {
        let rows = (100_000 / cols).clamp(1, self.x.len() / cols);
        let x = &self.x[..rows * cols];
        let (mut found, mut expected) = (vec![0.0; x.len()], vec![0.0; cols]);
        cpu::softmax(x, Shape::rows(rows, cols), &mut found).unwrap();
        for (x, y) in x.chunks(cols).zip(found.chunks(cols)) {
            cpu::reference::row(&Softmax::new().into(), x, &mut expected);
            assert!(y.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "the bits differ");
        }
    }

    fn run(&mut self, options: &Options, precision: Precision) -> f64 {
        let start = Instant::now();
        cpu::run_with(options, Softmax::new().precision(precision), &self.x, self.shape, &mut self.y)
            .unwrap();
        start.elapsed().as_nanos() as f64
    }
}

fn list(args: &[String], name: &str, default: &[usize]) -> Vec<usize> {
    let given = args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    given.map_or(default.to_vec(), |v| v.split(',').map(|n| n.parse().expect("a number")).collect())
}

fn level(name: &str) -> Option<SimdLevel> {
    SimdLevel::available().into_iter().find(|level| level.name() == name)
}

fn options(threads: usize, level: Option<SimdLevel>) -> Options {
    let mut options = Options::new();
    // One thread is the calling one; more are what rayon has, with its own cutting.
    options.threads = (threads == 1).then_some(1);
    options.level = level;
    options
}

fn table(args: &[String]) {
    let elements = list(args, "--elements", &[ELEMENTS])[0];
    let runs = list(args, "--runs", &[15])[0];
    for cols in list(args, "--cols", &COLS) {
        let rows = (elements / cols).max(1);
        let mut case = Case::new(rows, cols);
        for threads in list(args, "--threads", &[1, 2]) {
            for (name, precision) in [("reproducible", Precision::Reproducible), ("fast", Precision::Fast)] {
                let options = options(threads, None);
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

fn serve() {
    let mut case: Option<Case> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words[i].parse::<usize>().expect("a number");
        let shape = Shape::rows(number(0), number(1));
        if case.as_ref().is_none_or(|case| case.shape != shape) {
            // The old one's memory first.
            drop(case.take());
            case = Some(Case::new(number(0), number(1)));
        }
        let precision = if words[3] == "fast" { Precision::Fast } else { Precision::Reproducible };
        let options = options(number(2), words.get(4).and_then(|name| level(name)));
        let ns = case.as_mut().expect("just made").run(&options, precision);
        println!("{ns}");
        std::io::stdout().flush().expect("the reader is there");
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.iter().any(|a| a == "--serve") { serve() } else { table(&args) }
}
