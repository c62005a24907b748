//! A device that fails in the middle of a run: the memory that it asks for is refused.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Command, Output};

use common::{Bench, npy, text};
use serde_json::Value;

const COLS: u64 = 1000;

/// Zeros that take no room on the disk; a device needs 192 MiB of buffers for so many, and the CPU 24.
fn zeros(bench: &Bench, name: &str, rows: u64) {
    let header = npy("<f4", &format!("({rows}, {COLS})"), &[]);
    let file = File::create(bench.path(name)).unwrap();
    file.write_all_at(&header, 0).unwrap();
    file.set_len(header.len() as u64 + rows * COLS * 4).unwrap();
}

/// The command, to be run where it can have so many KiB of addresses.
fn limited(bench: &Bench, kib: Option<u64>, line: &str) -> Command {
    let limit = kib.map_or("unlimited".to_owned(), |kib| kib.to_string());
    let (mut shell, command) = (Command::new("bash"), bench.command(line));
    shell.args(["-c", &format!("ulimit -v {limit} && exec \"$@\""), "bash"]);
    shell.arg(command.get_program()).args(command.get_args()).current_dir(bench.path(""));
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Threads reserve addresses that they do not use.
    shell.env("MALLOC_ARENA_MAX", "1").env("RAYON_NUM_THREADS", "2");
    shell
}

/// The most KiB of addresses that a run had, looked at until it ends.
fn addresses(bench: &Bench, line: &str) -> u64 {
    let mut child = limited(bench, None, line).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
        let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    assert!(child.wait().unwrap().success() && most > 0, "{line}");
    most
}

/// The numbers of the software adapters: a driver's own addresses are no guide to its memory.
fn software(bench: &Bench) -> Vec<u64> {
    let list: Value = serde_json::from_str(&bench.ok("devices --json")).unwrap();
    let all = list["adapters"].as_array().unwrap();
    let is_software = |index: &u64| all.iter().any(|a| a["index"] == *index && a["kind"] == "software");
    common::adapters(bench).into_iter().filter(is_software).collect()
}

#[test]
fn the_cpu_finishes_the_run_of_a_device_that_is_refused_memory() {
    let bench = Bench::new();
    zeros(&bench, "small.npy", 100);
    zeros(&bench, "x.npy", 60_000);
    bench.ok("run x.npy -o whole.npy --device cpu");
    for device in software(&bench) {
        let small = addresses(&bench, &format!("run small.npy -o small.out --no-cache --device {device}"));
        let line = format!("run x.npy -o y.npy --no-cache --json --memory 1GiB --device {device}");
        let run = |more: &str| -> Output {
            limited(&bench, Some(small + (96 << 10)), &format!("{line} {more}")).output().unwrap()
        };
        let stopped = run("");
        let said = text(&stopped.stderr);
        assert_eq!(stopped.status.code(), Some(2), "{said}");
        assert!(said.starts_with("error: the device failed: ") && said.lines().count() == 1, "{said}");
        assert!(!bench.path("y.npy").exists());

        let finished = run("--fallback cpu");
        assert!(finished.status.success(), "{device}: {}", text(&finished.stderr));
        let json: Value = serde_json::from_slice(&finished.stdout).unwrap();
        let faults = json["stream"]["faults"].as_array().unwrap();
        println!("{faults:?}");
        assert!(faults.len() == 1 && faults[0].as_str().unwrap().contains("the device failed"), "{json}");
        let computed: Vec<_> = json["devices"].as_array().unwrap().iter().map(|d| &d["share"]).collect();
        assert_eq!(computed, [&Value::from(0.0), &Value::from(1.0)], "{json}");
        let files = ["y.npy", "whole.npy"].map(|name| std::fs::read(bench.path(name)).unwrap());
        assert!(files[0] == files[1], "{device}: the bits differ");
        std::fs::remove_file(bench.path("y.npy")).unwrap();
    }
}
