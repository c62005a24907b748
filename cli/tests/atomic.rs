//! A run that is ended early leaves nothing under the output's name, whenever it ends.
#![cfg(unix)]

mod common;

use std::fs::File;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Bench, npy, text};

/// 64 MiB of zeros that take no room on the disk.
const ROWS: usize = 16384;
const BYTES: usize = ROWS * 1024 * 4;

fn large_input(bench: &Bench) {
    let header = npy("<f4", &format!("({ROWS}, 1024)"), &[]);
    let file = File::create(bench.path("x.npy")).unwrap();
    (&file).write_all(&header).unwrap();
    file.set_len((header.len() + BYTES) as u64).unwrap();
}

fn spawn(bench: &Bench, line: &str) -> Child {
    bench.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn is_unfinished(name: &str) -> bool {
    name == ".y.npy.unfinished"
}

/// Waits until the process has begun its file.
fn wait_for_unfinished(bench: &Bench) {
    let since = Instant::now();
    while !bench.names().iter().any(|name| is_unfinished(name)) {
        assert!(since.elapsed() < Duration::from_secs(60), "no file was begun: {:?}", bench.names());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A run in the middle for certain: it waits for the rest of its input, which comes through a pipe.
fn run_that_waits(bench: &Bench) -> (Child, File) {
    run_that_waits_in(bench, "")
}

/// The same, begun by a shell that does something first.
fn run_that_waits_in(bench: &Bench, first: &str) -> (Child, File) {
    assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    bench.file("y.npy", b"old");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first}\nexec \"$@\""), "sh", env!("CARGO_BIN_EXE_softmax")]);
    shell.args(["run", "pipe", "-o", "y.npy", "--device", "cpu"]).current_dir(bench.path(""));
    let child = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = File::options().write(true).open(bench.path("pipe")).unwrap();
    pipe.write_all(&npy("<f4", "(1000,)", &[0; 400])).unwrap();
    wait_for_unfinished(bench);
    (child, pipe)
}

#[test]
fn an_interruption_removes_the_unfinished_file() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let bench = Bench::new();
        let (child, pipe) = run_that_waits(&bench);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        drop(pipe);
        assert_eq!(output.status.code(), Some(130), "{name}");
        assert_eq!(text(&output.stderr), "error: interrupted; no output was written\n");
        assert_eq!(bench.names(), ["pipe", "y.npy"]);
        assert_eq!(std::fs::read(bench.path("y.npy")).unwrap(), b"old");
    }
}

#[test]
fn each_signal_is_heeded_or_ignored_on_its_own() {
    for (ignored, heeded) in [("HUP", "TERM"), ("INT", "TERM"), ("INT", "HUP"), ("TERM", "INT")] {
        let bench = Bench::new();
        let (mut child, pipe) = run_that_waits_in(&bench, &format!("trap '' {ignored}"));
        signal(&child, &format!("-{ignored}"));
        std::thread::sleep(Duration::from_millis(100));
        assert!(child.try_wait().unwrap().is_none(), "{ignored} is not ignored any more");
        assert!(bench.names().iter().any(|name| is_unfinished(name)));
        signal(&child, &format!("-{heeded}"));
        let output = child.wait_with_output().unwrap();
        drop(pipe);
        assert_eq!(output.status.code(), Some(130), "{heeded} with {ignored} ignored");
        assert_eq!(bench.names(), ["pipe", "y.npy"]);
    }
}

#[test]
fn a_kill_leaves_the_old_output() {
    let bench = Bench::new();
    let (mut child, pipe) = run_that_waits(&bench);
    signal(&child, "-KILL");
    child.wait().unwrap();
    drop(pipe);
    assert_eq!(std::fs::read(bench.path("y.npy")).unwrap(), b"old");
    // Nobody could remove it any more; it lies there under a name that tells what it is.
    assert_eq!(bench.names().iter().filter(|name| is_unfinished(name)).count(), 1);
}

#[test]
fn an_input_that_ends_early_leaves_nothing() {
    let bench = Bench::new();
    let (child, pipe) = run_that_waits(&bench);
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("4000 bytes of data and the file has 400"));
    assert_eq!(bench.names(), ["pipe", "y.npy"]);
}

#[test]
fn at_no_time_is_there_half_a_file() {
    let bench = Bench::new();
    large_input(&bench);
    for (i, kill) in ["-KILL", "-INT"].into_iter().cycle().take(16).enumerate() {
        let mut child = spawn(&bench, "run x.npy -o y.npy --device cpu");
        wait_for_unfinished(&bench);
        std::thread::sleep(Duration::from_millis(8 * i as u64));
        // It may have ended by now, which is as good.
        let _ = Command::new("kill").args([kill, &child.id().to_string()]).stderr(Stdio::null()).status();
        child.wait().unwrap();
        if let Ok(file) = std::fs::metadata(bench.path("y.npy")) {
            assert_eq!(file.len(), (128 + BYTES) as u64, "half a file after {kill}, turn {i}");
            std::fs::remove_file(bench.path("y.npy")).unwrap();
        }
        let marked = bench.names().iter().any(|name| name == ".y.npy.journal");
        for name in bench.names().iter().filter(|name| is_unfinished(name)) {
            let is_fine = kill == "-KILL" || marked;
            assert!(is_fine, "{name} is left after an interruption, with nothing to resume, turn {i}");
            std::fs::remove_file(bench.path(name)).unwrap();
        }
        if marked {
            std::fs::remove_file(bench.path(".y.npy.journal")).unwrap();
        }
    }
}
