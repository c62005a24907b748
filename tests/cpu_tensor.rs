//! Axes, element types, masks and ragged rows on the CPU: the bits of the specification, with every
//! instruction set and number of threads.

use wgpu_softmax::cpu::{self, Options};
use wgpu_softmax::verify::Thoroughness;
use wgpu_softmax::verify::tensor::{
    TensorCase, TensorRunner, expected_tensor, first_tensor_difference, tensor_by, tensor_by_chance,
    tensor_cases,
};
use wgpu_softmax::{Element, Error, Masking, Op, OpKind, Shape, f16};

#[path = "cpu_rows/mod.rs"]
mod cpu_rows;
use cpu_rows::{Random, full, spread_row, ways};

fn thoroughness() -> Thoroughness {
    if full() { Thoroughness::Full } else { Thoroughness::Quick }
}

/// A way to run, into the middle of a longer array: what lies on either side must stay as it is.
struct Guarded<'a> {
    options: &'a Options,
    in_place: bool,
}

impl TensorRunner for Guarded<'_> {
    fn run<X: Element, Y: Element>(
        &self,
        op: Op,
        x: &[X],
        shape: Shape,
        masking: &Masking,
        y: &mut [Y],
    ) -> Result<(), Error> {
        let guard: Y = bytemuck::pod_read_unaligned(&[0xa5u8; 8][..size_of::<Y>()]);
        let mut guarded = vec![guard; y.len() + 2];
        let results = &mut guarded[1..=y.len()];
        if self.in_place {
            // Both are of one type then.
            results.copy_from_slice(bytemuck::cast_slice(x));
            cpu::run_tensor_in_place_with(self.options, op, results, shape, masking)?;
        } else {
            cpu::run_tensor_with(self.options, op, x, shape, masking, results)?;
        }
        y.copy_from_slice(results);
        results.fill(guard);
        assert!(bytemuck::cast_slice(&guarded).iter().all(|byte: &u8| *byte == 0xa5), "wrote beyond");
        Ok(())
    }
}

#[test]
fn every_tensor_has_the_bits_of_the_specification() {
    let ways = ways();
    for (index, case) in tensor_cases(thoroughness()).iter().enumerate() {
        let expected = expected_tensor(case);
        // All ways take their turn; with SOFTMAX_FULL each case is computed in each.
        let some: Vec<_> = if full() {
            ways.clone()
        } else {
            vec![ways[index % ways.len()], Options::new(), Options::new().threads(3)]
        };
        for options in some {
            check(&options, case, &expected);
        }
    }
}

fn check(options: &Options, case: &TensorCase, expected: &[u32]) {
    let can_be_in_place = case.op.kind.is_elementwise() && case.data.dtype() == case.output;
    for in_place in [false, true].into_iter().filter(|in_place| can_be_in_place || !in_place) {
        let found = tensor_by(&Guarded { options, in_place }, case).unwrap();
        if let Some(difference) = first_tensor_difference(case, expected, &found) {
            panic!("{options:?}: {difference}; {:?} {:?}", case.op, case.masking);
        }
    }
}

#[test]
fn tensors_by_chance_have_the_bits_of_the_specification() {
    for number in 0..if full() { 20_000 } else { 1500 } {
        let case = tensor_by_chance(number, None);
        let expected = expected_tensor(&case);
        check(&Options::new().threads(1 + number as usize % 3), &case, &expected);
    }
}

#[test]
fn long_tensors_by_chance_have_the_bits_of_the_specification() {
    let lengths = [257, 513, 1000, 5000, 16_385, 65_537, 140_000, (1 << 18) - 1, 1 << 18];
    for number in 0..if full() { 500 } else { 60 } {
        let case =
            tensor_by_chance(number, Some(lengths[number as usize % lengths.len()] + number as usize % 3));
        let expected = expected_tensor(&case);
        check(&Options::new().threads(1), &case, &expected);
        check(&Options::new(), &case, &expected);
    }
}

