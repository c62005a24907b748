//! `cargo xtask bundle`: what a machine with a GPU and without Rust needs to check and measure the
//! library. `docs/bundle.md` says how it is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::peers;
use crate::shell::{Executable, cargo, executables, root, run};

/// The script that runs there.
const RUN: &str = include_str!("run.sh");
/// What still travels comfortably.
const LIMIT: u64 = 100 << 20;
/// Files that tests read at run time, below the package's folder.
const DATA: [&str; 3] = ["tests", "shaders", "cli/tests"];

/// Test programs that need tools or Rust instead of a GPU.
const LEFT_OUT: [&str; 2] = ["translate", "examples"];

/// Builds it all into `out`, which is replaced.
///
/// # Errors
/// Where something does not build, or the result is larger than 100 MiB.
pub fn bundle(out: Option<PathBuf>) -> Result<()> {
    let out = out.unwrap_or_else(|| root().join("target/bundle"));
    replace(&out)?;
    let format = "--message-format=json";
    // The comparison's own tests need cargo's folders, and no GPU.
    let members = ["--workspace", "--exclude", "xtask", "--exclude", "softmax-compare"];
    let programs = ["--release", "-p", "softmax-cli", "-p", "softmax-compare", "--bins", format];
    let mut command = cargo("build", programs);
    for built in executables(&mut command)? {
        put(&built, &out.join(&built.name))?;
    }
    let mut tests = cargo("test", ["--release", "--no-run", "--lib", "--bins", "--tests", format]);
    for built in
        executables(tests.args(members))?.iter().filter(|e| e.is_test && !LEFT_OUT.contains(&e.name.as_str()))
    {
        put(built, &out.join("tests").join(format!("{}-{}", built.kind, built.name)))?;
    }
    let mut benches = cargo("bench", ["--no-run", "--benches", format]);
    for built in executables(benches.args(members))?.iter().filter(|e| e.kind == "bench") {
        put(built, &out.join("benches").join(&built.name))?;
    }
    for folder in DATA.iter().filter(|folder| root().join(folder).exists()) {
        copy_data(&root().join(folder), &out.join("data").join(folder))?;
    }
    copy_data(&root().join(peers::SCRIPTS), &out.join("peers"))?;
    script(&out.join("run.sh"))?;
    let size = size(&out)?;
    println!("\nit needs glibc 2.{} or later", glibc(&out)?);
    println!("{}: {:.1} MiB; copy it and run ./run.sh there", out.display(), size as f64 / 1048576.0);
    ensure!(size <= LIMIT, "that is more than {} MiB; take something out", LIMIT >> 20);
    Ok(())
}

/// An empty folder in place of an earlier bundle; nothing else is ever removed.
fn replace(out: &Path) -> Result<()> {
    if out.exists() {
        let bundle = out.join("run.sh").exists() || fs::read_dir(out)?.next().is_none();
        ensure!(bundle, "{} is there and is no bundle; give another folder", out.display());
        fs::remove_dir_all(out)?;
    }
    for folder in ["tests", "benches", "data"] {
        fs::create_dir_all(out.join(folder))?;
    }
    Ok(())
}

/// Copies a program without its symbols, which are most of its size.
fn put(built: &Executable, to: &Path) -> Result<()> {
    fs::copy(&built.path, to).with_context(|| format!("copying {}", built.path.display()))?;
    run(Command::new("strip").arg("--strip-all").arg(to))
}

fn copy_data(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == "__pycache__" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_data(&entry.path(), &target)?;
        } else if entry.path().extension().is_none_or(|e| e != "rs") {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn script(to: &Path) -> Result<()> {
    fs::write(to, RUN)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// The newest minor version of glibc 2 whose symbols a bundle's programs ask for.
fn glibc(bundle: &Path) -> Result<u32> {
    const PREFIX: &[u8] = b"GLIBC_2.";
    let mut newest = 0;
    for folder in [bundle.to_owned(), bundle.join("tests"), bundle.join("benches")] {
        for program in fs::read_dir(folder)?.flatten().filter(|p| p.path().is_file()) {
            let bytes = fs::read(program.path())?;
            for (at, _) in bytes.windows(PREFIX.len()).enumerate().filter(|(_, w)| *w == PREFIX) {
                let digits = bytes[at + PREFIX.len()..].iter().take_while(|b| b.is_ascii_digit());
                newest = newest.max(digits.fold(0, |n, b| n * 10 + u32::from(b - b'0')));
            }
        }
    }
    Ok(newest)
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
