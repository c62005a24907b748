//! Wrong names, numbers and sizes of `softmax run`: one line that says what and shows the way out.

#[path = "common/arrays.rs"]
mod arrays;
mod common;

use arrays::{Array, npz, read_file, safetensors, values};
use common::{Bench, refused_with as refused, text};
use zip::CompressionMethod::{Deflated, Stored};

/// A command line that the parser refuses.
#[track_caller]
fn unparsed(bench: &Bench, options: &[&str], words: &[&str]) {
    let output = bench.command("run x.npy -o y.npy --device cpu").args(options).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{options:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{options:?}: {said:?} does not say {word:?}");
    }
    assert_eq!(said.lines().count(), 1, "{options:?}: {said}");
}

/// Files with two arrays, a and b, and with one.
fn archives(bench: &Bench) {
    let (a, b) = (Array::new("<f4", &[2, 3], &values(6)), Array::new("<f4", &[4], &values(4)));
    for (name, arrays) in [("two", &[("a", &a), ("b", &b)][..]), ("one", &[("a", &a)])] {
        bench.file(&format!("{name}.npz"), &npz(arrays, Stored));
        bench.file(&format!("{name}.safetensors"), &safetensors(arrays));
    }
    bench.file("x.npy", &a.npy());
}

#[test]
fn arrays_beside_the_one_that_is_written_are_not_lost() {
    let bench = Bench::new();
    archives(&bench);
    for end in ["npz", "safetensors"] {
        let two = std::fs::read(bench.path(&format!("two.{end}"))).unwrap();
        for (line, words) in [
            (format!("two.{end}:a -o two.{end}:a"), ["another array: b", "choose another file name"]),
            (format!("two.{end}:a -o two.{end}"), ["another array: b", "whole file"]),
            (format!("x.npy -o two.{end}:c"), ["2 other arrays: a, b", "whole file"]),
            (format!("x.npy -o one.{end}"), ["another array: a", "whole file"]),
        ] {
            refused(&bench, &format!("run {line} --device cpu"), &words);
        }
        assert_eq!(std::fs::read(bench.path(&format!("two.{end}"))).unwrap(), two);
        // The only one may be replaced, by itself and by another one of its name.
        bench.ok(&format!("run one.{end} -o one.{end} --device cpu"));
        bench.ok(&format!("run x.npy -o one.{end}:a --device cpu"));
        assert_eq!(read_file(&bench.path(&format!("one.{end}"))).0, "a");
    }
    bench.file("junk.npz", b"junk");
    bench.ok("run x.npy -o junk.npz --device cpu");
}

#[test]
fn names_that_no_file_has_a_place_for() {
    let bench = Bench::new();
    archives(&bench);
    for (output, words) in [
        ("y.safetensors:__metadata__", ["__metadata__", "another name"]),
        ("y.npy:a", ["y.npy:a", "without a name"]),
        ("y.npz:", ["y.npz:", "no name stands behind the colon"]),
        ("y.safetensors:", ["y.safetensors:", "no name stands behind the colon"]),
    ] {
        refused(&bench, &format!("run x.npy -o {output} --device cpu"), &words);
    }
    bench.ok("run x.npy -o y.npz:__metadata__ --device cpu");
    refused(&bench, "run x.npy:a -o y.npy", &["x.npy:a", "--tensor"]);
}

#[test]
fn data_that_is_not_what_was_stored() {
    let bench = Bench::new();
    let x = Array::new("<f4", &[1 << 10, 300], &values(300 << 10));
    for method in [Stored, Deflated] {
        let good = npz(&[("other", &Array::new("<f4", &[1], &[0.0])), ("a", &x)], method);
        let central = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        let mut damaged = good.clone();
        damaged[central - 1000] ^= 1;
        bench.file("x.npz", &damaged);
        // Streamed, along another axis, and beside another array.
        for line in ["x.npz:a", "x.npz:a --axis 0", "x.npz:a --check", "x.npz:a --memory 64KiB"] {
            refused(&bench, &format!("run {line} -o y.npy --device cpu"), &["x.npz: a: its data is damaged"]);
        }
        bench.file("x.npy", &x.npy());
        refused(&bench, "run x.npy --bias x.npz:a -o y.npy --device cpu", &["x.npz: a: its data is damaged"]);
        // The other one is whole.
        bench.ok("run x.npz:other -o y.npy --device cpu");
        bench.file("x.npz", &good);
        for line in ["x.npz:a", "x.npz:a --axis 0", "x.npz:a --check", "x.npz:a --memory 64KiB --check"] {
            bench.ok(&format!("run {line} -o y.npy --device cpu"));
        }
        std::fs::remove_file(bench.path("y.npy")).unwrap();
    }
}

#[test]
fn members_that_are_packed_in_another_way() {
    let bench = Bench::new();
    let mut archive = npz(&[("a", &Array::new("<f4", &[40, 3], &values(120)))], Deflated);
    // The method stands 8 bytes behind the start of a member, and 10 behind that of its entry.
    let central = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    (archive[8], archive[central + 10]) = (12, 12);
    bench.file("x.npz", &archive);
    refused(&bench, "run x.npz -o y.npy", &["x.npz: a: ", "compressed by method", "numpy.savez"]);
}

#[test]
fn tensors_whose_length_is_wrong_are_named() {
    let bench = Bench::new();
    let header = |shape: &str, end: u32| {
        let good = "\"good\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
        let text = format!(
            "{{\"__metadata__\":{{\"n\":\"1\"}},{good},\"bad\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[4,{end}]}}}}"
        );
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &[0; 24]].concat()
    };
    for (shape, end, words) in [
        ("[2,3]", 24, &["bad of F32 and shape (2, 3) takes 24 bytes", "byte 4 to 24"][..]),
        ("[2,3]", 0, &["bad of F32", "byte 4 to 0"]),
        ("[4611686018427387904,4]", 24, &["bad has the shape", "cannot be addressed"]),
        ("[-1]", 24, &["bad is described as", "-1"]),
    ] {
        bench.file("x.safetensors", &header(shape, end));
        refused(&bench, "run x.safetensors:good -o y.npy", words);
    }
}