/// Results beyond what caches hold go past them, halves in pairs.
#[test]
fn large_results_have_the_bits_of_the_specification() {
    let (rows, cols) = (1501, 3001);
    let x: Vec<f16> = (0..rows * cols).map(|i| f16::from_f32((i * 7919 % 1009) as f32 * 0.01)).collect();
    let lengths: Vec<u32> = (0..rows).map(|row| (row * 37 % (cols + 1)) as u32).collect();
    for axis in [1, 0] {
        let dims = if axis == 1 { [rows, cols] } else { [cols, rows] };
        let shape = Shape::along(&dims, &[axis]).unwrap();
        for masking in [Masking::new(), Masking::new().lengths(&lengths, &[rows])] {
            let (mut y, mut wide) = (vec![f16::ZERO; x.len()], vec![0.0f32; x.len()]);
            cpu::run_tensor(Op::new(OpKind::Softmax), &x, shape, &masking, &mut y).unwrap();
            cpu::run_tensor(Op::new(OpKind::Softmax), &x, shape, &masking, &mut wide).unwrap();
            for row in [0, 1, 700, rows - 1] {
                let at = |col: usize| if axis == 1 { row * cols + col } else { col * rows + row };
                let hidden = |col: usize| masking.is_empty() || col < lengths[row] as usize;
                let z: Vec<f32> = (0..cols)
                    .map(|col| if hidden(col) { x[at(col)].to_f32() } else { f32::NEG_INFINITY })
                    .collect();
                let mut expected = vec![0.0; cols];
                let op = Op::new(OpKind::Softmax).empty_row(wgpu_softmax::EmptyRow::Zero);
                cpu::reference::row(&op, &z, &mut expected);
                for (col, expected) in expected.iter().enumerate() {
                    assert_eq!(wide[at(col)].to_bits(), expected.to_bits(), "row {row}, column {col}");
                    assert_eq!(y[at(col)].to_bits(), cpu::half::to_f16(*expected), "row {row}, column {col}");
                }
            }
        }
    }
}

#[test]
fn one_element_with_a_sink() {
    let (mut y, mut of_ragged) = ([0.0f32], [0.0f32]);
    let masking = Masking::new().sinks(&[1.0], &[]);
    cpu::run_tensor(Op::new(OpKind::Softmax), &[1.0f32], Shape::rows(1, 1), &masking, &mut y).unwrap();
    let options = Options::new();
    cpu::run_ragged_with(&options, Op::new(OpKind::Softmax), &[1.0f32], &[0, 1], &masking, &mut of_ragged)
        .unwrap();
    assert_eq!([y[0], of_ragged[0]], [0.5, 0.5]);
}

#[test]
fn nothing_is_nothing_whatever_its_axes() {
    let shape = Shape::along(&[0, usize::MAX, 4], &[-1]).unwrap();
    let mask = Masking::new().mask_bytes(&[], &[0, 1, 4]);
    cpu::run_tensor::<f16, f16>(Op::new(OpKind::Softmax), &[], shape, &Masking::new(), &mut []).unwrap();
    cpu::run_tensor::<f32, f16>(Op::new(OpKind::LogSumExp), &[], shape, &mask, &mut []).unwrap();
}

#[test]
fn long_rows_along_any_axis_have_the_bits_of_plain_ones() {
    let mut random = Random::new(7);
    let cols = if full() {
        vec![17_000, 66_000, 140_000, (1 << 18) + 3]
    } else {
        vec![17_000, 66_000, (1 << 18) + 3]
    };
    for cols in cols {
        let rows: Vec<Vec<f32>> = (0..3).map(|_| spread_row(&mut random, cols, 20.0)).collect();
        let turned: Vec<f32> = (0..cols).flat_map(|col| rows.iter().map(move |row| row[col])).collect();
        for kind in OpKind::ALL {
            let op = Op::new(kind).scale(0.75);
            let shape = Shape::rows(3, cols);
            let mut expected = vec![0.0; kind.output_words(shape).unwrap() as usize];
            cpu::run(op, &rows.concat(), shape, &mut expected).unwrap();
            let mut found = vec![0.0f32; expected.len()];
            let along = Shape::along(&[cols, 3], &[0]).unwrap();
            cpu::run_tensor(op, &turned, along, &Masking::new(), &mut found).unwrap();
            if kind.is_elementwise() {
                found = (0..3).flat_map(|row| found[row..].iter().step_by(3).copied()).collect();
            }
            let same = expected.iter().zip(&found).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{} of {cols}", kind.name());
        }
    }
}

