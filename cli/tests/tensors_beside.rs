//! Masks, biases, lengths and all else that may stand beside an array, as a whole and cut into parts.

#[path = "common/arrays.rs"]
mod arrays;
mod common;

use arrays::{Array, dtype, expected, npz, op, read_file, values};
use common::Bench;
use wgpu_softmax::{Masking, Window, cpu, f16};
use zip::CompressionMethod::Deflated;

/// Whether a command line gives what the library does, as a whole and cut into parts.
#[track_caller]
fn same(bench: &Bench, options: &str, x: &Array, masking: &Masking, name: &str) {
    let rank = x.dims.len() as isize;
    let wanted = expected(op(name), x, &[rank - 1], masking, dtype(&x.descr));
    // Elements and results, and what results are compared with; of so many parts, and an operand.
    let parts = if options.contains("bits") { 8 } else { 2 };
    let cut = format!("--memory {}", 3 * x.data.len() * parts / x.dims[0] + 7000);
    // In Fortran order it is computed as a whole.
    for memory in if x.fortran { vec![""] } else { vec!["", &cut] } {
        bench.ok(&format!("run x.npy -o y.npy --device cpu --op {name} {options} {memory} --check"));
        let (_, y) = read_file(&bench.path("y.npy"));
        assert!(y.ordered(false).data == wanted, "{options} {memory} {name}");
        assert_eq!(y.fortran, x.fortran && y.dims.iter().filter(|dim| **dim > 1).count() > 1);
    }
}

const DIMS: [usize; 4] = [16, 3, 8, 16];

/// Arrays that operands are tried on.
fn arrays(bench: &Bench, dims: &[usize], test: impl Fn(&Bench, &Array)) {
    for (descr, fortran) in [("<f4", false), ("<f2", true), (">f8", false)] {
        let x = Array::new(descr, dims, &values(dims.iter().product())).ordered(fortran);
        bench.file("x.npy", &x.npy());
        test(bench, &x);
    }
}

#[test]
fn masks_and_biases_broadcast_to_an_array() {
    let bench = Bench::new();
    let mask: Vec<u8> = (0..128).map(|i| u8::from(i % 3 != 1)).collect();
    bench.file("mask.npy", &common::npy("|b1", "(8, 16)", &mask));
    let each: Vec<u8> = (0..6144).map(|i| u8::from(i % 5 != 1)).collect();
    bench.file("each.npy", &common::npy("|i1", "(16, 3, 8, 16)", &each));
    let bits: Vec<u8> = (0..768).map(|i| (i * 77) as u8).collect();
    bench.file("bits.npy", &common::npy("|u1", "(768,)", &bits));
    let bias = Array::new("<f2", &[16, 1, 1, 16], &values(256));
    bench.file("bias.npz", &npz(&[("other", &bias), ("bias", &bias.ordered(true))], Deflated));
    let halves: Vec<f16> = values(256).iter().map(|&x| f16::from_f32(x)).collect();
    arrays(&bench, &DIMS, |bench, x| {
        same(bench, "--mask mask.npy", x, &Masking::new().mask_bytes(&mask, &[8, 16]), "softmax");
        same(bench, "--mask each.npy", x, &Masking::new().mask_bytes(&each, &DIMS), "log-softmax");
        let masking = Masking::new().mask_bits(&bits, &DIMS);
        same(bench, "--mask bits.npy --mask-bits", x, &masking, "softmax");
        let masking = Masking::new().mask_bits(&bits[..16], &[8, 16]);
        bench.file("few.npy", &common::npy("|u1", "(16,)", &bits[..16]));
        same(bench, "--mask few.npy --mask-bits=8,16", x, &masking, "softmax");
        same(bench, "--bias bias.npz:bias", x, &Masking::new().bias(&halves, &[16, 1, 1, 16]), "softmax");
    });
}