#[test]
fn offsets_that_do_not_fit_name_their_file() {
    let bench = Bench::new();
    bench.array("x.npy", "(6,)", &values(6));
    bench.file("o.npy", &Array::new("<i8", &[3], &[0.0, 4.0, 5.0]).npy());
    refused(
        &bench,
        "run x.npy -o y.npy --offsets o.npy --device cpu",
        &["error: o.npy: offsets: number 2 is 5"],
    );
}

#[test]
fn numbers_that_are_none_or_too_large() {
    let bench = Bench::new();
    bench.array("x.npy", "(2, 3)", &values(6));
    for (options, words) in [
        (&["--causal", "-2"][..], &["--causal -2", "write --causal=-2"][..]),
        (&["--causal", "3"], &["write --causal=3"]),
        (&["--mask", "m.npy", "--mask-bits", "2,3"], &["write --mask-bits=2,3"]),
        (&["--alibi", "slopes.npy"], &["write --alibi=slopes.npy"]),
        (&["-2"], &["unexpected argument '-2'"]),
        (&["--window", "-1"], &["-1", "--window", "from 1 on, such as 128"]),
        (&["--window", "0"], &["from 1 on"]),
        (&["--memory", "1e6"], &["1e6", "such as 512MiB"]),
        (&["--memory", ""], &["such as 512MiB"]),
        (&["--memory", "-1"], &["such as 512MiB"]),
        (&["--scale", "x"], &["such as 0.125"]),
        (&["--temperature", "1e39"], &["--temperature 1e39 is not a finite f32", "8.5e37"]),
        (&["--temperature", "1e-50"], &["--temperature 1e-50 has the inverse inf"]),
        (&["--sinks=1e39"], &["--sinks 1e39 is not a finite f32"]),
        (&["--sinks", "-1e39"], &["--sinks -1e39 is not a finite f32"]),
    ] {
        unparsed(&bench, options, words);
    }
    assert_eq!(bench.names(), ["x.npy"]);
    for sinks in ["inf", "-inf", "1e38"] {
        bench.ok(&format!("run x.npy -o y.npy --device cpu --sinks {sinks}"));
    }
}

/// What memory a line says that it takes.
#[track_caller]
fn needed(bench: &Bench, line: &str) -> String {
    let said = common::refused(bench, line);
    let figure = said.split_once("takes ").and_then(|(_, rest)| rest.split_once(" of memory"));
    figure.unwrap_or_else(|| panic!("{said:?} names no figure")).0.replace(' ', "")
}

#[test]
fn memory_that_is_said_to_be_enough_is() {
    let bench = Bench::new();
    bench.array("x.npy", "(300, 401)", &values(300 * 401));
    bench.file("mask.npy", &common::npy("|b1", "(300, 401)", &[1; 300 * 401]));
    bench.array("bias.npy", "(401,)", &values(401));
    bench.array("flat.npy", "(120300,)", &values(120_300));
    bench.file("offsets.npy", &Array::new("<i8", &[3], &[0.0, 7.0, 120_300.0]).npy());
    for options in [
        "x.npy --axis 0",
        "x.npy --axis 0 --check --dtype f64",
        "x.npy --mask mask.npy --bias bias.npy",
        "x.npy --bias bias.npy --mask mask.npy --axis -1 --check",
        "flat.npy --offsets offsets.npy --op logsumexp",
    ] {
        for memory in ["1kB", "100kB"] {
            let line = format!("run {options} -o y.npy --device cpu --memory");
            let enough = needed(&bench, &format!("{line} {memory}"));
            bench.ok(&format!("{line} {enough}"));
            std::fs::remove_file(bench.path("y.npy")).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn archives_that_come_through_a_pipe() {
    let bench = Bench::new();
    archives(&bench);
    for (input, name) in [
        ("one.npz", ""),
        ("one.npz", ":a"),
        ("one.safetensors", ""),
        ("one.safetensors", ":a"),
        ("x.npy", ":a"),
    ] {
        let softmax = env!("CARGO_BIN_EXE_softmax");
        let line = format!("cat {input} | {softmax} run /dev/stdin{name} -o y.npy --device cpu");
        let shell = std::process::Command::new("sh").args(["-c", &line]).current_dir(bench.path("")).output();
        let said = text(&shell.unwrap().stderr);
        assert!(
            said.contains("this is a pipe") && said.contains("give the name of a file"),
            "{line}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{line}: {said}");
    }
    assert!(!bench.names().contains(&"y.npy".to_owned()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_says_that_the_output_is() {
    let bench = Bench::new();
    archives(&bench);
    for options in ["", "--json"] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = bench.command(&format!("run x.npy -o y.npy --device cpu {options}"));
        let output = command.stdout(full).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(said.ends_with("; the output y.npy is written\n") && said.lines().count() == 1, "{said}");
        assert_eq!(read_file(&bench.path("y.npy")).1.dims, [2, 3]);
        std::fs::remove_file(bench.path("y.npy")).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_is_reported_as_far_as_it_is() {
    use std::os::unix::ffi::OsStrExt;

    let bench = Bench::new();
    archives(&bench);
    let name = std::ffi::OsStr::from_bytes(b"y\xff.npy");
    let output = bench.command("run x.npy --json --device cpu -o").arg(name).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["output"]["path"], "y\u{fffd}.npy");
    assert!(std::fs::read(bench.path("").join(name)).is_ok());
}
