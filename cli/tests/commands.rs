//! The commands beside `run`.

mod common;

use std::process::Stdio;

use common::{Bench, text};
use serde_json::Value;

#[test]
fn devices_are_listed_with_what_auto_takes() {
    let bench = Bench::new();
    let list = bench.ok("devices");
    assert!(list.contains("\ncpu  ") || list.starts_with("cpu  "), "{list}");
    assert!(list.contains("auto takes "), "{list}");
    let json: Value = serde_json::from_str(&bench.ok("devices --json")).unwrap();
    assert!(json["cpu"]["threads"].as_u64().unwrap() > 0);
    assert!(json["auto"]["reason"].is_string());
    for (i, adapter) in json["adapters"].as_array().unwrap().iter().enumerate() {
        assert_eq!(adapter["index"], i);
        assert!(list.contains(adapter["name"].as_str().unwrap()));
    }
}

#[test]
fn a_variable_that_hides_adapters_is_told() {
    let bench = Bench::new();
    for line in ["devices", "run x.npy -o y.npy --device 0"] {
        bench.array("x.npy", "(1,)", &[1.0]);
        let output = bench.command(line).env("WGPU_BACKEND", "none-such").output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains("WGPU_BACKEND is set to \"none-such\""), "{line}: {said}");
    }
    assert!(!bench.ok("devices").contains("WGPU_BACKEND") || std::env::var_os("WGPU_BACKEND").is_some());
}

#[test]
fn the_cpu_is_verified() {
    let bench = Bench::new();
    let table = bench.ok("verify --device cpu");
    assert!(table.contains("every bit equal"), "{table}");
    let json: Value = serde_json::from_str(&bench.ok("verify --device cpu --json")).unwrap();
    assert_eq!(json["passed"], true);
    let operations = json["devices"][0]["kernels"][0]["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 4);
    assert!(operations.iter().filter(|op| op["cases"].as_u64().unwrap() > 100).count() >= 3);
}

#[cfg(unix)]
#[test]
fn an_interrupted_verification_says_so() {
    let bench = Bench::new();
    let mut child = bench
        .command("verify --device cpu --full")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Time enough to begin, and far less than the battery takes.
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "the battery was over before it could be interrupted");
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(kill.success());
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "error: interrupted; no output was written\n");
}

#[test]
fn completions_are_made_for_every_shell() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.ok(&format!("completions {shell}"));
        assert!(script.contains("softmax") && script.contains("temperature"), "{shell}");
    }
}

#[test]
fn manual_pages_are_made_for_every_command() {
    let bench = Bench::new();
    assert!(bench.ok("man").contains(".TH softmax 1"));
    for command in ["run", "devices", "tune", "verify", "bench", "completions", "man"] {
        let page = bench.ok(&format!("man {command}"));
        assert!(page.contains(&format!("softmax-{command}")), "{command}");
        assert!(page.contains("\"softmax 0."), "{command}");
    }
}

#[test]
fn help_and_version_are_there() {
    let bench = Bench::new();
    assert!(bench.ok("--version").starts_with("softmax 0."));
    assert!(bench.ok("run --help").contains("--temperature"));
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_left_is_no_failure() {
    let bench = Bench::new();
    for line in ["completions zsh", "man run", "devices --json", "verify --device cpu", "run --help"] {
        let mut child = bench.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{line}: {}", text(&output.stderr));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_told() {
    let bench = Bench::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    for line in ["verify --device cpu --json", "--help", "bench --help", "--version"] {
        let output = bench.command(line).stdout(full.try_clone().unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        let said = text(&output.stderr);
        assert!(said.starts_with("error: standard output: No space left"), "{line}: {said}");
    }
}
