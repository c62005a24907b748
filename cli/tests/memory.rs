//! `--memory` is a bound that is kept.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command};

use common::{Bench, npy, text};

const MIB: u64 = 1 << 20;
/// What the process may hold besides: its code, threads, a device's driver.
const BESIDES: u64 = 128 * MIB;

/// Zeros that take no room on the disk.
fn zeros(bench: &Bench, rows: u64, cols: u64) {
    let header = npy("<f4", &format!("({rows}, {cols})"), &[]);
    let file = File::create(bench.path("x.npy")).unwrap();
    file.write_all_at(&header, 0).unwrap();
    file.set_len(header.len() as u64 + rows * cols * 4).unwrap();
}

/// Waits for a process, and gives the most memory that it held: all of it, the pages of mapped files
/// (its own code, a driver's) too.
fn peak(child: Child) -> (bool, u64) {
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both are places of ours of the right size, and the child is waited for here alone.
    let pid = unsafe { libc::wait4(child.id() as i32, &mut status, 0, usage.as_mut_ptr()) };
    assert_eq!(pid, child.id() as i32);
    // SAFETY: the call has filled it in.
    let usage = unsafe { usage.assume_init() };
    (libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, usage.ru_maxrss as u64 * 1024)
}

#[test]
fn the_memory_of_a_run_stays_within_what_is_allowed() {
    let bench = Bench::new();
    // 512 MiB: many rows; rows that fit the memory one at a time; rows that do not.
    for (rows, cols) in [(1 << 17, 1 << 10), (16, 1 << 23), (2, 1 << 26)] {
        zeros(&bench, rows, cols);
        for memory in [32, 64] {
            let line = format!("run x.npy -o /dev/null --device cpu --memory {memory}MiB");
            let (ok, most) = peak(bench.command(&line).spawn().unwrap());
            assert!(ok, "{line}");
            println!("{rows} x {cols}, {memory} MiB: {} MiB at most", most / MIB);
            assert!(most <= memory * MIB + BESIDES, "{rows} x {cols}, {memory} MiB: {} MiB", most / MIB);
        }
    }
}

#[test]
fn the_check_and_an_adapter_stay_within_it_too() {
    let bench = Bench::new();
    zeros(&bench, 1 << 15, 1 << 10);
    let mut devices = vec!["cpu --check".to_owned()];
    devices.extend(common::adapters(&bench).iter().map(ToString::to_string));
    for device in devices {
        let line = format!("run x.npy -o y.npy --memory 48MiB --device {device}");
        let mut child = bench.command(&line).stdout(std::process::Stdio::null()).spawn().unwrap();
        // Of a driver's code, tens of MiB are mapped: those are aside here.
        let most = own_memory(&mut child);
        assert!(child.wait().unwrap().success(), "{line}");
        println!("--device {device}: {} MiB at most", most / MIB);
        assert!(most <= 48 * MIB + BESIDES, "{line}: {} MiB", most / MIB);
    }
}

#[test]
fn parts_of_an_array_stay_within_it() {
    let bench = Bench::new();
    // 128 MiB, of which 512 KiB go together at least.
    let header = npy("<f4", "(256, 64, 2048)", &[]);
    let file = File::create(bench.path("x.npy")).unwrap();
    file.write_all_at(&header, 0).unwrap();
    file.set_len(header.len() as u64 + (128 << 20)).unwrap();
    let devices = common::adapters(&bench).into_iter().map(|index| index.to_string());
    for device in devices.chain(["cpu --check".to_owned()]) {
        for options in ["--axis 1", "--causal"] {
            let line = format!("run x.npy -o y.npy --memory 24MiB {options} --device {device}");
            let mut child = bench.command(&line).stdout(std::process::Stdio::null()).spawn().unwrap();
            let most = own_memory(&mut child);
            assert!(child.wait().unwrap().success(), "{line}");
            println!("{line}: {} MiB at most", most / MIB);
            assert!(most <= 24 * MIB + BESIDES, "{line}: {} MiB", most / MIB);
        }
    }
}

/// The most memory of its own that a process held, looked at every millisecond: anonymous and shared,
/// without mapped files.
fn own_memory(child: &mut Child) -> u64 {
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        let kib = field("RssAnon:").unwrap_or(0) + field("RssShmem:").unwrap_or(0);
        most = most.max(kib * 1024);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(most > 0, "the process was never seen");
    most
}

#[test]
fn what_does_not_fit_is_told() {
    let bench = Bench::new();
    zeros(&bench, 64, 1 << 16);
    for (line, word) in [
        ("run x.npy -o y.npy --device cpu --memory 1kB", "bytes needed, the budget is 1000"),
        ("run x.npy -o y.npy --device cpu --memory 0", "bytes needed, the budget is 0"),
    ] {
        let output = bench.run(line);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(word) && said.lines().count() == 1, "{said}");
    }
    let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (512, 512), }";
    bench.file("f.npy", &common::npy_of(fortran, &[0; 1 << 20]));
    let said = text(&bench.run("run f.npy -o y.npy --device cpu --memory 1MiB").stderr);
    assert!(said.contains("as a whole: that takes 2.10 MB of memory and --memory allows 1.05 MB"), "{said}");
    bench.ok("run f.npy -o y.npy --device cpu --memory 4MiB --check");
    assert_eq!(bench.run("run x.npy -o y.npy --memory much").status.code(), Some(2));
}

#[test]
fn small_memory_changes_no_bit() {
    let bench = Bench::new();
    let values: Vec<f32> = (0..3 * 70_001).map(|i| (i as f32 * 1.7).sin() * 20.0).collect();
    bench.array("x.npy", "(3, 70001)", &values);
    for op in ["softmax", "log-softmax", "logsumexp"] {
        bench.ok(&format!("run x.npy -o whole.npy --device cpu --op {op}"));
        for device in common::adapters(&bench).iter().map(ToString::to_string).chain(["cpu".to_owned()]) {
            // Less than a row; several devices at once.
            for devices in [format!("--device {device}"), format!("--device {device} --device cpu")] {
                let line = format!(
                    "run x.npy -o y.npy --op {op} {devices} --memory 256KiB --fallback cpu --check --json"
                );
                let json: serde_json::Value = serde_json::from_str(&bench.ok(&line)).unwrap();
                assert_eq!(json["stream"]["rows_were_cut"], true, "{line}");
                let same =
                    Command::new("cmp").args(["y.npy", "whole.npy"]).current_dir(bench.path("")).status();
                assert!(same.unwrap().success(), "{line}");
            }
        }
    }
}
