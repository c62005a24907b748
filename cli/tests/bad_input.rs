//! Each wrong input: one line on standard error that names the thing, exit status 2, no output.

mod common;

use common::{Bench, bytes, npy, npy_of, refused};

/// A file that must be refused; the line names it and says each of `words`.
#[track_caller]
fn refused_file(file: &[u8], words: &[&str]) {
    let bench = Bench::new();
    bench.file("x.npy", file);
    let said = refused(&bench, "run x.npy -o y.npy --device cpu");
    for word in ["x.npy"].iter().chain(words) {
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

#[test]
fn files_that_are_no_arrays() {
    refused_file(b"", &["empty", "numpy.save"]);
    refused_file(b"1.0,2.0\n", &["not a NumPy .npy file", "1.0,2."]);
    refused_file(b"\x93NUM", &["not a NumPy .npy file", "\\x93NUM"]);
    refused_file(b"PK\x03\x04 and more", &["no complete .npz archive"]);
    refused_file(b"\x93NUMPY\x09\x00 and more", &["version 9.0"]);
}

#[test]
fn files_that_were_cut_short() {
    let whole = npy("<f4", "(2, 3)", &bytes(&[0.0; 6]));
    for end in [6, 7, 8, 9, 10, 50, 127] {
        refused_file(&whole[..end], &["cut short"]);
    }
    refused_file(&whole[..whole.len() - 1], &["(2, 3)", "24 bytes", "has 23", "cut short"]);
    refused_file(&whole[..128], &["24 bytes", "has 0"]);
    refused_file(&[&whole[..], &[0; 8]].concat(), &["24 bytes", "has 32", "alone"]);
}

#[test]
fn types_that_are_not_computed_with() {
    for (descr, name) in [
        ("<i4", "i32"),
        ("|u1", "u8"),
        ("|b1", "bool"),
        ("<i8", "i64"),
        ("<c8", "<c8"),
        ("|O", "|O"),
        ("<f16", "<f16"),
        ("<U3", "<U3"),
        ("|V2", "|V2"),
    ] {
        // Of integers the length is looked at first.
        let bytes = descr[2..].parse().unwrap_or(0);
        refused_file(
            &npy(descr, "(1,)", &vec![0; bytes]),
            &["dtype", name, "f2, f4 or f8", "astype('float32')"],
        );
    }
    let structured = "{'descr': [('a', '<f4'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (1,), }";
    refused_file(&npy_of(structured, &[0; 12]), &["[('a', '<f4')", "astype"]);
}

#[test]
fn headers_made_by_hand() {
    let beyond = "a shape of (4611686018427387904, 4611686018427387904) elements cannot be addressed";
    refused_file(&npy("<f4", "(4611686018427387904, 4611686018427387904)", &[]), &[beyond]);
    refused_file(&npy("<f4", "(99999999999999999999999,)", &[]), &["cannot be addressed"]);
    refused_file(&npy("<f4", "(-1,)", &[]), &["header is wrong"]);
    refused_file(&npy("<f4", "(1000000000000,)", &[0; 4]), &["4000000000000 bytes", "has 4"]);
    refused_file(&npy_of("{'descr': '<f4'}", &[]), &["no key \"fortran_order\""]);
    refused_file(&npy_of("{'descr': '<f4', 'x': 1}", &[]), &["key \"x\""]);
    refused_file(&npy_of(&"[".repeat(9000), &[]), &["header is wrong"]);
    refused_file(&npy_of(&"[".repeat(20_000), &[]), &["longer than the 10000"]);
    refused_file(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", &["4294967295 bytes"]);
}

#[test]
fn nested_brackets_are_refused_at_once() {
    for (open, close) in [("[", "]"), ("(", ")"), ("{", "}")] {
        let nested = [&open.repeat(40), "1", &close.repeat(40)].concat();
        let header = format!("{{'descr': {nested}, 'fortran_order': False, 'shape': (1,), }}");
        let since = std::time::Instant::now();
        refused_file(&npy_of(&header, &[0; 4]), &["header is wrong", "nest deeper"]);
        // A parser that tries each bracket twice would take days.
        assert!(since.elapsed() < std::time::Duration::from_secs(10), "{open}");
    }
}

#[cfg(unix)]
#[test]
fn a_result_larger_than_the_disk() {
    let bench = Bench::new();
    // No element, and yet one result for each of 2^60 rows.
    bench.file("x.npy", &npy("<f4", "(1152921504606846976, 0)", &[]));
    let said = refused(&bench, "run x.npy -o y.npy --device cpu --op logsumexp");
    assert!(said.contains("4.61 EB are to be written and "), "{said}");
}

#[test]
fn inputs_that_cannot_be_read() {
    let bench = Bench::new();
    assert!(refused(&bench, "run no.npy -o y.npy --device cpu").contains("no.npy: there is no such file"));
    assert!(refused(&bench, "run . -o y.npy --device cpu").contains("directory"));
}

#[test]
fn numbers_that_make_no_sense() {
    let bench = Bench::new();
    bench.array("x.npy", "(1,)", &[1.0]);
    for (options, word) in [
        ("--scale inf", "--scale inf is not a finite f32"),
        ("--scale -inf", "--scale -inf"),
        ("--scale nan", "--scale nan"),
        ("--scale 1e39", "--scale 1e39"),
        ("--scale 1e-40", "--scale 1e-40 is 0 in f32"),
        ("--temperature 0", "not a finite number above 0"),
        ("--temperature -1", "not a finite number above 0"),
        ("--temperature inf", "not a finite number above 0"),
        ("--temperature nan", "not a finite number above 0"),
        ("--temperature 1e-39", "has the inverse inf"),
        ("--temperature 3e38", "has the inverse"),
    ] {
        let said = refused(&bench, &format!("run x.npy -o y.npy --device cpu {options}"));
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

#[test]
fn devices_that_are_not_there() {
    let bench = Bench::new();
    bench.array("x.npy", "(1,)", &[1.0]);
    assert!(refused(&bench, "run x.npy -o y.npy --device 99").contains("index 99"));
    assert!(refused(&bench, "run x.npy -o y.npy --device no-such-gpu").contains("no-such-gpu"));
    assert!(refused(&bench, "verify --device no-such-gpu").contains("no-such-gpu"));
}

#[test]
fn outputs_that_cannot_be_written() {
    let bench = Bench::new();
    bench.array("x.npy", "(1,)", &[1.0]);
    std::fs::create_dir(bench.path("dir")).unwrap();
    let read_only = bench.file("ro.npy", b"old");
    let mut permissions = std::fs::metadata(bench.path(&read_only)).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(bench.path(&read_only), permissions).unwrap();
    for (output, word) in [
        ("no/such/y.npy", "the directory no/such is not there"),
        ("dir", "dir: this is a directory"),
        ("dir/", "directory"),
        ("..", "directory"),
        ("x.npy/y.npy", "x.npy/y.npy"),
        ("ro.npy", "ro.npy: this is read-only"),
    ] {
        let said = refused(&bench, &format!("run x.npy -o {output} --device cpu"));
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
    assert_eq!(std::fs::read(bench.path("ro.npy")).unwrap(), b"old");
    let empty = bench.command("run x.npy --device cpu -o").arg("").output().unwrap();
    assert_eq!(empty.status.code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_place_without_room_is_told() {
    let bench = Bench::new();
    bench.array("x.npy", "(1,)", &[1.0]);
    let said = refused(&bench, "run x.npy -o /dev/full --device cpu");
    assert!(said.contains("/dev/full: writing") && said.contains("No space left"), "{said}");
    assert!(
        refused(&bench, "run x.npy -o /proc/y.npy --device cpu").contains("/proc/y.npy: cannot be written")
    );
}

#[test]
fn an_old_output_survives_a_failure() {
    let bench = Bench::new();
    bench.file("y.npy", b"old");
    bench.file("x.npy", &npy("<i8", "(1,)", &[0; 8]));
    refused(&bench, "run x.npy -o y.npy --device cpu");
    assert_eq!(std::fs::read(bench.path("y.npy")).unwrap(), b"old");
}

#[test]
fn wrong_usage_has_status_2_as_well() {
    let bench = Bench::new();
    for line in ["", "run", "run x.npy", "run x.npy -o y.npy --op sum", "run x.npy -o y --scale a", "fly"] {
        assert_eq!(bench.run(line).status.code(), Some(2), "{line}");
    }
    let both = bench.run("run x.npy -o y.npy --scale 1 --temperature 1");
    assert_eq!(both.status.code(), Some(2));
    assert!(refused(&bench, "man fly").contains("fly"));
}
