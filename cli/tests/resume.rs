//! A run that is ended in the middle is gone on with, to the same bytes, or is refused with a reason.
#![cfg(unix)]

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{Bench, npy, text};
use serde_json::Value;

const COLS: usize = 1000;

/// An input of so many rows whose values differ from row to row.
fn input(bench: &Bench, name: &str, rows: usize) {
    let row = |row: usize| (0..COLS).map(move |col| ((row * 31 + col * col) % 977) as f32 * 0.02);
    let data: Vec<u8> = (0..rows).flat_map(row).flat_map(f32::to_le_bytes).collect();
    bench.file(name, &npy("<f4", &format!("({rows}, {COLS})"), &data));
}

/// Runs the command where no file may grow beyond so many bytes.
fn limited(bench: &Bench, bytes: usize, line: &str) -> Output {
    let mut shell = Command::new("bash");
    let limit = format!("ulimit -f {}; exec \"$@\"", bytes / 1024);
    shell.args(["-c", &limit, "bash", env!("CARGO_BIN_EXE_softmax")]).args(line.split_whitespace());
    shell.current_dir(bench.path("")).stdin(Stdio::null()).output().unwrap()
}

/// A run that ended in the middle for certain: there was no room for more.
fn interrupted(rows: usize) -> Bench {
    let bench = Bench::new();
    input(&bench, "x.npy", rows);
    bench.ok("run x.npy -o whole.npy --device cpu --op log-softmax");
    let output = limited(&bench, 100 << 20, "run x.npy -o y.npy --device cpu --op log-softmax");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("y.npy: writing") && said.contains("go on with --resume"), "{said}");
    assert_eq!(said.lines().count(), 1);
    assert_eq!(bench.names(), [".y.npy.journal", ".y.npy.unfinished", "whole.npy", "x.npy"]);
    bench
}

const ROWS: usize = 40_000;

/// Resumes, and gives the rows that had not to be computed again.
#[track_caller]
fn resume(bench: &Bench) -> u64 {
    let json: Value =
        serde_json::from_str(&bench.ok("run x.npy -o y.npy --device cpu --op log-softmax --resume --json"))
            .unwrap();
    assert_eq!(bench.names(), ["whole.npy", "x.npy", "y.npy"]);
    let files = ["y.npy", "whole.npy"].map(|name| std::fs::read(bench.path(name)).unwrap());
    assert!(files[0] == files[1], "the resumed file differs");
    let rows = json["stream"]["resumed_rows"].as_u64().unwrap();
    assert_eq!(json["stream"]["rows"].as_u64().unwrap(), ROWS as u64 - rows);
    rows
}

#[test]
fn a_full_disk_is_told_and_the_run_resumed() {
    let bench = interrupted(ROWS);
    // 100 MiB of 4000 bytes a row, less what lies behind the last mark.
    let rows = resume(&bench);
    assert!((12_000..26_300).contains(&rows), "{rows}");
    // With nothing left it begins at the first row.
    std::fs::remove_file(bench.path("y.npy")).unwrap();
    assert_eq!(resume(&bench), 0);
    let report = bench.ok("run x.npy -o y.npy --device cpu --op log-softmax --resume");
    assert!(report.contains("resumed  nothing was left to go on with"), "{report}");
}

#[test]
fn damage_is_found_and_computed_again() {
    let bench = interrupted(ROWS);
    let unfinished = bench.path(".y.npy.unfinished");
    let file = File::options().read(true).write(true).open(&unfinished).unwrap();
    let whole = file.metadata().unwrap().len();
    // Behind the first mark, in the middle of what is done.
    file.write_all_at(&[0xff], whole / 2).unwrap();
    let kept = [".y.npy.journal", ".y.npy.unfinished"].map(|name| std::fs::read(bench.path(name)).unwrap());
    let rows = resume(&bench);
    assert!(rows > 0 && rows < whole / 2 / 4000, "{rows}");
    let put_back = || {
        std::fs::write(bench.path(".y.npy.journal"), &kept[0]).unwrap();
        std::fs::write(bench.path(".y.npy.unfinished"), &kept[1]).unwrap();
    };
    // In its header; cut short; a journal that is none.
    put_back();
    File::options().write(true).open(&unfinished).unwrap().write_all_at(b"?", 3).unwrap();
    assert_eq!(resume(&bench), 0);
    put_back();
    File::options().write(true).open(&unfinished).unwrap().set_len(1000).unwrap();
    assert_eq!(resume(&bench), 0);
    put_back();
    bench.file(".y.npy.journal", b"\xff\x00 nothing\n{}");
    assert_eq!(resume(&bench), 0);
    put_back();
    std::fs::remove_file(&unfinished).unwrap();
    assert_eq!(resume(&bench), 0);
}

#[test]
fn another_run_is_not_gone_on_with() {
    let bench = interrupted(ROWS);
    for (line, word) in [
        ("run x.npy -o y.npy --device cpu --resume", "the operation log-softmax"),
        ("run x.npy -o y.npy --device cpu --op log-softmax --scale 2 --resume", "scale 1, "),
        ("run whole.npy -o y.npy --device cpu --op log-softmax --resume", "input has been changed"),
    ] {
        let output = bench.run(line);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(word) && said.contains("leave --resume out"), "{said:?} does not say {word:?}");
        assert_eq!(bench.names(), [".y.npy.journal", ".y.npy.unfinished", "whole.npy", "x.npy"]);
    }
    // Without --resume a run begins anew, and leaves nothing of the old one.
    bench.ok("run x.npy -o y.npy --device cpu");
    assert_eq!(bench.names(), ["whole.npy", "x.npy", "y.npy"]);
}