#[test]
fn what_there_is_one_of_per_row_broadcasts_to_rows() {
    let bench = Bench::new();
    let lengths: Vec<u32> = (0..48).map(|i| i * 7 % 17).collect();
    let short: Vec<f32> = lengths.iter().map(|&n| n as f32).collect();
    bench.file("lengths.npy", &Array::new("<i2", &[16, 3, 1], &short).npy());
    let sinks = [0.5, 1.0, -3.0];
    bench.file("sinks.npy", &Array::new(">f8", &[3, 1], &sinks).npy());
    let scale = values(128);
    bench.file("scale.npy", &Array::new("<f4", &[16, 1, 8], &scale).npy());
    let slopes = wgpu_softmax::alibi_slopes(3);
    arrays(&bench, &DIMS, |bench, x| {
        let masking = Masking::new().lengths(&lengths, &[16, 3, 1]);
        same(bench, "--lengths lengths.npy", x, &masking, "softmax");
        same(bench, "--sinks -0.5", x, &Masking::new().sinks(&[-0.5], &[]), "softmax");
        same(bench, "--sinks sinks.npy", x, &Masking::new().sinks(&sinks, &[3, 1]), "logsumexp");
        same(bench, "--row-scale scale.npy", x, &Masking::new().row_scale(&scale, &[16, 1, 8]), "softmax");
        let all = Masking::new().alibi(&slopes).causal().lengths(&lengths, &[16, 3, 1]);
        let all = all.row_scale(&scale, &[16, 1, 8]).sinks(&sinks, &[3, 1]);
        let line = "--alibi --causal --row-scale scale.npy --sinks sinks.npy --lengths lengths.npy";
        same(bench, line, x, &all, "log-softmax");
    });
}

#[test]
fn windows_and_slopes_count_queries_and_heads_of_the_whole() {
    let bench = Bench::new();
    let both = |bench: &Bench, x: &Array| {
        let slopes = wgpu_softmax::alibi_slopes(if x.dims.len() < 3 { 1 } else { x.dims[x.dims.len() - 3] });
        same(bench, "--causal", x, &Masking::new().causal(), "softmax");
        same(bench, "--causal=-2", x, &Masking::new().window(Window::causal().offset(-2)), "logsumexp");
        let window = Window::sliding(3).offset(8);
        same(bench, "--window 3 --causal --offset 8", x, &Masking::new().window(window), "softmax");
        same(bench, "--alibi", x, &Masking::new().alibi(&slopes), "softmax");
        let far = Masking::new().alibi(&slopes).window(Window::around(None, None).offset(-5));
        same(bench, "--alibi=auto --offset -5", x, &far, "log-softmax");
    };
    // Parts are of queries, of heads, of neither.
    for dims in [&[40, 60][..], &[24, 9, 30], &DIMS, &[1, 1, 40, 60]] {
        arrays(&bench, dims, both);
    }
}

#[test]
fn masks_hide_whole_rows_as_they_are_told() {
    let bench = Bench::new();
    bench.array("x.npy", "(2, 2)", &[1.0, 2.0, 3.0, 4.0]);
    bench.file("mask.npy", &common::npy("|b1", "(2, 1)", &[0, 1]));
    assert_eq!(bench.compute("x.npy", "--mask mask.npy").1[..2], [0.0, 0.0]);
    assert!(bench.compute("x.npy", "--mask mask.npy --empty-row nan").1[0].is_nan());
    // A single row of queries is no place for heads; one slope serves it.
    assert_eq!(bench.compute("x.npy", "--alibi --causal").1[..2], [1.0, 0.0]);
    assert_eq!(bench.compute("x.npy", "--sinks 0 --op logsumexp").0, "(2,)");
}

#[test]
fn rows_of_any_lengths() {
    let bench = Bench::new();
    let (x, offsets) = (values(10), [0u64, 3, 3, 9, 10]);
    bench.array("x.npy", "(10,)", &x);
    bench.file("offsets.npy", &Array::new("<i8", &[5], &offsets.map(|o| o as f32)).npy());
    for name in ["softmax", "logsumexp"] {
        let (shape, y) = bench.compute("x.npy", &format!("--offsets offsets.npy --op {name} --check"));
        let mut wanted = vec![0.0; if name == "softmax" { 10 } else { 4 }];
        cpu::run_ragged(op(name), &x, &offsets, &mut wanted).unwrap();
        assert_eq!((shape, y), (format!("({},)", wanted.len()), wanted));
    }
    let report = bench.ok("run x.npy -o y.npy --offsets offsets.npy --device cpu");
    assert!(report.contains("4 rows of any lengths"), "{report}");
    for index in common::adapters(&bench) {
        bench.ok(&format!("run x.npy -o gpu.npy --offsets offsets.npy --device {index} --check"));
        let files = ["y.npy", "gpu.npy"].map(|name| std::fs::read(bench.path(name)).unwrap());
        assert!(files[0] == files[1], "{index}");
    }
}
