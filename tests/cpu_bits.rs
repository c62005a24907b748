//! Every instruction set, every number of threads and every kernel of the CPU gives the bits of
//! `cpu::reference`, for every operation.
//!
//! Lengths are sampled by default; `SOFTMAX_FULL=1` takes every one of 0..=1040 and more seeds.

use wgpu_softmax::cpu::{self, Options, SHORT_COLS, reference};
use wgpu_softmax::{EmptyRow, Op, OpKind, RowStats, Shape};

#[path = "cpu_rows/mod.rs"]
mod cpu_rows;
use cpu_rows::{Random, full, lengths, specials, spread_row, ways};

/// The specification's answer, as bits.
fn expected(op: &Op, x: &[f32], rows: usize, cols: usize) -> Vec<u32> {
    let mut out = Vec::new();
    for row in 0..rows {
        let x = &x[row * cols..][..cols];
        match op.kind {
            OpKind::LogSumExp => out.push(reference::log_sum_exp_row(op, x).to_bits()),
            OpKind::RowStats => {
                out.extend(bytemuck::cast::<RowStats, [u32; 8]>(reference::row_stats(x, op.scale)))
            }
            _ => {
                let mut y = vec![0.0; cols];
                reference::row(op, x, &mut y);
                out.extend(y.iter().map(|y| y.to_bits()));
            }
        }
    }
    out
}

fn check(options: &Options, op: &Op, x: &[f32], rows: usize, cols: usize, expected: &[u32], what: &str) {
    let shape = Shape::rows(rows, cols);
    // A poisoned word on either side, and an output off the alignment of the input.
    let mut out = vec![f32::from_bits(0xdead_beef); expected.len() + 2];
    let last = expected.len() + 1;
    cpu::run_with(options, *op, x, shape, &mut out[1..last]).unwrap();
    assert!(out[0].to_bits() == 0xdead_beef && out[last].to_bits() == 0xdead_beef, "{what}: wrote beyond");
    compare(&out[1..last], expected, x, cols, || format!("{what} {op:?} {options:?} {rows}x{cols}"));
    if op.kind.is_elementwise() {
        let mut data = x.to_vec();
        cpu::run_in_place_with(options, *op, &mut data, shape).unwrap();
        compare(&data, expected, x, cols, || format!("in place: {what} {op:?} {options:?} {rows}x{cols}"));
    }
}

fn compare(found: &[f32], expected: &[u32], x: &[f32], cols: usize, what: impl Fn() -> String) {
    if let Some(i) = (0..expected.len()).find(|&i| found[i].to_bits() != expected[i]) {
        let (f, e) = (found[i].to_bits(), expected[i]);
        let row = &x[(i / cols.max(1) * cols).min(x.len())..][..cols.min(8)];
        panic!("{}: result {i} is {f:08x}, must be {e:08x}; row starts {row:?}", what());
    }
}

fn check_all(x: &[f32], rows: usize, cols: usize, scale: f32, what: &str) {
    for kind in OpKind::ALL {
        for empty_row in [EmptyRow::Nan, EmptyRow::Zero] {
            let mut op = Op::new(kind);
            op.scale = scale;
            op.empty_row = empty_row;
            if empty_row == EmptyRow::Zero && !x.contains(&f32::NEG_INFINITY) {
                continue;
            }
            let expected = expected(&op, x, rows, cols);
            for options in ways() {
                check(&options, &op, x, rows, cols, &expected, what);
            }
        }
    }
}

/// Groups of which all rows are near their maximum, which kernels take together, beside groups with one that is not:
/// rows of both signs, of one, and of one number.
#[test]
fn groups_of_near_rows_have_the_bits_of_the_reference() {
    let mut random = Random::new(3);
    let lengths = (2..=SHORT_COLS + 1).filter(|n| full() || n % 16 < 2 || n % 13 == 0 || *n > 178);
    for (i, cols) in lengths.enumerate() {
        for rows in if full() { vec![1, 2, 7, 16, 17, 35] } else { vec![[1, 2, 17, 35][i % 4], 33] } {
            let mut x: Vec<f32> = (0..rows * cols).map(|_| 2.0 * random.normal()).collect();
            check_all(&x, rows, cols, 1.0, "near");
            x[rows / 2 * cols..].iter_mut().for_each(|x| *x = x.abs());
            x[rows / 4 * cols..rows / 2 * cols].iter_mut().for_each(|x| *x = -x.abs());
            x[(rows - 1) * cols..].fill(0.5);
            check_all(&x, rows, cols, 0.75, "near, of one sign");
            x[0] = -90_000.0;
            check_all(&x, rows, cols, 1.0, "near but for one");
        }
    }
}

/// Rows that go several vectors at a time, each in a lane: of all numbers that leave a part of a block, near rows
/// and others, and special ones at either end of a block.
#[test]
fn blocks_of_short_rows_have_the_bits_of_the_reference() {
    let mut random = Random::new(4);
    for cols in [2, 3, 4, 5, 7, 8, 10, 13, 19, 24, 33, 40] {
        for rows in if full() { (60..=260).collect() } else { vec![63, 64, 65, 80, 127, 128, 193, 512 + 31] }
        {
            let mut x: Vec<f32> = (0..rows * cols).map(|_| 3.0 * random.normal()).collect();
            check_all(&x, rows, cols, 1.0, "near");
            for (row, special) in [(0, f32::NAN), (17, f32::NEG_INFINITY), (rows - 1, f32::INFINITY)] {
                x[row * cols + row % cols] = special;
            }
            x[20 * cols..21 * cols].fill(f32::NEG_INFINITY);
            x[rows / 2 * cols] = 80.0;
            check_all(&x, rows, cols, 1.0, "some special");
            check_all(&x, rows, cols, -0.75, "some special, scaled");
        }
    }
}