#[test]
fn ragged_rows_have_the_bits_they_have_alone() {
    let mut random = Random::new(9);
    let lengths = [0usize, 1, 3, 0, 17, 1000, 5, 5, 6, 70_000, 40, 41, 2, (1 << 18) + 1, 33, 0];
    let offsets: Vec<u64> =
        (0..=lengths.len()).map(|row| lengths[..row].iter().sum::<usize>() as u64).collect();
    let x = spread_row(&mut random, *offsets.last().unwrap() as usize, 9.0);
    let halves: Vec<f16> = x.iter().map(|x| f16::from_f32(*x)).collect();
    for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp, OpKind::RowStats] {
        for threads in [1, 3] {
            let options = Options::new().threads(threads);
            let words = if kind.is_elementwise() {
                x.len()
            } else {
                kind.output_words(Shape::rows(lengths.len(), 1)).unwrap() as usize
            };
            let (mut found, mut of_halves) = (vec![7.0f32; words], vec![7.0f32; words]);
            let op = Op::new(kind).scale(-0.5);
            cpu::run_ragged_with(&options, op, &x, &offsets, &Masking::new(), &mut found).unwrap();
            cpu::run_ragged_with(&options, op, &halves, &offsets, &Masking::new(), &mut of_halves).unwrap();
            let widened: Vec<f32> = halves.iter().map(|x| x.to_f32()).collect();
            for (found, x) in [(&found, &x), (&of_halves, &widened)] {
                let mut at = 0;
                for (row, len) in lengths.iter().enumerate() {
                    let shape = Shape::rows(1, *len);
                    let mut expected = vec![0.0; kind.output_words(shape).unwrap() as usize];
                    cpu::run(op, &x[offsets[row] as usize..][..*len], shape, &mut expected).unwrap();
                    let found = &found[at..][..expected.len()];
                    at += expected.len();
                    let same = expected.iter().zip(found).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{} of row {row} of {len}, {threads} threads", kind.name());
                }
            }
        }
    }
}

