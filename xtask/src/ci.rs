//! `cargo xtask ci`: everything that a change must pass.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::shell::{cargo, output, root, run};
use crate::test::test;
use crate::{counts, machine};

/// Dependencies that the library and the command may both name. Anything else that the command
/// depends on must stay out of the library's tree: whoever takes the library must not pay for it.
const SHARED: [&str; 8] =
    ["bytemuck", "half", "libc", "ndarray", "pollster", "rayon", "wgpu", "wgpu-softmax"];

/// Formatting, lints, documentation, features, dependencies, the package, instruction counts, the tests.
///
/// # Errors
/// With the first step that fails.
pub fn ci() -> Result<()> {
    let start = Instant::now();
    run(&mut cargo("fmt", ["--all", "--check"]))?;
    run(&mut cargo("fmt", ["--manifest-path", "examples/mpi/Cargo.toml", "--check"]))?;
    run(&mut cargo("clippy", ["--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    run(cargo("doc", ["--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    run(&mut cargo("check", ["-p", "wgpu-softmax", "--no-default-features"]))?;
    run(&mut cargo("check", ["-p", "wgpu-softmax", "--features", "ndarray,serde"]))?;
    dependencies()?;
    package()?;
    machine::prepare()?;
    counts::counts(&counts::Kind::ALL, "", false)?;
    test(false, &[])?;
    println!("\nEverything passed in {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}

fn tree(arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = cargo("tree", ["-e", "normal", "--prefix", "none", "--format", "{p}"]);
    let lines = output(command.args(arguments))?;
    Ok(lines.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_owned).collect())
}

/// The library's dependencies hold none of those that only the command needs.
fn dependencies() -> Result<()> {
    let library = tree(&["-p", "wgpu-softmax", "--features", "ndarray"])?;
    let command = tree(&["-p", "softmax-cli", "--depth", "1"])?;
    let strays: Vec<_> = command
        .iter()
        .filter(|name| *name != "softmax-cli" && !SHARED.contains(&name.as_str()) && library.contains(name))
        .collect();
    ensure!(strays.is_empty(), "the library depends on what belongs to the command: {strays:?}");
    println!("\nthe library's {} dependencies hold none of the command's", library.len() - 1);
    Ok(())
}

/// The package holds every shader, the documents that its manifest names, and all that its code takes.
fn package() -> Result<()> {
    // A change that is not yet committed can be checked too; what is released comes from a clean tree.
    let status = output(Command::new("git").args(["status", "--porcelain"]).current_dir(root()));
    let dirty = !status.unwrap_or_default().is_empty();
    let allow: &[&str] = if dirty { &["--allow-dirty"] } else { &[] };
    let mut list = cargo("package", ["-p", "wgpu-softmax", "--list"]);
    let listed = output(list.args(allow))?;
    for needed in needed_in_package()? {
        if !listed.lines().any(|l| l == needed) {
            bail!("the package lacks {needed}; see `include` in Cargo.toml");
        }
    }
    let target = root().join("target");
    let mut package = cargo("package", ["-p", "wgpu-softmax", "--no-verify", "--target-dir"]);
    run(package.arg(&target).args(allow))?;
    let library = format!("wgpu-softmax-{}", env!("CARGO_PKG_VERSION"));
    let archive = target.join("package").join(format!("{library}.crate"));
    // Elsewhere, since cargo would take what lies below this workspace for a part of it.
    let place = std::env::temp_dir().join(format!("package-{}", std::process::id()));
    std::fs::create_dir_all(&place)?;
    let checked = check_package(&archive, &place, &library, &target);
    std::fs::remove_dir_all(&place)?;
    checked
}

/// Unpacks a package and checks what it holds. Cargo would build it, which says no more of its files: the kernels
/// are compiled for each level of instructions once more, and take minutes.
fn check_package(archive: &Path, place: &Path, library: &str, target: &Path) -> Result<()> {
    run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(place))?;
    let manifest = place.join(library).join("Cargo.toml");
    let mut check = cargo("check", ["--manifest-path"]);
    run(check.arg(manifest).arg("--target-dir").arg(target))
}

fn needed_in_package() -> Result<Vec<String>> {
    let mut needed: Vec<_> =
        ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"].map(str::to_owned).into();
    for shader in std::fs::read_dir(root().join("shaders"))? {
        needed.push(format!("shaders/{}", shader?.file_name().to_string_lossy()));
    }
    Ok(needed)
}
