//! Arrays of every type, order and container, along every axis: each file holds what the library gives for
//! the same elements.

#[path = "common/arrays.rs"]
mod arrays;
mod common;

use arrays::{Array, dtype, expected, npz, op, read_file, safetensors, values};
use common::Bench;
use serde_json::Value;
use wgpu_softmax::{DType, Masking};
use zip::CompressionMethod::{Deflated, Stored};

const AXES: [(&str, &[isize]); 6] =
    [("-1", &[2]), ("0", &[0]), ("1", &[1]), ("0,2", &[0, 2]), ("-1,1", &[1, 2]), ("none", &[0, 1, 2])];

#[test]
fn every_type_and_order_along_every_axis() {
    let bench = Bench::new();
    for descr in ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"] {
        for fortran in [false, true] {
            let x = Array::new(descr, &[3, 4, 5], &values(60)).ordered(fortran);
            bench.file("x.npy", &x.npy());
            for (axis, axes) in AXES {
                for name in ["softmax", "logsumexp"] {
                    bench.ok(&format!("run x.npy -o y.npy --device cpu --axis {axis} --op {name} --check"));
                    let (_, y) = read_file(&bench.path("y.npy"));
                    let expected = expected(op(name), &x, axes, &Masking::new(), dtype(descr));
                    let line = format!("{descr}, fortran {fortran}, axis {axis}, {name}");
                    assert!(y.ordered(false).data == expected, "{line}");
                    assert_eq!(y.descr, descr.replace('>', "<"), "{line}");
                    assert_eq!(y.fortran, fortran && y.dims.len() > 1, "{line}");
                    if name == "softmax" {
                        assert_eq!(y.dims, [3, 4, 5]);
                    }
                }
            }
        }
    }
}

#[test]
fn a_known_matrix_over_its_rows_its_columns_and_as_a_whole() {
    let bench = Bench::new();
    let x = [4.8f32, 1.21, 2.385, 8.9, -1.81, 0.2, 1.41, 1.051, 0.026];
    bench.array("x.npy", "(3, 3)", &x);
    let (_, whole) = bench.compute("x.npy", "--axis none");
    let known = [
        1.62510862e-02f64,
        4.48502847e-04,
        1.45231633e-03,
        9.80595215e-01,
        2.18874853e-05,
        1.63353249e-04,
        5.47802614e-04,
        3.82571295e-04,
        1.37265228e-04,
    ];
    common::assert_close(&whole, &known.map(|y| y as f32));
    assert_eq!(bench.compute("x.npy", "--axis 0,1").1, whole);
    let (_, columns) = bench.compute("x.npy", "--axis 0");
    let known = [1.62935455e-02f64, 5.25818316e-01, 8.28505614e-01];
    common::assert_close(&columns[..3], &known.map(|y| y as f32));
    assert_eq!(bench.compute("x.npy", "--axis -1").1, bench.compute("x.npy", "").1);
    assert_eq!(bench.compute("x.npy", "--axis 0 --op logsumexp").0, "(3,)");
}

#[test]
fn every_container_keeps_its_kind_and_the_names_in_it() {
    let bench = Bench::new();
    let half = Array::new("<f2", &[4, 6], &values(24));
    let other = Array::new("<f4", &[2, 3], &values(6));
    let brain = Array::new("bf16", &[4, 6], &values(24));
    let softmax = |x: &Array| expected(op("softmax"), x, &[1], &Masking::new(), dtype(&x.descr));
    for (file, method) in [("s.npz", Stored), ("d.npz", Deflated)] {
        bench.file(file, &npz(&[("half", &half), ("a/other", &other)], method));
        bench.ok(&format!("run {file}:half -o y.npz --device cpu --check"));
        let (name, y) = read_file(&bench.path("y.npz"));
        assert_eq!((&name[..], &y.descr[..], &y.data), ("half", "<f2", &softmax(&half)), "{file}");
        std::fs::remove_file(bench.path("y.npz")).unwrap();
        bench.ok(&format!("run {file} --tensor a/other -o o.npz --device cpu"));
        assert_eq!(
            read_file(&bench.path("o.npz")),
            ("a/other".to_owned(), Array { data: softmax(&other), ..other.clone() })
        );
    }
    bench.file("m.safetensors", &safetensors(&[("brain", &brain), ("half", &half)]));
    bench.ok("run m.safetensors:brain -o y.safetensors --device cpu --check");
    let (name, y) = read_file(&bench.path("y.safetensors"));
    assert_eq!((&name[..], &y.descr[..], &y.data), ("brain", "bf16", &softmax(&brain)));
    // From one to another, and under another name; a single array needs none.
    bench.ok("run m.safetensors --tensor half -o y.npy --device cpu");
    assert_eq!(read_file(&bench.path("y.npy")).1.data, softmax(&half));
    bench.ok("run y.npy -o z.npz --device cpu");
    assert_eq!(read_file(&bench.path("z.npz")).0, "arr_0");
    bench.ok("run z.npz -o z.safetensors:weights --device cpu");
    assert_eq!(read_file(&bench.path("z.safetensors")).0, "weights");
    bench.ok("run z.npz -o same --device cpu");
    assert_eq!(std::fs::read(bench.path("same")).unwrap()[..2], *b"PK");
    // A file without C order in one that knows no other.
    bench.file("f.npy", &half.ordered(true).npy());
    bench.ok("run f.npy -o f.safetensors --device cpu --check");
    assert_eq!(read_file(&bench.path("f.safetensors")).1.data, softmax(&half));
}

