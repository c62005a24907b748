//! Profiles: found by measurement, written whole, loaded, and refused with the line that is wrong.

mod common;

use common::{Bench, adapters, text};

#[test]
fn a_profile_is_measured_written_and_loaded_and_the_bits_stay() {
    let bench = Bench::new();
    bench.array("x.npy", "(5, 12)", &(0..60).map(|i| i as f32 * 0.37 - 9.0).collect::<Vec<_>>());
    bench.ok("run x.npy -o cpu.npy --device cpu");
    for device in adapters(&bench) {
        let table = bench.ok(&format!("tune --device {device} --quick --cols 16 --out own.profile"));
        for word in ["columns", "fastest", "\n16 ", "\n15 "] {
            assert!(table.contains(word), "{table}");
        }
        let profile = std::fs::read_to_string(bench.path("own.profile")).unwrap();
        assert!(profile.starts_with("wgpu-softmax profile 1\nvendor 0x"), "{profile}");
        assert!(profile.contains("\ncols 16 "), "{profile}");
        bench.ok(&format!("run x.npy -o gpu.npy --device {device} --profile own.profile --check"));
        assert_eq!(
            std::fs::read(bench.path("gpu.npy")).unwrap(),
            std::fs::read(bench.path("cpu.npy")).unwrap()
        );
    }
}

#[test]
fn what_a_profile_says_is_what_runs() {
    let bench = Bench::new();
    bench.array("x.npy", "(2, 8)", &[0.5; 16]);
    bench.file("own.profile", b"wgpu-softmax profile 1\ncols any split group=32\n");
    for device in adapters(&bench) {
        let said = bench.ok(&format!("run x.npy -o y.npy --device {device} --profile own.profile --json"));
        assert!(said.contains("\"kernel\":\"split\""), "{said}");
        let line = "--shape 4x8 --precision reproducible --time 0 --profile own.profile";
        let table = bench.ok(&format!("bench --device {device} {line}"));
        assert!(table.contains("split"), "{table}");
    }
}

#[test]
fn rows_that_no_memory_holds_are_refused_before_any_is_measured() {
    let bench = Bench::new();
    let line = format!("tune --device {} --quick --cols 9999999999999 --out y.profile", adapters(&bench)[0]);
    let said = common::refused(&bench, &line);
    assert!(
        said.contains("--cols 9999999999999: 1x")
            && said.contains("of memory")
            && said.contains("give a smaller --cols"),
        "{said}"
    );
    assert!(!said.contains("device failed"), "{said}");
}

#[test]
fn an_auto_that_takes_the_cpu_says_why_nothing_is_tuned() {
    let bench = Bench::new();
    let output = bench.command("tune").env("WGPU_BACKEND", "").output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for words in ["because no GPU adapter was found", "WGPU_BACKEND is set to \"\"", "no thresholds to tune"]
    {
        assert!(said.contains(words), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_profile_that_cannot_be_written_is_printed() {
    let bench = Bench::new();
    let output =
        bench.run(&format!("tune --device {} --quick --cols 4 --out /dev/full", adapters(&bench)[0]));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: /dev/full: writing"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("\nwgpu-softmax profile 1\nvendor 0x"), "{}", text(&output.stdout));
}

#[test]
fn wrong_profiles_are_refused_in_a_line() {
    let bench = Bench::new();
    bench.array("x.npy", "(1, 2)", &[1.0, 2.0]);
    bench.file("bad.profile", b"wgpu-softmax profile 1\n\ncols 9 treads\n");
    bench.file("foreign.profile", b"wgpu-softmax profile 1\nvendor 0x42\ncols any split\n");
    let device = adapters(&bench)[0];
    for (line, words) in [
        ("run x.npy -o y.npy --profile bad.profile".to_owned(), ["bad.profile", "line 3", "\"treads\""]),
        (
            "bench --shape 2x2 --device cpu --profile none.profile".to_owned(),
            ["none.profile", "read", "tune"],
        ),
        (
            format!("run x.npy -o y.npy --device {device} --profile foreign.profile"),
            ["vendor 0x42", "is not that", "softmax tune"],
        ),
        ("tune --device cpu --out y.profile".to_owned(), ["CPU", "no thresholds", "softmax devices"]),
        ("tune --cols -1".to_owned(), ["--cols -1", "a number of columns", "at least 4"]),
        ("tune --cols 3".to_owned(), ["--cols 3", "a number of columns", "at least 4"]),
        (format!("tune --device {device} --out none/y.profile"), ["none", "not there", "make it first"]),
    ] {
        let before = bench.names();
        let output = bench.run(&line);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{line}: {said:?}");
        assert!(words.iter().all(|word| said.contains(word)), "{line}: {said:?}");
        assert_eq!(bench.names(), before, "{line}");
    }
}