/// f64 goes by `cpu::double`, which has tests of its own: here, that every axis and mask gives it the row
/// it must.
#[test]
fn rows_of_doubles_are_those_of_the_module_for_them() {
    let (rows, cols) = (6, 37);
    let at = |row: usize, col: usize| ((row * 41 + col * 17) % 101) as f64 * 0.13 - 5.0;
    let mask: Vec<u8> = (0..rows * cols).map(|i| u8::from(i % 5 != 2)).collect();
    let bias: Vec<f64> = (0..cols).map(|i| i as f64 * 0.01).collect();
    let sinks = [0.5f32; 6];
    let lengths = [37u32, 0, 5, 36, 1, 20];
    for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp] {
        let op = Op::new(kind).scale(0.3);
        let x: Vec<f64> = (0..rows * cols).map(|i| at(i / cols, i % cols)).collect();
        let turned: Vec<f64> = (0..rows * cols).map(|i| at(i % rows, i / rows)).collect();
        let (mut plain, mut down) = (x.clone(), turned.clone());
        let (shape, along) = (Shape::rows(rows, cols), Shape::along(&[cols, rows], &[0]).unwrap());
        let words = if kind.is_elementwise() { rows * cols } else { rows };
        cpu::run_tensor(op, &x, shape, &Masking::new(), &mut plain[..words]).unwrap();
        cpu::run_tensor(op, &turned, along, &Masking::new(), &mut down[..words]).unwrap();
        let dims = [rows, cols];
        let masking = Masking::new()
            .mask_bytes(&mask, &dims)
            .bias(&bias, &dims[1..])
            .sinks(&sinks, &dims[..1])
            .lengths(&lengths, &dims[..1]);
        let mut masked = x.clone();
        cpu::run_tensor(op, &x, shape, &masking, &mut masked[..words]).unwrap();
        for row in 0..rows {
            let logit = |col: usize| cpu::double::scaled(at(row, col), 0.3);
            let mut z: Vec<f64> = (0..cols).map(logit).collect();
            let of_row = cpu::double::row(&op, &mut z);
            let hidden = |col: usize| mask[row * cols + col] == 0 || col >= lengths[row] as usize;
            let masked_logit = |col: usize| match hidden(col) {
                true => f64::NEG_INFINITY,
                false => cpu::double::biased(logit(col), bias[col]),
            };
            let mut m: Vec<f64> = (0..cols).map(masked_logit).chain([0.5]).collect();
            let of_masked = cpu::double::row(&op, &mut m);
            if !kind.is_elementwise() {
                assert_eq!([plain[row], down[row], masked[row]], [of_row, of_row, of_masked]);
                continue;
            }
            for col in 0..cols {
                assert_eq!(plain[row * cols + col].to_bits(), z[col].to_bits());
                assert_eq!(down[col * rows + row].to_bits(), z[col].to_bits());
                assert_eq!(masked[row * cols + col].to_bits(), m[col].to_bits());
            }
        }
    }
}

#[test]
fn beside_more_than_eight_axes_stands_what_the_last_ones_tell_apart() {
    let dims = [2; 9];
    let shape = Shape::along(&dims, &[-1]).unwrap();
    let (x, mut y) = ([0.0f32; 512], [0.0f32; 512]);
    let mask: Vec<u8> = (0..512).map(|i| (i % 3 != 0) as u8).collect();
    let mut run = |masking: Masking| cpu::run_tensor(Op::new(OpKind::Softmax), &x, shape, &masking, &mut y);
    let told = run(Masking::new().mask_bytes(&mask, &dims)).unwrap_err().to_string();
    assert_eq!(
        told,
        "mask: its shape (2, 2, 2, 2, 2, 2, 2, 2, 2) reaches beyond the last 7 axes, the only ones told apart beside an \
         array of 9 axes; reshape array and mask to at most 8 axes"
    );
    let told = run(Masking::new().lengths(&[1; 256], &dims[..8])).unwrap_err().to_string();
    assert!(
        told.starts_with("lengths: its shape (2, 2, 2, 2, 2, 2, 2, 2) reaches beyond the last 6 axes"),
        "{told}"
    );
    // The last seven, and ones before them.
    run(Masking::new().mask_bytes(&mask[..128], &dims[..7])).unwrap();
    run(Masking::new().mask_bytes(&mask[..128], &[1, 1, 2, 2, 2, 2, 2, 2, 2])).unwrap();
    let wrong = run(Masking::new().mask_bytes(&mask[..3], &[3])).unwrap_err();
    assert!(matches!(wrong, Error::Broadcast { .. }), "{wrong}");
    // What was merged in the middle shifts nothing: (3, 1) would have met the first two axes.
    let shape = Shape::along(&[3, 3, 1, 4, 1, 1, 1, 1, 1], &[1]).unwrap();
    let (x, mut y) = ([0.0f32; 36], [0.0f32; 36]);
    let masking = Masking::new().mask_bytes(&mask[..12], &[3, 1, 4, 1, 1, 1, 1, 1]);
    let told = cpu::run_tensor(Op::new(OpKind::Softmax), &x, shape, &masking, &mut y).unwrap_err();
    assert!(matches!(told, Error::Binding { operand: "mask", .. }), "{told}");
}
