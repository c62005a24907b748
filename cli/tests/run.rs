//! What `softmax run` computes, of which files, and what it says about it.

mod common;

use common::{Bench, assert_close, bytes, npy, npy_of, read_npy, text};
use serde_json::Value;

const LOGITS: [f32; 6] = [4.8, 1.21, 2.385, 1.0, 2.0, 3.0];
const PROBABILITIES: [f32; 6] = [0.8952827, 0.02470831, 0.08000903, 0.09003057, 0.24472847, 0.66524096];

#[test]
fn known_probabilities() {
    let bench = Bench::new();
    let x = bench.array("x.npy", "(2, 3)", &LOGITS);
    let (shape, y) = bench.compute(&x, "");
    assert_eq!(shape, "(2, 3)");
    assert_close(&y, &PROBABILITIES);
}

#[test]
fn temperature_divides_and_scale_multiplies() {
    let bench = Bench::new();
    let x = bench.array("x.npy", "(3,)", &[1.0, 2.0, 3.0]);
    let (_, warm) = bench.compute(&x, "--temperature 2");
    assert_close(&warm, &[0.18632372, 0.3071959, 0.5064804]);
    assert_eq!(bench.compute(&x, "--scale 0.5").1, warm);
    assert_close(&bench.compute(&x, "--scale 0").1, &[1.0 / 3.0; 3]);
    assert_close(&bench.compute(&x, "--scale -1").1, &[0.66524096, 0.24472847, 0.09003057]);
}

#[test]
fn every_operation() {
    let bench = Bench::new();
    let x = bench.array("x.npy", "(3,)", &[1.0, 2.0, 3.0]);
    assert_close(&bench.compute(&x, "--op softmin").1, &[0.66524096, 0.24472847, 0.09003057]);
    assert_close(&bench.compute(&x, "--op log-softmax").1, &[-2.407606, -1.407606, -0.40760598]);
    let (shape, y) = bench.compute(&x, "--op logsumexp");
    assert_eq!(shape, "()");
    assert_close(&y, &[3.407606]);
}

#[test]
fn any_number_of_axes_the_last_is_the_row() {
    let bench = Bench::new();
    let values: Vec<f32> = (0..24).map(|i| (i as f32 * 1.7).sin()).collect();
    let flat = bench.array("flat.npy", "(6, 4)", &values);
    let cube = bench.array("cube.npy", "(2, 3, 4)", &values);
    let (shape, y) = bench.compute(&cube, "");
    assert_eq!(shape, "(2, 3, 4)");
    assert_eq!(y, bench.compute(&flat, "").1);
    assert_eq!(bench.compute(&cube, "--op logsumexp").0, "(2, 3)");
    let single = bench.array("single.npy", "()", &[7.5]);
    assert_eq!(bench.compute(&single, ""), ("()".to_owned(), vec![1.0]));
    assert_eq!(bench.compute(&single, "--op logsumexp"), ("()".to_owned(), vec![7.5]));
}

#[test]
fn empty_arrays_give_empty_results() {
    let bench = Bench::new();
    let no_rows = bench.array("no_rows.npy", "(0, 5)", &[]);
    let no_columns = bench.array("no_columns.npy", "(5, 0)", &[]);
    assert_eq!(bench.compute(&no_rows, "--check"), ("(0, 5)".to_owned(), vec![]));
    assert_eq!(bench.compute(&no_columns, "--check"), ("(5, 0)".to_owned(), vec![]));
    assert_eq!(bench.compute(&no_rows, "--op logsumexp"), ("(0,)".to_owned(), vec![]));
    assert_eq!(bench.compute(&no_columns, "--op logsumexp").1, [f32::NEG_INFINITY; 5]);
}

#[test]
fn special_values_and_empty_rows() {
    let bench = Bench::new();
    let inf = f32::INFINITY;
    let x = bench.array("x.npy", "(3, 2)", &[-inf, -inf, -inf, 1.0, f32::NAN, 1.0]);
    assert_close(&bench.compute(&x, "").1, &[f32::NAN, f32::NAN, 0.0, 1.0, f32::NAN, f32::NAN]);
    let zero = bench.compute(&x, "--empty-row zero").1;
    assert_close(&zero, &[0.0, 0.0, 0.0, 1.0, f32::NAN, f32::NAN]);
}

#[test]
fn other_byte_orders_axis_orders_and_headers_give_the_same_bits() {
    let bench = Bench::new();
    let x = bench.array("x.npy", "(2, 3)", &LOGITS);
    let expected = bench.compute(&x, "");
    let big: Vec<u8> = LOGITS.iter().flat_map(|x| x.to_be_bytes()).collect();
    let columns = bytes(&[4.8, 1.0, 1.21, 2.0, 2.385, 3.0]);
    let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    let python2 = "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }";
    let mut second = npy("<f4", "(2, 3)", &bytes(&LOGITS));
    // Version 2.0 has four bytes for the length, which puts the data at an odd place here.
    second[6] = 2;
    second.splice(10..10, [0, 0]);
    second[8..12].copy_from_slice(&119u32.to_le_bytes());
    second.insert(12, b' ');
    let files =
        [npy(">f4", "(2, 3)", &big), npy_of(fortran, &columns), npy_of(python2, &bytes(&LOGITS)), second];
    for (i, file) in files.iter().enumerate() {
        let name = bench.file(&format!("{i}.npy"), file);
        assert_eq!(bench.compute(&name, "--check"), expected, "file {i}");
    }
}