#[test]
fn what_cannot_be_resumed_is_told() {
    let bench = Bench::new();
    bench.array("x.npy", "(1,)", &[1.0]);
    let cat = format!(
        "cat x.npy | {} run /dev/stdin -o y.npy --device cpu --resume",
        env!("CARGO_BIN_EXE_softmax")
    );
    let output = Command::new("sh").args(["-c", &cat]).current_dir(bench.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("a pipe cannot be read again"), "{}", text(&output.stderr));
    let output = bench.run("run x.npy -o /dev/null --device cpu --resume");
    assert!(text(&output.stderr).contains("leave --resume out"), "{}", text(&output.stderr));
    assert_eq!(bench.names(), ["x.npy"]);
}

/// Zeros that take no room on the disk, so many MiB.
fn zeros(bench: &Bench, mebibytes: usize) {
    let rows = mebibytes << 8;
    let header = npy("<f4", &format!("({rows}, 1024)"), &[]);
    let file = File::create(bench.path("x.npy")).unwrap();
    file.write_all_at(&header, 0).unwrap();
    file.set_len((header.len() + (mebibytes << 20)) as u64).unwrap();
}

/// Begins a run, does something to it once rows are done, and gives its end. `None` where the run was
/// over by then.
fn in_the_middle(bench: &Bench, line: &str, act: impl FnOnce(u32)) -> Option<Output> {
    let mut child = bench.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let since = Instant::now();
    let marked =
        || std::fs::read(bench.path(".y.npy.journal")).is_ok_and(|j| j.split(|b| *b == b'\n').count() > 2);
    while !marked() {
        assert!(since.elapsed() < Duration::from_secs(120), "no mark was set: {:?}", bench.names());
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    act(child.id());
    let output = child.wait_with_output().unwrap();
    (!output.status.success()).then_some(output)
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// Tries until the run is met in its middle.
fn met(mut attempt: impl FnMut() -> Option<Output>) -> Output {
    (0..20).find_map(|_| attempt()).expect("a run of half a gigabyte was never met in its middle")
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes() {
    let bench = Bench::new();
    zeros(&bench, 512);
    bench.ok("run x.npy -o whole.npy --device cpu");
    for (name, status) in [("-KILL", None), ("-INT", Some(130))] {
        let output = met(|| {
            let _ = std::fs::remove_file(bench.path("y.npy"));
            in_the_middle(&bench, "run x.npy -o y.npy --device cpu", |child| signal(child, name))
        });
        assert_eq!(output.status.code(), status);
        if name == "-INT" {
            let said = text(&output.stderr);
            assert_eq!(
                said,
                "error: interrupted; no output was written; what is done is kept, go on with --resume\n"
            );
        }
        assert_eq!(bench.names(), [".y.npy.journal", ".y.npy.unfinished", "whole.npy", "x.npy"], "{name}");
        let line = "run x.npy -o y.npy --device cpu --resume --json";
        let json: Value = serde_json::from_str(&bench.ok(line)).unwrap();
        assert!(json["stream"]["resumed_rows"].as_u64().unwrap() > 0, "{name}");
        let same =
            Command::new("cmp").arg(bench.path("y.npy")).arg(bench.path("whole.npy")).status().unwrap();
        assert!(same.success(), "{name}: the resumed file differs");
        std::fs::remove_file(bench.path("y.npy")).unwrap();
    }
}

#[test]
fn an_input_that_changes_meanwhile_is_told_and_nothing_written() {
    let bench = Bench::new();
    for (length, word) in
        [(Some(64 << 20), "it was shortened while it was read"), (None, "it was changed while")]
    {
        let output = met(|| {
            zeros(&bench, 512);
            let _ = std::fs::remove_file(bench.path("y.npy"));
            in_the_middle(&bench, "run x.npy -o y.npy --device cpu", |child| {
                // Stopped meanwhile, so that it has not read all of it before.
                signal(child, "-STOP");
                let file = File::options().write(true).open(bench.path("x.npy")).unwrap();
                match length {
                    Some(length) => file.set_len(length).unwrap(),
                    None => file.write_all_at(&[1], 1000).unwrap(),
                }
                signal(child, "-CONT");
            })
        });
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.starts_with("error: x.npy: ") && said.contains(word) && said.lines().count() == 1,
            "{said}"
        );
        assert_eq!(bench.names(), ["x.npy"]);
    }
}

#[test]
fn two_runs_do_not_write_one_file() {
    let bench = Bench::new();
    zeros(&bench, 512);
    let output = met(|| {
        let _ = std::fs::remove_file(bench.path("y.npy"));
        in_the_middle(&bench, "run x.npy -o y.npy --device cpu", |child| {
            signal(child, "-STOP");
            for line in ["run x.npy -o y.npy --device cpu", "run x.npy -o y.npy --device cpu --resume"] {
                let second = bench.run(line);
                let said = text(&second.stderr);
                assert!(said.contains("y.npy: another run is writing it"), "{said}");
            }
            signal(child, "-INT");
            signal(child, "-CONT");
        })
    });
    assert_eq!(output.status.code(), Some(130));
}
