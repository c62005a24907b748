//! Each wrong array, axis, operand and container: one line that says what, exit status 2, no output.

#[path = "common/arrays.rs"]
mod arrays;
mod common;

use arrays::{Array, npz, safetensors};
use common::{Bench, refused_with as refused, text};
use zip::CompressionMethod::{Deflated, Stored};

/// Some numbers.
fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| i as f32 / 8.0 - 7.0).collect()
}

#[test]
fn axes_that_are_not_there() {
    let bench = Bench::new();
    bench.array("x.npy", "(2, 3)", &values(6));
    bench.array("one.npy", "()", &values(1));
    for (options, words) in [
        ("--axis 2", ["axis 2 of an array of 2 axes", "-2 to 1"]),
        ("--axis -3", ["axis -3", "-2 to 1"]),
        ("--axis 1,-1", ["axis -1", "named twice"]),
        ("--axis 0 --causal", ["axis", "last axis"]),
    ] {
        refused(&bench, &format!("run x.npy -o y.npy --device cpu {options}"), &words);
    }
    refused(&bench, "run one.npy -o y.npy --axis 0", &["axis 0 of an array of 0 axes", "it has none"]);
    let wrong = text(&bench.run("run x.npy -o y.npy --axis first").stderr);
    assert!(wrong.contains("-1 or 0,2"), "{wrong}");
}

#[test]
fn what_does_not_fit_beside_an_array() {
    let bench = Bench::new();
    bench.array("x.npy", "(2, 3)", &values(6));
    bench.file("mask.npy", &common::npy("|b1", "(2, 4)", &[1; 8]));
    bench.file("long.npy", &Array::new("<i4", &[2], &[3.0, 9.0]).npy());
    bench.file("negative.npy", &Array::new("<i8", &[2], &[-1.0, 1.0]).npy());
    bench.file("three.npy", &Array::new("<f4", &[3], &values(3)).npy());
    bench.file("double.npy", &Array::new("<f8", &[3], &values(3)).npy());
    bench.array("flat.npy", "(6,)", &values(6));
    for (name, offsets) in
        [("falls", [0.0, 4.0, 2.0, 6.0]), ("short", [0.0, 1.0, 2.0, 5.0]), ("late", [1.0, 2.0, 3.0, 6.0])]
    {
        bench.file(&format!("{name}.npy"), &Array::new("<i8", &[4], &offsets).npy());
    }
    for (options, words) in [
        ("x.npy --mask mask.npy", &["mask", "(2, 4)", "(2, 3)"][..]),
        ("x.npy --mask three.npy", &["three.npy", "f32", "astype(bool)"]),
        ("x.npy --mask mask.npy --mask-bits", &["mask", "1", "8"]),
        ("x.npy --mask mask.npy --mask-bits=4", &["mask", "(4,)", "(2, 3)"]),
        ("x.npy --lengths long.npy", &["lengths: number 1 is 9", "3 elements"]),
        ("x.npy --lengths negative.npy", &["negative.npy", "number 0 is -1"]),
        ("x.npy --lengths three.npy", &["three.npy", "integers"]),
        ("x.npy --sinks three.npy", &["sinks", "(3,)", "(2,)"]),
        ("x.npy --row-scale long.npy", &["long.npy", "f32"]),
        ("x.npy --bias double.npy", &["bias of f64", "f32"]),
        ("x.npy --bias no.npy", &["no.npy", "no such file"]),
        ("x.npy --alibi=three.npy", &["ALiBi slopes", "1", "3"]),
        ("x.npy --offset 1", &["--offset", "--causal"]),
        ("x.npy --causal=2 --offset 1", &["two offsets"]),
        ("x.npy --offsets falls.npy", &["one axis", "2"]),
        ("flat.npy --offsets falls.npy", &["offsets: number 2 is 2", "4"]),
        ("flat.npy --offsets short.npy", &["offsets: number 3 is 5", "6"]),
        ("flat.npy --offsets late.npy", &["offsets: number 0 is 1"]),
        ("flat.npy --offsets negative.npy", &["negative.npy", "number 0 is -1"]),
        ("flat.npy --offsets falls.npy --resume", &["--resume"]),
    ] {
        refused(&bench, &format!("run -o y.npy --device cpu {options}"), words);
    }
}