#[test]
fn the_output_may_be_the_input() {
    let bench = Bench::new();
    bench.array("x.npy", "(2, 3)", &LOGITS);
    bench.ok("run x.npy -o x.npy --device cpu");
    assert_close(&read_npy(&bench.path("x.npy")).1, &PROBABILITIES);
    assert_eq!(bench.names(), ["x.npy"]);
}

#[test]
fn check_says_that_the_bits_are_equal() {
    let bench = Bench::new();
    let x = bench.array("x.npy", "(2, 3)", &LOGITS);
    let report = bench.ok(&format!("run {x} -o y.npy --device cpu --check"));
    assert!(report.contains("bit-identical to the CPU, 6 results"), "{report}");
    let fast = bench.ok(&format!("run {x} -o y.npy --device cpu --check --precision fast"));
    assert!(fast.contains("check"), "{fast}");
}

#[test]
fn json_is_one_object_that_says_what_ran() {
    let bench = Bench::new();
    let x = bench.array("x.npy", "(2, 3)", &LOGITS);
    let json: Value = serde_json::from_str(
        &bench.ok(&format!("run {x} -o y.npy --device cpu --check --json --temperature 2 --op log-softmax")),
    )
    .unwrap();
    assert_eq!(json["op"], "log-softmax");
    assert_eq!(json["scale"], 0.5);
    assert_eq!(json["precision"], "reproducible");
    assert_eq!((&json["rows"], &json["columns"]), (&2.into(), &3.into()));
    assert_eq!(json["input"]["bytes"], 24);
    assert_eq!(json["output"]["shape"], serde_json::json!([2, 3]));
    assert_eq!(json["device"]["kind"], "cpu");
    assert_eq!(json["check"]["passed"], true);
    assert_eq!(json["written"], true);
    assert!(json["seconds"]["kernel"].as_f64().unwrap() > 0.0);
    assert!(json["seconds"]["total"].as_f64().unwrap() > 0.0);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_files_too() {
    let bench = Bench::new();
    bench.array("x.npy", "(2, 3)", &LOGITS);
    assert!(bench.ok("run x.npy -o /dev/null --device cpu").contains("/dev/null"));
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file(), "the device was replaced by a file");
    let mut command = bench.command("run /dev/stdin -o y.npy --device cpu");
    let mut cat = std::process::Command::new("cat");
    let mut cat = cat.arg(bench.path("x.npy")).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let output = command.stdin(cat.stdout.take().unwrap()).output().unwrap();
    assert!(output.status.success() && cat.wait().unwrap().success(), "{}", text(&output.stderr));
    assert_close(&read_npy(&bench.path("y.npy")).1, &PROBABILITIES);
}

#[cfg(unix)]
#[test]
fn what_is_replaced_keeps_its_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let bench = Bench::new();
    bench.array("x.npy", "(2, 3)", &LOGITS);
    bench.file("real.npy", b"old");
    std::fs::set_permissions(bench.path("real.npy"), PermissionsExt::from_mode(0o640)).unwrap();
    symlink("real.npy", bench.path("link.npy")).unwrap();
    bench.ok("run x.npy -o link.npy --device cpu");
    assert!(std::fs::symlink_metadata(bench.path("link.npy")).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(bench.path("real.npy")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_close(&read_npy(&bench.path("real.npy")).1, &PROBABILITIES);
    bench.ok("run x.npy -o new.npy --device cpu");
    let mode = |name| std::fs::metadata(bench.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("new.npy"), mode("x.npy"), "a new file gets what any new file gets");
}

#[test]
fn every_adapter_writes_the_file_that_the_cpu_writes() {
    let bench = Bench::new();
    let values: Vec<f32> = (0..500 * 77).map(|i| (i as f32 * 1.7).sin() * 20.0).collect();
    let x = bench.array("x.npy", "(500, 77)", &values);
    for op in ["softmax", "log-softmax", "logsumexp", "softmin"] {
        bench.ok(&format!("run {x} -o cpu.npy --device cpu --op {op}"));
        for index in common::adapters(&bench) {
            let line = format!("run {x} -o gpu.npy --device {index} --op {op} --check --json");
            let json: Value = serde_json::from_str(&bench.ok(&line)).unwrap();
            assert_eq!((&json["device"]["kind"], &json["device"]["index"]), (&"gpu".into(), &index.into()));
            assert_eq!(json["check"]["differing"], 0);
            let files = ["cpu.npy", "gpu.npy"].map(|name| std::fs::read(bench.path(name)).unwrap());
            assert!(files[0] == files[1], "{line}: the files differ");
        }
    }
}

#[test]
fn the_sample_in_the_repository_is_good() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/logits.npy");
    let bench = Bench::new();
    let (shape, y) = bench.compute(sample, "--check");
    assert_eq!(shape, "(64, 1000)");
    for row in y.chunks_exact(1000) {
        assert!((row.iter().map(|&p| f64::from(p)).sum::<f64>() - 1.0).abs() < 1e-6);
    }
}
