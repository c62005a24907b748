//! Streams: a file to a file against a plain copy of it, a batch through a device against the same in
//! memory, and the memory that a stream takes, however long its input.
//!
//! `cargo bench --bench stream -- [--only file|device|memory] [--gib 2] [--rounds 5] [--cols 1000]
//! [--memory MIB] [--dir DIR]`. Answers are compared with the CPU's bits first. Each ratio is taken within a round, in
//! turn, and the median over the rounds is printed, by the wall and by processor time. `docs/performance-stream.md` has
//! the results.

mod devices;
mod files;
mod memory;
mod taken;

use std::path::PathBuf;

use wgpu_softmax::{Shape, cpu};

struct Arguments {
    only: Option<String>,
    gib: f64,
    rounds: usize,
    cols: usize,
    memory: Option<u64>,
    dir: PathBuf,
    /// Set in the processes that the memory is measured of.
    child: Option<String>,
}

fn arguments() -> Arguments {
    let dir = std::env::temp_dir();
    let mut found = Arguments { only: None, gib: 2.0, rounds: 5, cols: 1000, memory: None, dir, child: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--only" => found.only = Some(value()),
            "--gib" => found.gib = value().parse().expect("a number"),
            "--rounds" => found.rounds = value().parse().expect("a number"),
            "--cols" => found.cols = value().parse().expect("a number"),
            "--memory" => found.memory = Some(value().parse::<u64>().expect("a number of MiB") << 20),
            "--dir" => found.dir = value().into(),
            "--child" => found.child = Some(value()),
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    found
}

fn main() {
    let arguments = arguments();
    if let Some(device) = &arguments.child {
        return memory::child(device, &arguments);
    }
    let wanted = |part| arguments.only.as_deref().is_none_or(|only| only == part);
    if wanted("file") {
        files::files(&arguments);
    }
    if wanted("device") {
        devices::devices(&arguments);
    }
    if wanted("memory") {
        memory::memory(&arguments);
    }
}

fn rows(arguments: &Arguments) -> usize {
    ((arguments.gib * f64::from(1 << 28)) as usize / arguments.cols).max(1)
}

/// Logits in [-8, 8), by position.
fn fill(at: u64, into: &mut [f32]) {
    for (i, x) in into.iter_mut().enumerate() {
        let hash = (at + i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        *x = hash as f32 / (1u64 << 20) as f32 - 8.0;
    }
}

/// Compares the first and the last rows with the CPU's.
fn check(cols: usize, x: &[f32], y: &[f32]) {
    assert_eq!(x.len(), y.len());
    let rows = (1_000_000 / cols).clamp(1, x.len() / cols);
    for start in [0, x.len() - rows * cols] {
        let mut want = vec![0.0; rows * cols];
        let part = start..start + rows * cols;
        cpu::softmax(&x[part.clone()], Shape::rows(rows, cols), &mut want).unwrap();
        let same = want.iter().zip(&y[part]).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "the bits differ");
    }
}