#[test]
fn results_are_of_the_type_that_is_asked_for() {
    let bench = Bench::new();
    for (descr, name, output) in [
        ("<f2", "f32", DType::F32),
        ("<f4", "f16", DType::F16),
        ("<f4", "bf16", DType::BF16),
        ("<f4", "f64", DType::F64),
        (">f8", "f32", DType::F32),
    ] {
        let x = Array::new(descr, &[5, 7], &values(35));
        bench.file("x.npy", &x.npy());
        bench.ok(&format!("run x.npy -o y.safetensors --device cpu --dtype {name} --check"));
        let (_, y) = read_file(&bench.path("y.safetensors"));
        assert_eq!(dtype(&y.descr), output);
        assert_eq!(y.data, expected(op("softmax"), &x, &[1], &Masking::new(), output), "{descr} to {name}");
    }
}

#[test]
fn the_report_says_what_was_read_and_what_was_written() {
    let bench = Bench::new();
    let x = Array::new("<f2", &[2, 3, 4], &values(24));
    bench.file("x.npz", &npz(&[("logits", &x)], Stored));
    bench.file("mask.npy", &common::npy("|b1", "(3, 4)", &[1; 12]));
    let line = "run x.npz -o y.safetensors --device cpu --axis 2 --mask mask.npy --dtype f32";
    let report = bench.ok(line);
    for word in [
        "softmax along axis 2, reproducible: 6 rows of 4 columns",
        "x.npz:logits, f16, shape (2, 3, 4), 48 B",
        "with     mask (3, 4)",
        "y.safetensors:logits, f32, shape (2, 3, 4), 96 B",
    ] {
        assert!(report.contains(word), "{report} does not say {word}");
    }
    let json: Value = serde_json::from_str(&bench.ok(&format!("{line} --json --check"))).unwrap();
    assert_eq!((&json["axis"], &json["beside"][0]), (&"2".into(), &"mask (3, 4)".into()));
    assert_eq!((&json["input"]["container"], &json["input"]["dtype"]), (&"npz".into(), &"f16".into()));
    assert_eq!((&json["output"]["tensor"], &json["output"]["dtype"]), (&"logits".into(), &"f32".into()));
    assert_eq!(json["check"]["compared"], 24);
}

#[test]
fn halves_larger_than_the_memory_are_streamed() {
    let bench = Bench::new();
    let x = Array::new(">f2", &[3, 70_001], &values(3 * 70_001));
    bench.file("x.npy", &x.npy());
    let wanted = expected(op("softmax"), &x, &[1], &Masking::new(), DType::F16);
    let line = "run x.npy -o y.npy --device cpu --memory 256KiB --check --json";
    let json: Value = serde_json::from_str(&bench.ok(line)).unwrap();
    assert_eq!(json["stream"]["rows_were_cut"], true);
    assert!(read_file(&bench.path("y.npy")).1.data == wanted);
}

#[test]
fn every_adapter_writes_what_the_cpu_writes() {
    let bench = Bench::new();
    let x = Array::new("<f2", &[4, 6, 40], &values(960));
    bench.file("x.npy", &x.npy());
    bench.file("mask.npy", &common::npy("|b1", "(6, 1)", &[1, 1, 0, 1, 1, 1]));
    for options in
        ["", "--axis 0", "--axis 1 --dtype f32", "--causal --mask mask.npy", "--alibi --op logsumexp"]
    {
        bench.ok(&format!("run x.npy -o cpu.npy --device cpu {options}"));
        for index in common::adapters(&bench) {
            let line = format!("run x.npy -o gpu.npy --device {index} {options} --check --json");
            let json: Value = serde_json::from_str(&bench.ok(&line)).unwrap();
            assert_eq!((&json["device"]["kind"], &json["check"]["differing"]), (&"gpu".into(), &0.into()));
            let files = ["cpu.npy", "gpu.npy"].map(|name| std::fs::read(bench.path(name)).unwrap());
            assert!(files[0] == files[1], "{line}: the files differ");
        }
    }
}