#[test]
fn every_length_has_the_bits_of_the_reference() {
    let mut random = Random::new(1);
    for cols in lengths() {
        for spread in
            if full() { vec![1e-3, 1.0, 10.0, 1e3, 1e4] } else { vec![[1e-3, 3.0, 80.0, 1e4][cols % 4]] }
        {
            // More rows than the widest vector has lanes, and a number that does not divide.
            let rows = if cols < 2000 { 19 } else { 3 };
            let x: Vec<f32> = (0..rows).flat_map(|_| spread_row(&mut random, cols, spread)).collect();
            check_all(&x, rows, cols, 1.0, "plain");
            if cols % 3 == 0 {
                check_all(&x, rows, cols, [0.5, -1.0, 1.7, 1e-3][cols / 3 % 4], "scaled");
            }
        }
    }
}

#[test]
fn long_rows_have_the_bits_of_the_reference() {
    let mut random = Random::new(2);
    for cols in [1 << 16, (1 << 17) - 1, (1 << 17) + 5, 1 << 18, (1 << 18) + 1, 300_007] {
        let x = spread_row(&mut random, cols, 4.0);
        check_all(&x, 1, cols, 1.0, "long");
        check_all(&x, 1, cols, -0.7, "long");
    }
    let mut x = spread_row(&mut random, 300_007, 4.0);
    for special in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        x[299_999] = special;
        check_all(&x, 1, 300_007, 1.0, "long with a special value");
    }
    check_all(&vec![f32::NEG_INFINITY; 300_007], 1, 300_007, 1.0, "long and empty");
}

#[test]
fn long_rows_whose_maximum_rises_have_the_bits_of_the_reference() {
    for cols in [140_000, 300_007] {
        // So little that the sum is kept, so much that it is given up, and across the anchor's limit.
        for rise in [5.0, 12.0, 28.0, 60.0, 300.0, 1e5] {
            let mut x: Vec<f32> = (0..cols).map(|i| rise * (i as f32 / cols as f32 - 0.3)).collect();
            check_all(&x, 1, cols, 1.0, "rising");
            check_all(&x, 1, cols, -0.5, "falling");
            x[..70_000].fill(f32::NEG_INFINITY);
            check_all(&x, 1, cols, 1.0, "rising from -inf");
            x[100_000] = f32::NEG_INFINITY;
            check_all(&x, 1, cols, 1.0, "rising with -inf");
        }
    }
}

#[test]
fn special_values_in_every_position_have_the_bits_of_the_reference() {
    let mut random = Random::new(3);
    for cols in [1, 2, 3, 4, 5, 16, 17, 33, 64, 65, 100, 129, 1000] {
        let mut positions = vec![0, cols / 2, cols - 1];
        positions.dedup();
        // Each special row stands between plain ones.
        let mut x = Vec::new();
        for special in specials() {
            for position in &positions {
                x.extend(spread_row(&mut random, cols, 2.0));
                let mut row = spread_row(&mut random, cols, 2.0);
                row[*position] = special;
                x.extend(row);
            }
            x.extend(vec![special; cols]);
        }
        let rows = x.len() / cols;
        for scale in [1.0, -1.0, 2.0, 1e-3, 0.0] {
            check_all(&x, rows, cols, scale, "special");
        }
    }
}

#[test]
fn named_rows_have_the_bits_of_the_reference() {
    for row in [
        vec![26.715569, 5.2001257],
        vec![0.0, 1.0, -1e7],
        vec![0.0, -8.0],
        vec![0.0, -17.0],
        vec![0.0, -30.0],
        vec![-std::f32::consts::LN_2; 2],
        vec![0.0, -0.0, 0.0],
        vec![-0.0; 5],
        vec![1e-40, -1e-40, 0.0],
        vec![-1e-40, -1e-39],
        vec![f32::MAX, f32::MIN, 0.0],
        vec![-1e30, 1.0, 2.0],
        vec![1e30, 1e30, 0.999e30],
        vec![-1.0; 64],
        vec![3.0; 700],
    ] {
        check_all(&row, 1, row.len(), 1.0, "named");
        let many: Vec<f32> = row.iter().copied().cycle().take(row.len() * 33).collect();
        check_all(&many, 33, row.len(), 1.0, "named");
        // The same values as one longer row, so that the other kernels see them.
        check_all(&many, 1, many.len(), 1.0, "named");
        check_all(&many.repeat(40), 1, many.len() * 40, 1.0, "named");
    }
}

#[test]
fn a_result_large_enough_to_be_streamed_has_the_bits_of_the_reference() {
    let mut random = Random::new(4);
    for cols in [3, 10, 64, 65, 1000, 1024, 40_000] {
        let rows = (2 << 20) / cols + 5;
        let x = spread_row(&mut random, rows * cols, 5.0);
        for kind in [OpKind::Softmax, OpKind::LogSoftmax] {
            let op = Op::new(kind);
            let expected = expected(&op, &x, rows, cols);
            for options in [Options::new(), Options::new().threads(1), Options::new().threads(3)] {
                check(&options, &op, &x, rows, cols, &expected, "streamed");
            }
        }
    }
}

#[test]
fn an_unaligned_input_has_the_bits_of_the_reference() {
    let mut random = Random::new(5);
    for cols in [7, 40, 100, 1024] {
        let x = spread_row(&mut random, 40 * cols + 16, 5.0);
        for offset in 0..16 {
            check_all(&x[offset..][..40 * cols], 40, cols, 1.0, "unaligned");
        }
    }
}
