//! `cargo xtask peers`: sets up the peers and runs the comparison of `benches/compare`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use softmax_compare::Options;

use crate::shell::{cargo, executables, root, run};

/// The Python peers' folder.
pub(crate) const SCRIPTS: &str = "benches/peers/python";
/// The versions that a virtual environment was made for, inside it.
const STAMP: &str = "softmax-peers-requirements.txt";

/// Builds the Rust peers, makes the Python ones' environment unless `venv` names one, and compares. A
/// peer that cannot be set up is named in the report with the reason.
///
/// # Errors
/// Where an option makes no sense, or the comparison itself fails.
pub fn peers(venv: Option<PathBuf>, mut options: Options) -> Result<()> {
    options.check()?;
    if let Some(venv) = &venv {
        ensure!(python(venv).exists(), "--venv {}: no {} is there", venv.display(), python(venv).display());
    }
    let folder = root().join("target/peers");
    let (rust, with_python) = options.needs();
    if rust {
        match build("softmax-peers", &rust_peers(&folder)) {
            Ok(program) => options.rust_peers = Some(program),
            Err(error) => options.because.push(format!("rust: {error:#}")),
        }
    }
    if with_python {
        options.scripts = Some(root().join(SCRIPTS));
        let venv = venv.map_or_else(|| install(&folder.join("venv")), Ok);
        match venv {
            Ok(venv) => options.python = Some(python(&venv)),
            Err(error) => {
                options.python = Some(python(&folder.join("venv")));
                options.because.push(format!("python: {error:#}"));
            }
        }
    }
    let driver = build("softmax-compare", &["--release", "-p", "softmax-compare"].map(String::from))?;
    options.out.get_or_insert_with(|| folder.join("report"));
    run(Command::new(driver).args(options.arguments()))
}

/// Where cargo builds the package that is no part of this workspace.
fn rust_peers(folder: &Path) -> [String; 5] {
    let target = folder.join("rust").to_string_lossy().into_owned();
    ["--release", "--manifest-path", "benches/peers/Cargo.toml", "--target-dir", &target].map(String::from)
}

fn build(name: &str, arguments: &[String]) -> Result<PathBuf> {
    let mut command = cargo("build", arguments);
    let built = executables(command.arg("--message-format=json-render-diagnostics"))?;
    let program = built.into_iter().find(|e| e.kind == "bin" && e.name == name);
    Ok(program.with_context(|| format!("cargo built no program {name}"))?.path)
}

/// An environment with exactly the locked packages; nothing is done where it was made for them.
fn install(venv: &Path) -> Result<PathBuf> {
    let locked = root().join(SCRIPTS).join("requirements.txt");
    let (wanted, stamp) = (fs::read_to_string(&locked)?, venv.join(STAMP));
    if fs::read_to_string(&stamp).is_ok_and(|made_for| made_for == wanted) {
        return Ok(venv.to_owned());
    }
    println!(
        "\nThe Python peers take 6 GB below {}; --venv names an environment that has them.",
        venv.display()
    );
    run(Command::new(system_python()).args(["-m", "venv"]).arg(venv))?;
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r"];
    run(Command::new(python(venv)).args(pip).arg(&locked))?;
    fs::write(&stamp, wanted)?;
    Ok(venv.to_owned())
}

fn system_python() -> &'static str {
    if cfg!(windows) { "python" } else { "python3" }
}

/// The interpreter of a virtual environment.
fn python(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}
