//! Running other programs, with what runs and how long it took on the screen.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// The workspace's folder: cargo says where this package is, also when the checkout has moved since
/// it was compiled.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(Path::parent).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// `cargo` in the workspace's folder, with the dependencies that the lock file names.
pub fn cargo<S: AsRef<OsStr>>(subcommand: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).arg(subcommand);
    if subcommand != "fmt" {
        cargo.arg("--locked");
    }
    // Set for this program by the cargo that runs it; packages built from here get their own.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        cargo.env_remove(name);
    }
    cargo.args(arguments);
    cargo
}

/// How a command is shown.
pub fn shown(command: &Command) -> String {
    let program =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(program.into()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Runs a command to its end; an exit status other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    println!("\n$ {shown}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start: {shown}"))?;
    println!("  {:.0} s", start.elapsed().as_secs_f64());
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Runs a command and returns its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start: {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Executables that a cargo command with `--message-format=json` reports, with their targets' kind
/// and name.
pub fn executables(command: &mut Command) -> Result<Vec<Executable>> {
    println!("\n$ {}", shown(command));
    let mut found = Vec::new();
    for line in output(command)?.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        if let Some(path) = message["executable"].as_str() {
            found.push(Executable {
                name: message["target"]["name"].as_str().unwrap_or_default().to_owned(),
                kind: message["target"]["kind"][0].as_str().unwrap_or_default().to_owned(),
                is_test: message["profile"]["test"].as_bool().unwrap_or(false),
                path: path.into(),
            });
        }
    }
    Ok(found)
}

/// A program that cargo built.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The target's name.
    pub name: String,
    /// "lib", "bin", "test", "example" or "bench".
    pub kind: String,
    /// Whether it was built as a test.
    pub is_test: bool,
    /// Where it is.
    pub path: PathBuf,
}
