//! Softmax on one Vulkan adapter: this library against burn, run for run in one process.
//!
//! `cargo run --release -- [--shape 8192x4096,...] [--rounds 11] [--adapter NAME] [--json]`
//!
//! The answers are checked first. Every round then runs each contestant once, in an order that
//! turns, so that a busy machine is busy for all; a ratio is the median over rounds of burn's time
//! divided by ours in the same round (above 1: we are faster). Times are wall times from call to
//! fence, beside the processor time of the whole process, which other programs disturb less.

mod accuracy;
mod ours;
mod report;
mod theirs;

use std::time::{Duration, Instant};

use accuracy::Errors;
use cpu_time::ProcessTime;
use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters};
use wgpu_softmax::{Precision, Shape, cpu, wgpu};

/// Rows and columns: shapes that leave the cache, but no single long row, which burn cannot take here.
const SHAPES: [(usize, usize); 7] = [
    (1_000_000, 3),
    (65_536, 128),
    (16_384, 1000),
    (8192, 4096),
    (1024, 32_768),
    (128, 50_257),
    (256, 131_072),
];

struct Arguments {
    shapes: Vec<(usize, usize)>,
    rounds: usize,
    adapter: String,
    json: bool,
}

fn arguments() -> Arguments {
    let mut found = Arguments { shapes: SHAPES.to_vec(), rounds: 11, adapter: String::new(), json: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--shape" => found.shapes = value().split(',').map(shape).collect(),
            "--rounds" => found.rounds = value().parse().expect("a number of rounds"),
            "--adapter" => found.adapter = value().to_lowercase(),
            "--json" => found.json = true,
            other => panic!("unknown argument {other}"),
        }
    }
    found
}

fn shape(text: &str) -> (usize, usize) {
    let (rows, cols) = text.split_once('x').expect("ROWSxCOLS");
    (rows.parse().expect("a number of rows"), cols.parse().expect("a number of columns"))
}

/// Uniform logits in [-8, 8), from a small generator.
fn logits(rows: usize, cols: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 * 16.0 - 8.0
    };
    (0..rows * cols).map(|_| next()).collect()
}

/// What one run took.
#[derive(Clone, Copy)]
pub struct Sample {
    wall: Duration,
    cpu: Duration,
}

/// Runs `work` between two readings of the clocks; what it returns is dropped after the second.
pub fn timed<T>(work: impl FnOnce() -> T) -> Sample {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    let kept = work();
    let sample = Sample { wall: wall.elapsed(), cpu: cpu.elapsed() };
    drop(kept);
    sample
}

/// Samples of burn, of ours Reproducible and of ours Fast, one of each per round.
fn rounds(count: usize, mut contestants: [&mut dyn FnMut() -> Sample; 3]) -> [Vec<Sample>; 3] {
    let mut samples = [const { Vec::new() }; 3];
    // Compiles, tunes and touches memory first.
    for _ in 0..3 {
        contestants.iter_mut().for_each(|run| _ = run());
    }
    for round in 0..count {
        for turn in 0..3 {
            let who = (round + turn) % 3;
            samples[who].push(contestants[who]());
        }
    }
    samples
}

/// The Vulkan adapter to use: the one whose name contains `part`.
fn adapter(part: &str) -> AdapterEntry {
    let is_it = |entry: &AdapterEntry| {
        entry.info.backend == wgpu::Backend::Vulkan && entry.info.name.to_lowercase().contains(part)
    };
    pollster::block_on(adapters()).into_iter().find(is_it).expect("a Vulkan adapter of that name")
}

fn main() {
    let arguments = arguments();
    let entry = adapter(&arguments.adapter);
    let (device, theirs) = theirs::open(entry.info.device_type);
    assert_eq!(theirs.name, entry.info.name, "burn opened another adapter");
    assert_eq!(theirs.backend, entry.info.backend, "burn opened another adapter");
    report::header(&entry, arguments.json);
    let ours = ours::Ours::open(entry);
    for &(rows, cols) in &arguments.shapes {
        let x = logits(rows, cols);
        let shape = Shape::rows(rows, cols);
        let mut want = vec![0.0; x.len()];
        cpu::run(ours::softmax(Precision::Reproducible), &x, shape, &mut want).expect("it takes every shape");

        let burn = theirs::Resident::new(&device, &x, [rows, cols]);
        let exact = ours.resident(Precision::Reproducible, &x, shape);
        let fast = ours.resident(Precision::Fast, &x, shape);
        exact.run();
        fast.run();
        exact.check(&want, true);
        fast.check(&want, false);
        let burn_errors = Errors::of(&x, &burn.result(), cols);
        let our_errors = Errors::of(&x, &want, cols);

        let kernel = rounds(
            arguments.rounds,
            [&mut || burn.timed(), &mut || timed(|| exact.run()), &mut || timed(|| fast.run())],
        );
        drop(burn);

        let (mut out, mut fast_out) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let end_to_end = rounds(
            arguments.rounds,
            [
                &mut || theirs::end_to_end(&device, &x, [rows, cols]),
                &mut || timed(|| ours.end_to_end(Precision::Reproducible, &x, shape, &mut out)),
                &mut || timed(|| ours.end_to_end(Precision::Fast, &x, shape, &mut fast_out)),
            ],
        );
        ours::check(&out, &want, true);
        ours::check(&fast_out, &want, false);

        let lines = [("kernel", kernel), ("end to end", end_to_end)];
        for (what, samples) in lines {
            report::line(
                &report::Line { rows, cols, what, samples, burn_errors, our_errors },
                arguments.json,
            );
        }
    }
}
