//! `Precision::Fast` on each adapter: the special values of Reproducible, and an error that stays
//! within what docs/numerics.md says was measured.

mod common;
#[path = "oracle/mod.rs"]
mod oracle;

use common::gpu::logits;
use wgpu_softmax::gpu::planner::{Capabilities, choose};
use wgpu_softmax::gpu::{Kernel, Options, Profile};
use wgpu_softmax::{Context, EmptyRow, Op, OpKind, Precision, Shape, cpu};

/// A context for each adapter and kernel, with what its planner knows.
fn contexts() -> Vec<(String, Kernel, Capabilities, Context)> {
    let mut found = Vec::new();
    for entry in common::test_adapters() {
        for kernel in Kernel::ALL {
            let options = Options::default().force(kernel);
            let context = pollster::block_on(Context::on(entry.clone(), options)).unwrap();
            let caps = Capabilities::of(context.device().unwrap());
            found.push((format!("{entry} {}", kernel.name()), kernel, caps, context));
        }
    }
    found
}

/// Which of the values that rules prescribe a result is, if one.
fn class(y: f32) -> u32 {
    match y {
        y if y.is_nan() => 1,
        y if y.is_infinite() => y.to_bits(),
        _ => 0,
    }
}

#[test]
fn special_values_follow_the_same_rules() {
    let specials = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, f32::MIN, -0.0, 1e-40];
    for (label, kernel, caps, context) in contexts() {
        for cols in [1, 7, 20, 130, 4100] {
            if choose(cols as u64, cols % 4 == 0, Some(kernel), &caps, Profile::of_device(&caps)).is_err() {
                continue;
            }
            let mut x = logits(cols * specials.len());
            for (row, special) in specials.iter().enumerate() {
                x[row * cols + cols * 2 / 3] = *special;
            }
            x.extend(vec![f32::NEG_INFINITY; cols]);
            let shape = Shape::rows(specials.len() + 1, cols);
            for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp] {
                for empty_row in [EmptyRow::Nan, EmptyRow::Zero] {
                    let op = Op::new(kind).empty_row(empty_row).precision(Precision::Fast);
                    let got = context.run_blocking(op, &x, shape).unwrap();
                    let mut want = vec![0.0; got.len()];
                    cpu::run(op.precision(Precision::Reproducible), &x, shape, &mut want).unwrap();
                    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                        let like = class(*got) == class(*want) && (*want != 0.0 || got.abs() < 1.2e-38);
                        assert!(
                            like,
                            "{label} {op:?} {cols} columns, result {i}: {got:e}, not like {want:e}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_error_stays_within_what_was_measured() {
    for (label, kernel, caps, context) in contexts() {
        for (spread, bound) in [(0.05, 10.0), (1.0, 50.0), (4.0, 160.0)] {
            let mut worst = 0f64;
            for cols in [3, 32, 1000, 30_000] {
                if choose(cols as u64, cols % 4 == 0, Some(kernel), &caps, Profile::of_device(&caps)).is_err()
                {
                    continue;
                }
                let rows = 60_000 / cols;
                let x: Vec<f32> = logits(rows * cols).iter().map(|x| x * spread).collect();
                let op = Op::new(OpKind::Softmax).precision(Precision::Fast);
                let got = context.run_blocking(op, &x, Shape::rows(rows, cols)).unwrap();
                for (x, y) in x.chunks(cols).zip(got.chunks(cols)) {
                    for (exact, y) in oracle::softmax(x).into_iter().zip(y) {
                        if exact > 2e-38 {
                            worst = worst.max(oracle::ulp_error(*y, exact));
                        }
                    }
                }
            }
            println!("{label}, within +-{}: {worst:.1} ulp", 10.0 * spread);
            assert!(worst < bound, "{label}, within +-{}: {worst:.1} ulp", 10.0 * spread);
        }
    }
}
