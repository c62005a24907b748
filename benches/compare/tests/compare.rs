//! The comparison without any other library: ours alone, peers that are not there, and programs that
//! play a peer.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const COMPARE: &str = env!("CARGO_BIN_EXE_softmax-compare");

fn compare(out: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(COMPARE);
    command.args(["--quick", "--rounds", "3", "--shapes", "40x3,2x300", "--out"]).arg(out);
    command.args(arguments).output().expect("it starts")
}

fn report(out: &Path) -> Value {
    let text = std::fs::read_to_string(out.join("report.json")).expect("a report was written");
    serde_json::from_str(&text).expect("it is JSON")
}

fn cell<'a>(line: &'a Value, name: &str) -> &'a Value {
    let cells = line["cells"].as_array().expect("a line has cells");
    cells.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("{name} has a cell"))
}

#[test]
fn ours_is_measured_and_whoever_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["--peers", "candle,numpy", "--threads", "1,2", "--scripts", "nowhere", "--because"];
    let output = compare(folder.path(), &[arguments.as_slice(), &["rust: no network"]].concat());
    assert!(output.status.success(), "{output:?}");
    let report = report(folder.path());

    let lines = report["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 4, "two shapes, with one thread and with two");
    for line in lines {
        let ours = cell(line, "reproducible");
        assert!(ours["times"]["wall"]["median"].as_f64().expect("a time") > 0.0);
        assert!(ours["errors"]["worst_ulp"].as_f64().expect("an error") <= 4.0);
        assert_eq!(ours["versus"][0]["ours"], "fast");
    }
    assert_eq!(report["missing"].as_array().expect("the missing").len(), 4);
    let markdown = std::fs::read_to_string(folder.path().join("report.md")).expect("Markdown");
    assert!(markdown.contains("| candle | CPU, 1 thread; CPU, 2 threads | not built"), "{markdown}");
    assert!(markdown.contains("(no network)") && markdown.contains("serve.py is not there"), "{markdown}");
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect("a page");
    assert!(page.contains("<td>40 x 3</td>") && !page.contains("href"), "it needs no other file");
}

#[test]
fn special_rows_say_what_each_gives() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = compare(folder.path(), &["--peers", "candle", "--threads", "1"]);
    assert!(output.status.success(), "{output:?}");
    let report = report(folder.path());
    let special = report["special"].as_array().expect("special rows");
    let of = |what: &str| {
        let line = special.iter().find(|s| s["what"] == what).expect("the row is there");
        let bits = cell(line, "reproducible")["found"].as_array().expect("results").clone();
        bits.iter().map(|b| f32::from_bits(b.as_u64().expect("bits") as u32)).collect::<Vec<f32>>()
    };
    assert!(of("NaN among others").iter().all(|y| y.is_nan()));
    assert_eq!(of("both ends of the range"), [1.0, 0.0]);
    assert!(of("a row of no columns").is_empty());
}

#[test]
fn an_option_that_makes_no_sense_is_told_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, told) in [
        (["--peers", "pytorch"], "--peers pytorch: there are numpy, torch"),
        (["--elements", "0"], "--elements 0 makes no batch"),
        (["--shapes", "4294967296x4096"], "more than 2^32 elements"),
        (["--shapes", "0x3"], "\"0x3\" is neither columns nor ROWSxCOLS"),
    ] {
        let mut command = Command::new(COMPARE);
        let output = command.arg("--out").arg(folder.path()).args(arguments).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(told), "{said}");
    }
    assert!(!folder.path().join("report.json").exists());
}

/// Shell scripts in place of numpy.
#[cfg(unix)]
mod players {
    use super::*;

    /// Runs with a shell that takes the script for serve.py.
    fn with(script: &str) -> Value {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("serve.py"), script).expect("a script");
        let scripts = folder.path().to_str().expect("the path is text");
        let peer = ["--peers", "numpy", "--threads", "1", "--no-gpu"];
        let output = compare(folder.path(), &[&peer[..], &["--python", "sh", "--scripts", scripts]].concat());
        assert!(output.status.success(), "{output:?}");
        report(folder.path())
    }

    #[test]
    fn a_peer_has_ratios_and_errors() {
        // A peer that is ours under another name.
        let report = with(&format!("shift; exec {COMPARE} serve fast \"$@\""));
        for line in report["lines"].as_array().expect("lines") {
            let peer = cell(line, "numpy");
            let names: Vec<_> =
                peer["versus"].as_array().expect("ratios").iter().map(|v| &v["ours"]).collect();
            assert_eq!(names, ["reproducible", "fast"]);
            assert!(peer["versus"][0]["wall"].as_f64().expect("a ratio") > 0.0);
            assert!(peer["errors"]["worst_ulp"].as_f64().expect("an error") < 100.0);
        }
        assert_eq!(report["missing"].as_array().expect("a list").len(), 0);
    }

    #[test]
    fn a_peer_that_dies_has_its_last_words_in_the_report() {
        let report = with(
            "echo '{\"ok\":{\"version\":\"1\",\"setting\":\"none\"}}'; read line; echo '{\"ok\":null}'; \
             read line; echo 'out of luck' >&2; exit 3",
        );
        let lines = report["lines"].as_array().expect("lines");
        assert_eq!(lines.len(), 2, "it is started again for the next shape");
        for line in lines {
            let why = cell(line, "numpy")["failed"].as_str().expect("it failed").to_owned();
            assert_eq!(why, "it ended (exit status: 3): out of luck");
            assert!(cell(line, "fast")["times"].is_object(), "the others go on");
        }
    }

    #[test]
    fn a_peer_that_says_no_is_missing() {
        let report = with("echo '{\"error\":\"no such card\"}'");
        assert_eq!(report["missing"][0]["why"], "no such card");
        let report = with("echo 'hello'");
        assert_eq!(report["missing"][0]["why"], "no answer: \"hello\": expected value at line 1 column 1");
    }
}
