//! `cargo xtask test`: every test of the workspace, with an adapter to run them on.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::shell::{cargo, executables, run};
use crate::{machine, shell};

/// Runs unit, integration and documentation tests and every example. `full` adds all of it in the
/// release profile, with the tests marked `#[ignore]` for their length. `extra` goes to the tests.
///
/// # Errors
/// Where something fails, or the machine has no adapter and none can be installed.
pub fn test(full: bool, extra: &[String]) -> Result<()> {
    let start = Instant::now();
    machine::prepare()?;
    // The development profile is optimised enough, and checks overflow and debug assertions.
    run(&mut tests(&["--workspace"], extra))?;
    examples()?;
    if full {
        let ignored = [&["--include-ignored".to_owned()], extra].concat();
        run(&mut tests(&["--workspace", "--release", "--lib", "--bins", "--tests"], &ignored))?;
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
    let mut build = cargo("build", ["--workspace", "--examples", "--message-format=json"]);
    for example in executables(&mut build)?.iter().filter(|e| e.kind == "example") {
        run(Command::new(&example.path).current_dir(shell::root()))?;
    }
    Ok(())
}
