//! What the measurements of the CPU share.
#![allow(dead_code, reason = "each program takes what it needs")]

use wgpu_softmax::{Shape, Softmax, cpu};

/// The same logits in [-8, 8) on every machine.
pub fn logits(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 20) as f32 - 8.0
    };
    (0..count).map(|_| next()).collect()
}

/// No time is told of a wrong answer: the first rows have the bits of the specification.
pub fn check_bits(x: &[f32], cols: usize) {
    let rows = (100_000 / cols).clamp(1, x.len() / cols);
    let x = &x[..rows * cols];
    let (mut found, mut expected) = (vec![0.0; x.len()], vec![0.0; cols]);
    cpu::softmax(x, Shape::rows(rows, cols), &mut found).unwrap();
    for (x, y) in x.chunks(cols).zip(found.chunks(cols)) {
        cpu::reference::row(&Softmax::new().into(), x, &mut expected);
        assert!(y.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "the bits differ");
    }
}
