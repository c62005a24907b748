//! Masked rows on the CPU: the bits of rows that hold -inf where an element does not take part.

use wgpu_softmax::cpu;
use wgpu_softmax::{EmptyRow, Masking, Op, OpKind, Shape};

#[path = "cpu_rows/mod.rs"]
mod cpu_rows;
use cpu_rows::{Random, spread_row, ways};

#[test]
fn masked_long_rows_have_the_bits_of_rows_with_minus_infinity() {
    let mut random = Random::new(8);
    let cols = 300_007;
    let x = spread_row(&mut random, 2 * cols, 8.0);
    let mask: Vec<u8> = (0..2 * cols).map(|i| u8::from(i % 3 != 0)).collect();
    let lengths = [cols as u32 - 5000, 70_000];
    let sinks = [2.5f32, 30.0];
    let dims = [2, cols];
    let masking = Masking::new().mask_bytes(&mask, &dims).lengths(&lengths, &[2]).sinks(&sinks, &[2]);
    for kind in OpKind::ALL {
        let words = kind.output_words(Shape::rows(1, cols)).unwrap() as usize;
        let mut found = vec![0.0f32; 2 * words];
        cpu::run_tensor(Op::new(kind), &x, Shape::rows(2, cols), &masking, &mut found).unwrap();
        for row in 0..2 {
            let hidden = |col: usize| mask[row * cols + col] == 0 || col >= lengths[row] as usize;
            let mut z: Vec<f32> = (0..cols)
                .map(|col| if hidden(col) { f32::NEG_INFINITY } else { x[row * cols + col] })
                .collect();
            z.push(sinks[row]);
            let plain = kind.output_words(Shape::rows(1, cols + 1)).unwrap() as usize;
            let mut expected = vec![0.0f32; plain];
            cpu::run(Op::new(kind), &z, Shape::rows(1, cols + 1), &mut expected).unwrap();
            let same =
                expected.iter().zip(&found[row * words..][..words]).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{} of row {row}", kind.name());
        }
    }
}

/// So many short rows that they go several vectors at a time, and some that no element of is left.
#[test]
fn masked_short_rows_have_the_bits_of_rows_with_minus_infinity() {
    let mut random = Random::new(10);
    for (cols, rows) in [(2, 197), (3, 130), (4, 64), (9, 77), (33, 70)] {
        let mut x: Vec<f32> = (0..rows * cols).map(|_| 3.0 * random.normal()).collect();
        x[5] = 70.0;
        let mask: Vec<u8> = (0..rows * cols).map(|_| u8::from(!random.bits().is_multiple_of(3))).collect();
        let hidden = |i: usize| if mask[i] == 0 { f32::NEG_INFINITY } else { x[i] };
        let z: Vec<f32> = (0..rows * cols).map(hidden).collect();
        for from in [0, 64.min(rows - 20)] {
            // With the far row, and without it.
            let shape = Shape::rows(rows - from, cols);
            let dims = [rows - from, cols];
            let masking = Masking::new().mask_bytes(&mask[from * cols..], &dims);
            for kind in OpKind::ALL {
                let words = kind.output_words(Shape::rows(1, cols)).unwrap() as usize;
                let mut expected = vec![0.0f32; (rows - from) * words];
                let mut op = Op::new(kind);
                op.empty_row = EmptyRow::Zero;
                cpu::run(op, &z[from * cols..], shape, &mut expected).unwrap();
                for options in ways() {
                    let mut found = vec![0.0f32; expected.len()];
                    cpu::run_tensor_with(&options, op, &x[from * cols..], shape, &masking, &mut found)
                        .unwrap();
                    let same = expected.iter().zip(&found).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{} of {rows} rows of {cols} from {from}, {options:?}", kind.name());
                }
            }
        }
    }
}