#[test]
fn arrays_that_are_not_in_a_file() {
    let bench = Bench::new();
    let (a, b) = (Array::new("<f4", &[2, 3], &values(6)), Array::new("<f2", &[4], &values(4)));
    bench.file("x.npz", &npz(&[("a", &a), ("b", &b)], Stored));
    bench.file("x.safetensors", &safetensors(&[("a", &a), ("b", &b)]));
    bench.file("x.npy", &a.npy());
    for file in ["x.npz", "x.safetensors"] {
        refused(&bench, &format!("run {file} -o y.npy"), &[file, "2 arrays: a, b", "FILE:NAME"]);
        refused(&bench, &format!("run {file}:c -o y.npy"), &[file, "no array c", "a, b"]);
        refused(&bench, &format!("run {file}:a -o y.npy --tensor b"), &["two arrays"]);
    }
    refused(&bench, "run x.npy -o y.npy --tensor a", &["x.npy", "without a name"]);
    refused(&bench, "run x.npz:a -o y.npy --dtype bf16", &["y.npy", "no bf16", ".safetensors"]);
    refused(&bench, "run x.npz:a -o y.npy --device 0 --device cpu --axis 0", &["several devices"]);
    refused(&bench, "run x.npz:a -o y.npz --axis 0 --memory 20", &["48 B", "--memory allows 20 B"]);
}

#[test]
fn archives_that_are_damaged() {
    let bench = Bench::new();
    let x = Array::new("<f4", &[40, 3], &values(120));
    for method in [Stored, Deflated] {
        let whole = npz(&[("a", &x)], method);
        for end in [2, 4, 30, 100, whole.len() / 2, whole.len() - 1] {
            bench.file("x.npz", &whole[..end]);
            refused(&bench, "run x.npz -o y.npy", &["x.npz", "no complete .npz archive"]);
        }
        for at in (0..whole.len()).step_by(7) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            bench.file("x.npz", &damaged);
            let status = bench.run("run x.npz -o y.npy --device cpu").status.code();
            assert!(matches!(status, Some(0 | 2)), "byte {at}: {status:?}");
        }
        let _ = std::fs::remove_file(bench.path("y.npy"));
    }
    let mut archive = npz(&[("a", &x)], Deflated);
    let at = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap() - 40;
    archive[at] ^= 1;
    bench.file("x.npz", &archive);
    refused(&bench, "run x.npz -o y.npy", &["x.npz"]);
}

#[test]
fn headers_of_safetensors_made_by_hand() {
    let bench = Bench::new();
    let with = |header: &str, data: usize| {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
    };
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!("{{\"a\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}}}")
    };
    let two = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}";
    for (file, words) in [
        (Vec::new(), &["no complete .safetensors file", "0 bytes"][..]),
        (b"\x05\x00\x00".to_vec(), &["no complete .safetensors file", "3 bytes"]),
        (u64::MAX.to_le_bytes().to_vec(), &["18446744073709551615 bytes", "has 8"]),
        (with("{\"a\":", 0), &["no complete .safetensors file"]),
        (with(&"[".repeat(5000), 0), &["no complete .safetensors file"]),
        (with(&one("F32", "[2,3]", "[0,20]"), 20), &["no complete .safetensors file"]),
        (with(&one("F32", "[2,3]", "[0,24]"), 23), &["24 bytes", "23"]),
        (with(&one("F32", "[2,3]", "[0,24]"), 25), &["24 bytes", "25"]),
        (with(&one("F32", "[2,3]", "[8,32]"), 32), &["no complete .safetensors file"]),
        (with(&one("F32", "[2,3]", "[24,0]"), 24), &["save it again"]),
        (with(&one("F32", "[4611686018427387904,4]", "[0,0]"), 0), &["no complete .safetensors file"]),
        (with(&one("F32", "[18446744073709551616]", "[0,0]"), 0), &["no complete .safetensors file"]),
        (with(&one("F8_E4M3", "[4]", "[0,4]"), 4), &["F8_E4M3", "BF16"]),
        (with(&one("I32", "[1]", "[0,4]"), 4), &["i32", "not handled"]),
        (with(two, 6), &["no complete .safetensors file"]),
        (with("{}", 0), &["no array"]),
    ] {
        bench.file("x.safetensors", &file);
        refused(&bench, "run x.safetensors -o y.npy --device cpu", words);
    }
}
