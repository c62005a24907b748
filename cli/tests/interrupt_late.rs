//! A run that is interrupted as it ends either leaves everything as it was and says so, or ends as if
//! nobody had asked.
#![cfg(unix)]

mod common;

use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{Bench, bytes, npy, text};

const LINE: &str = "run y.npy -o y.npy --device cpu";
const NOTHING: &str = "error: interrupted; no output was written\n";

/// An input of 4 MB, and what becomes of it.
fn files(bench: &Bench) -> (Vec<u8>, Vec<u8>) {
    let values: Vec<f32> = (0..1 << 20).map(|i| (i % 977) as f32 * 0.02).collect();
    let input = npy("<f4", "(1024, 1024)", &bytes(&values));
    bench.file("y.npy", &input);
    bench.ok(LINE);
    let output = std::fs::read(bench.path("y.npy")).unwrap();
    (input, output)
}

fn spawn(bench: &Bench, line: &str) -> Child {
    bench.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// At once: a command for it would take longer than what is to be met.
fn terminate(child: &Child, is_there: bool) {
    if is_there {
        // SAFETY: the child was not waited for, so that the number is still its own.
        unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    }
}

/// What a run says agrees with the file; whether it was finished.
#[track_caller]
fn agrees(bench: &Bench, output: &Output, (before, after): (&[u8], &[u8])) -> bool {
    let (file, said) = (std::fs::read(bench.path("y.npy")).unwrap(), text(&output.stderr));
    assert_eq!(bench.names(), ["y.npy"]);
    let status = output.status.code();
    if file == after {
        let report = text(&output.stdout);
        assert!(status == Some(0) && said.is_empty(), "the output is there: {status:?}, {said:?}");
        assert!(report.contains("output   y.npy"), "the report is missing: {report:?}");
        return true;
    }
    assert!(file == before, "neither the input nor the output");
    assert_eq!((status, said.as_str()), (Some(130), NOTHING));
    false
}

/// Waits until the unfinished file is there, or is not; `false` where the run has ended meanwhile.
fn until(bench: &Bench, child: &mut Child, is_there: bool) -> bool {
    let since = Instant::now();
    while bench.path(".y.npy.unfinished").exists() != is_there {
        assert!(since.elapsed() < Duration::from_secs(60), "it neither begins nor ends");
        if child.try_wait().unwrap().is_some() {
            return false;
        }
    }
    true
}

#[test]
fn a_run_whose_output_has_its_name_ends_as_finished() {
    let bench = Bench::new();
    let (input, output) = files(&bench);
    let (mut met, mut finished) = (0, 0);
    for _ in 0..40 {
        bench.file("y.npy", &input);
        let mut child = spawn(&bench, LINE);
        // The moment in which it gets its name.
        let is_met = until(&bench, &mut child, true) && until(&bench, &mut child, false);
        terminate(&child, is_met);
        let is_finished = agrees(&bench, &child.wait_with_output().unwrap(), (&input, &output));
        (met, finished) = (met + u32::from(is_met), finished + u32::from(is_finished));
    }
    assert_eq!(finished, 40);
    assert!(met >= 10, "only {met} runs were met as they ended");
}

#[test]
fn whenever_a_run_is_interrupted_it_says_what_is_there() {
    let bench = Bench::new();
    let (input, output) = files(&bench);
    bench.file("y.npy", &input);
    let since = Instant::now();
    bench.ok(LINE);
    let whole = since.elapsed();
    for turn in 0..60 {
        bench.file("y.npy", &input);
        let mut child = spawn(&bench, LINE);
        // Before that a signal ends the process as it ends any other.
        let begun = until(&bench, &mut child, true);
        std::thread::sleep(whole * turn / 60);
        terminate(&child, begun);
        agrees(&bench, &child.wait_with_output().unwrap(), (&input, &output));
    }
}

#[test]
fn what_has_gone_into_a_pipe_is_not_denied() {
    let bench = Bench::new();
    assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    let mut child = spawn(&bench, "run pipe -o /dev/stdout --device cpu");
    let mut pipe = std::fs::File::options().write(true).open(bench.path("pipe")).unwrap();
    pipe.write_all(&npy("<f4", "(1000,)", &[0; 400])).unwrap();
    let mut magic = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut magic).unwrap();
    assert_eq!(&magic, b"\x93NUMPY");
    terminate(&child, true);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(text(&output.stderr), "error: interrupted; the output is not complete\n");
}

#[test]
fn a_report_that_nobody_takes_holds_no_run_up() {
    let bench = Bench::new();
    bench.array("x.npy", "(1,)", &[1.0]);
    let mut ends = [0; 2];
    // SAFETY: there is room for both.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    fill(ends[1]);
    // SAFETY: the number is that of an end which nothing else owns.
    let full = unsafe { <std::fs::File as std::os::fd::FromRawFd>::from_raw_fd(ends[1]) };
    let mut command = bench.command("run x.npy -o y.npy --device cpu");
    let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    while !bench.path("y.npy").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    terminate(&child, true);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "interrupted; the output was written, the report of it was not\n");
}

/// Fills a pipe, which then takes nothing until it is read.
fn fill(end: i32) {
    // SAFETY: the calls read the one buffer, and change nothing but the flags of this pipe.
    unsafe {
        let flags = libc::fcntl(end, libc::F_GETFL);
        libc::fcntl(end, libc::F_SETFL, flags | libc::O_NONBLOCK);
        while libc::write(end, [0u8; 512].as_ptr().cast(), 512) > 0 {}
        while libc::write(end, [0u8; 1].as_ptr().cast(), 1) > 0 {}
        libc::fcntl(end, libc::F_SETFL, flags);
    }
}
