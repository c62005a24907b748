//! Each example runs and prints what its text promises.

use std::path::Path;
use std::process::Command;

/// What an example prints. It is built with this test's features, for the whole workspace: that is how `cargo test` has
/// built it already, and anything else would compile the library's kernels once more.
fn run(name: &str) -> String {
    build(name);
    let place = std::env::current_exe().expect("this test is a file");
    let profile = place.parent().and_then(Path::parent).expect("it is in target/*/deps");
    let output = Command::new(profile.join("examples").join(name))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the example was built");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn build(name: &str) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--locked", "--workspace", "--profile", profile, "--example", name]);
    for (feature, is_on) in [("ndarray", cfg!(feature = "ndarray")), ("serde", cfg!(feature = "serde"))] {
        if is_on {
            build.args(["--features", &format!("wgpu-softmax/{feature}")]);
        }
    }
    let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(status.success(), "{build:?}: {status}");
}

/// The numbers of a printed line.
fn numbers(line: &str) -> Vec<f64> {
    line.split(['[', ']', ',', ' ']).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn quickstart_prints_the_known_values() {
    let text = run("quickstart");
    let line = |start: &str| {
        let found = text.lines().find(|line| line.starts_with(start));
        numbers(found.unwrap_or_else(|| panic!("no line {start:?} in {text}")))
    };
    let close = |got: &[f64], want: &[f64]| {
        assert_eq!(got.len(), want.len(), "{text}");
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() <= 1e-7), "{got:?} is not {want:?}");
    };
    let softmax = line("softmax");
    close(&softmax[..3], &[0.895_282_66, 0.024_708_31, 0.080_009_03]);
    close(&softmax[3..], &[0.090_030_57, 0.244_728_47, 0.665_240_96]);
    // Without the temperature's own number.
    close(&line("with temperature")[4..], &[0.186_323_72, 0.307_195_89, 0.506_480_39]);
}

#[test]
fn own_encoder_finds_rows_that_sum_to_one() {
    let text = run("own_encoder");
    let sum = text.lines().find_map(|line| line.strip_prefix("and sums to ")).expect("a sum");
    assert!((sum.parse::<f32>().unwrap() - 1.0).abs() < 1e-5, "{text}");
}

#[test]
fn compare_finds_equal_bits_on_every_adapter() {
    let text = run("compare");
    assert!(text.contains("bit-identical") && !text.contains("DIFFER"), "{text}");
}
