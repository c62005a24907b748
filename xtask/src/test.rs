//! `cargo xtask test`: every test of the workspace, with an adapter to run them on.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::shell::{cargo, executables, run};
use crate::{machine, shell};

/// What the library leaves out unless asked for, and the tests cover.
const FEATURES: &str = "wgpu-softmax/ndarray,wgpu-softmax/serde";

/// Runs unit, integration and documentation tests and every example. `full` adds all of it in the
/// release profile, with the tests marked `#[ignore]` for their length. `extra` goes to the tests.
///
/// # Errors
/// Where something fails, or the machine has no adapter and none can be installed.
pub fn test(full: bool, extra: &[String]) -> Result<()> {
    let start = Instant::now();
    machine::prepare()?;
    // The development profile is optimised enough, and checks overflow and debug assertions.
    run(&mut tests(&["--workspace", "--features", FEATURES], extra))?;
    examples()?;
    mpi(extra)?;
    if full {
        let ignored = [&["--include-ignored".to_owned()], extra].concat();
        let targets = ["--workspace", "--features", FEATURES, "--release", "--lib", "--bins", "--tests"];
        run(&mut tests(&targets, &ignored))?;
    }
    println!("\nAll tests passed in {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}

fn tests(arguments: &[&str], extra: &[String]) -> Command {
    let mut command = cargo("test", arguments);
    // One run shows all that is wrong.
    command.arg("--no-fail-fast").env("RUST_BACKTRACE", "1");
    if !extra.is_empty() {
        command.arg("--").args(extra);
    }
    command
}

/// Every example runs without arguments and succeeds.
fn examples() -> Result<()> {
    let mut build =
        cargo("build", ["--workspace", "--features", FEATURES, "--examples", "--message-format=json"]);
    for example in executables(&mut build)?.iter().filter(|e| e.kind == "example") {
        run(Command::new(&example.path).current_dir(shell::root()))?;
    }
    Ok(())
}

/// The jobs of several ranks: a package of its own, since it takes Open MPI to build.
fn mpi(extra: &[String]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("\nleft out: examples/mpi, which is tested on Linux alone");
        return Ok(());
    }
    let target = shell::root().join("target/mpi");
    let place = ["--manifest-path", "examples/mpi/Cargo.toml", "--target-dir"];
    let mut tests = tests(&[&place[..], &[&target.to_string_lossy()]].concat(), extra);
    run(tests.env("RUSTFLAGS", one_level(std::env::var("RUSTFLAGS").unwrap_or_default())))
}

/// Flags of rustc with which the kernels are compiled for one level of instructions: which one computes what a rank has
/// is not what its jobs are about, and the bits are the same.
fn one_level(flags: String) -> String {
    let without = ["avx512", "avx2", "sse4_2"].map(|level| format!(" --cfg disable_dispatch_{level}"));
    flags + &without.concat()
}
