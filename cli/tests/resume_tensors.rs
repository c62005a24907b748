//! Runs on halves, archives and arrays with masks are gone on with as those on plain rows are.
#![cfg(unix)]

#[path = "common/arrays.rs"]
mod arrays;
mod common;

use std::process::{Command, Stdio};

use arrays::{npz, read, read_file};
use common::{Bench, text};
use serde_json::Value;
use zip::CompressionMethod::Stored;

/// An input of 80 MB whose values differ from row to row.
fn input(bench: &Bench, dims: &str) {
    let data: Vec<u8> = (0..40_000_000u32)
        .flat_map(|i| ((i.wrapping_mul(2_654_435_761) >> 18) as u16 | 0x2000).to_le_bytes())
        .collect();
    let array = read(&common::npy("<f2", dims, &data));
    bench.file("x.npz", &npz(&[("x", &array)], Stored));
}

/// Runs the command where no file may grow beyond so many MiB, and then to its end.
fn interrupted(bench: &Bench, limit: usize, line: &str) -> u64 {
    let mut shell = Command::new("bash");
    let limit = format!("ulimit -f {}; exec \"$@\"", limit << 10);
    shell.args(["-c", &limit, "bash", env!("CARGO_BIN_EXE_softmax")]).args(line.split_whitespace());
    let output = shell.current_dir(bench.path("")).stdin(Stdio::null()).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("go on with --resume"), "{said}");
    let other = bench.run(&format!("{line} --scale 2 --resume"));
    assert!(text(&other.stderr).contains("leave --resume out"), "{}", text(&other.stderr));
    let json: Value = serde_json::from_str(&bench.ok(&format!("{line} --resume --check --json"))).unwrap();
    json["stream"]["resumed_rows"].as_u64().unwrap()
}

#[test]
fn halves_and_archives_are_gone_on_with() {
    let bench = Bench::new();
    input(&bench, "(40000, 1000)");
    bench.ok("run x.npz -o whole.npz --device cpu");
    let rows = interrupted(&bench, 50, "run x.npz -o y.npz --device cpu");
    assert!((16_000..26_300).contains(&rows), "{rows}");
    // The checksum too is that of the whole.
    assert_eq!(read_file(&bench.path("y.npz")).0, "x");
    let files = ["y.npz", "whole.npz"].map(|name| std::fs::read(bench.path(name)).unwrap());
    assert!(files[0] == files[1], "the resumed file differs");
}

#[test]
fn arrays_that_are_computed_in_parts_are_gone_on_with() {
    let bench = Bench::new();
    input(&bench, "(40, 1000, 1000)");
    bench.array("sinks.npy", "(40, 1)", &[0.5; 40]);
    let options = "--device cpu --causal --sinks sinks.npy --memory 20MiB";
    bench.ok(&format!("run x.npz -o whole.npy {options}"));
    let line = format!("run x.npz -o y.npy {options}");
    let rows = interrupted(&bench, 50, &line);
    assert!(rows > 16_000 && rows.is_multiple_of(1000), "{rows}");
    let files = ["y.npy", "whole.npy"].map(|name| std::fs::read(bench.path(name)).unwrap());
    assert!(files[0] == files[1], "the resumed file differs");
}
