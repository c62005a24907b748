//! Rows of f64 have the same bits whether the processor keeps subnormals or flushes them to zero.
#![cfg(target_arch = "x86_64")]

#[path = "common/flushing.rs"]
mod flushing;
mod rows_f64;

use std::hint::black_box;

use flushing::with_flushing;
use rows_f64::{battery, bits};
use wgpu_softmax::OpKind;
use wgpu_softmax::cpu::double;

#[test]
fn the_modes_are_switched_and_restored() {
    let half = |x: f64| black_box(x) * black_box(0.5);
    assert_eq!(with_flushing(|| half(f64::MIN_POSITIVE)).to_bits(), 0);
    assert_eq!(half(f64::MIN_POSITIVE).to_bits(), 0x0008_0000_0000_0000);
}

#[test]
fn flushing_subnormals_changes_no_bit_of_a_row() {
    for row in battery() {
        for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp] {
            let kept = bits(kind, &row);
            let flushed = with_flushing(|| bits(kind, black_box(&row)));
            assert_eq!(kept, flushed, "{kind:?} of {:?}", &row[..row.len().min(8)]);
        }
    }
}

#[test]
fn flushing_subnormals_changes_no_bit_of_what_stands_beside_a_row() {
    let least = f64::MIN_POSITIVE;
    let values = [0.0, -0.0, 1.5, least, -1.5 * least, 3.0 * least, 1e-310, -5e-324, 1e300, f64::INFINITY];
    let factors = [1.0f32, 0.5, -0.3, 1e-38, 1e-40, -1e-45, 3e38];
    let results = |x: f64, y: f64, factor: f32| {
        let row_scale = double::row_scale(factor, 0.75 * factor);
        let scaled = double::scaled(x, factor);
        let by_row = double::scaled_by_row(x, row_scale);
        let mut beside = vec![double::biased(scaled, double::biased(by_row, y)), double::biased(x, y)];
        beside.push(double::biased(x, double::alibi(factor, 3)));
        // As a row computes with them.
        bits(OpKind::LogSumExp, &beside[..1])
            .into_iter()
            .chain(bits(OpKind::LogSoftmax, &beside))
            .collect::<Vec<_>>()
    };
    for x in values {
        for y in values {
            for factor in factors {
                let flushed = with_flushing(|| results(black_box(x), black_box(y), black_box(factor)));
                assert_eq!(results(x, y, factor), flushed, "{x:e}, {y:e}, {factor:e}");
            }
        }
    }
}
