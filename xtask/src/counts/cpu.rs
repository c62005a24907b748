//! Instructions of the CPU kernels, counted by callgrind.
//!
//! One run of `benches/counts` under valgrind makes all calls; callgrind collects only below the
//! function that each call goes through, and writes its totals to a file of its own whenever that
//! returns. This needs no more than valgrind. iai-callgrind would need its runner besides, installed
//! in the very version of the crate on every machine, and starts valgrind anew for each case.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::file::{Counts, Metrics};
use crate::shell::{cargo, executables, output, root, shown};

/// The function of `benches/counts` that is counted, as callgrind shows it.
const COUNTED: &str = "softmax_counts::counted_call";
/// What is counted.
const METRIC: &str = "instr/elem";
/// `GLIBC_TUNABLES`: memory functions that do not depend on the machine's caches.
const TUNABLES: &str =
    "glibc.cpu.x86_rep_movsb_threshold=0x10000000:glibc.cpu.x86_rep_stosb_threshold=0x10000000";

/// The version of Rust's compiler.
///
/// # Errors
/// Where it does not start.
pub fn tool() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(Command::new(rustc).current_dir(root()).arg("--version"))?;
    let number = version.split_whitespace().nth(1).context("rustc --version names no version")?;
    Ok(format!("rustc {number}"))
}

/// What was counted, and the vector instructions that this machine lacks.
pub struct Counted {
    /// The counts.
    pub counts: Counts,
    /// Levels by their names; nothing is known of them here.
    pub lacking: Vec<String>,
}

/// Counts the cases whose names contain `filter`.
///
/// # Errors
/// Where it does not build or run, or callgrind saw other calls than the program made.
pub fn count(filter: &str) -> Result<Counted> {
    let build = ["--release", "-p", "softmax-counts", "--message-format=json"];
    let program = executables(&mut cargo("build", build))?.pop().context("cargo built no program")?;
    let folder = root().join("target/counts");
    // Totals of an earlier run.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let printed = callgrind(&program.path, &folder.join("calls"), filter)?;
    let (mut kernels, mut lacking, mut call) = (std::collections::BTreeMap::new(), Vec::new(), 0);
    for line in printed.lines() {
        let (name, value) = line.split_once('\t').with_context(|| format!("not a case: {line}"))?;
        if name == "lacks" {
            lacking.push(value.to_owned());
            continue;
        }
        call += 1;
        let total = total(&folder.join(format!("calls.{call}")))? as f64;
        kernels.insert(name.to_owned(), Metrics::from([(METRIC.to_owned(), total / value.parse::<f64>()?)]));
    }
    ensure!(!folder.join(format!("calls.{}", call + 1)).exists(), "callgrind saw more than the {call} calls");
    Ok(Counted { counts: Counts { tool: tool()?, kernels }, lacking })
}

fn callgrind(program: &Path, calls: &Path, filter: &str) -> Result<String> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--dump-after={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", calls.display()))
        .arg(program)
        .arg(filter)
        .env("GLIBC_TUNABLES", TUNABLES)
        .env_remove("VALGRIND_OPTS")
        .current_dir(root())
        .stdin(Stdio::null());
    println!("\n$ {}", shown(&command));
    output(&mut command)
}

/// The instructions that a file of callgrind's holds in all.
fn total(file: &Path) -> Result<u64> {
    let text = fs::read_to_string(file).with_context(|| format!("callgrind wrote no {}", file.display()))?;
    let totals = text.lines().find_map(|l| l.strip_prefix("totals: ").or(l.strip_prefix("summary: ")));
    match totals.and_then(|t| t.trim().parse().ok()) {
        Some(total) if total > 0 => Ok(total),
        _ => bail!("{}: no total", file.display()),
    }
}
