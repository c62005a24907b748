//! Softmax of tensors: what axes, types and masks cost beside plain rows.

use std::hint::black_box;

use wgpu_softmax::cpu::{self, Options, SimdLevel};
use wgpu_softmax::{Element, Masking, Shape, Softmax, f16};

use super::{ELEMENTS, counted_call};

/// Lengths of rows: one for each kernel that rows side by side have, and one beyond the L1 cache.
const COLS: [usize; 3] = [10, 128, 1000];

/// Counts a call of each kind and length.
pub fn measure_all(level: SimdLevel, x: &[f32], y: &mut [f32], wanted: &[String]) {
    let halves: Vec<f16> = x.iter().map(|x| f16::from_f32(*x)).collect();
    let mut of_halves = halves.clone();
    let mask: Vec<u8> = (0..x.len()).map(|i| u8::from(i % 7 != 3)).collect();
    for cols in COLS {
        let rows = ELEMENTS / cols;
        let (dims, nothing) = ([rows, cols], Masking::new());
        let (shape, down) = (Shape::rows(rows, cols), Shape::along(&[cols, rows], &[0]).expect("an axis"));
        let count = |kind: &str, call: &mut dyn FnMut()| {
            let name = format!("softmax/{kind}/{}/{cols:06}", level.name());
            if wanted.iter().all(|w| name.contains(w)) {
                call();
                counted_call(call);
                println!("{name}\t{}", rows * cols);
            }
        };
        let masked = nothing.mask_bytes(&mask[..rows * cols], &dims);
        count("axis-0", &mut || run(level, x, down, &nothing, y));
        count("f16", &mut || run(level, &halves, shape, &nothing, &mut of_halves));
        count("mask", &mut || run(level, x, shape, &masked, y));
        count("causal", &mut || run(level, x, shape, &nothing.causal(), y));
    }
}

fn run<X: Element>(level: SimdLevel, x: &[X], shape: Shape, masking: &Masking, y: &mut [X]) {
    let (options, elements) =
        (Options::new().level(level).threads(1), shape.elements().expect("small") as usize);
    let (x, y) = (black_box(&x[..elements]), &mut y[..elements]);
    cpu::run_tensor_with(&options, Softmax::new(), x, black_box(shape), masking, y)
        .expect("the slices fit the shape");
    black_box(y);
}
