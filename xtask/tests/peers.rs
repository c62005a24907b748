//! The peers' own lock file keeps up with this workspace, without building or fetching them.

use std::collections::BTreeSet;
use std::process::Command;

use xtask::shell::{cargo, output, root};

/// The names of the packages that a lock file gives one package as dependencies.
fn locked(lock: &str, package: &str) -> BTreeSet<String> {
    let name = format!("name = \"{package}\"");
    let entry = lock.split("\n\n").find(|entry| entry.lines().any(|line| line == name));
    let entry = entry.unwrap_or_else(|| panic!("the lock file has {package}"));
    let quoted = entry.lines().filter_map(|line| line.trim().strip_prefix('"'));
    quoted.filter_map(|line| line.split(['"', ' ']).next()).map(str::to_owned).collect()
}

#[test]
fn the_peers_lock_file_has_what_our_packages_depend_on() {
    let lock = std::fs::read_to_string(root().join("benches/peers/Cargo.lock")).expect("it is there");
    let mut command: Command = cargo("metadata", ["--no-deps", "--offline", "--format-version", "1"]);
    let metadata: serde_json::Value =
        serde_json::from_str(&output(&mut command).expect("cargo answers")).expect("it is JSON");
    for package in ["wgpu-softmax", "softmax-compare"] {
        let all = metadata["packages"].as_array().expect("packages");
        let found = all.iter().find(|p| p["name"] == package).expect("a member");
        let dependencies = found["dependencies"].as_array().expect("dependencies").iter();
        // What is optional or only for tests is not locked where the package is a dependency.
        let needed: BTreeSet<String> = dependencies
            .filter(|d| d["kind"].is_null() && d["optional"] == false)
            .map(|d| d["name"].as_str().expect("a name").to_owned())
            .collect();
        assert_eq!(
            locked(&lock, package),
            needed,
            "run `cargo update --workspace --manifest-path benches/peers/Cargo.toml`"
        );
    }
}

#[test]
fn the_python_peers_are_locked_with_hashes() {
    let folder = root().join("benches/peers/python");
    let lock = std::fs::read_to_string(folder.join("requirements.txt")).expect("it is there");
    let wanted = std::fs::read_to_string(folder.join("requirements.in")).expect("it is there");
    let names = wanted.lines().filter(|line| !line.starts_with('#'));
    for name in names.filter_map(|line| line.split([';', ' ']).next()) {
        assert!(lock.lines().any(|line| line.starts_with(&format!("{name}=="))), "{name} is locked");
    }
    for entry in lock.split("\n").filter(|line| line.contains("==") && !line.trim_start().starts_with('#')) {
        assert!(entry.ends_with('\\'), "{entry} has a hash");
    }
}
