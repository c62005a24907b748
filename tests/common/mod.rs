//! The adapters that tests run on. No adapter is a failure, not a reason to skip.
#![allow(dead_code, unused_imports)] // Each test takes what it needs of it.

pub mod gpu;
mod named;
pub mod watchdog;

pub use named::test_adapters;
use wgpu_softmax::gpu::Options;
use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters};
use wgpu_softmax::{Context, Op, Shape, cpu};

/// A context on each adapter that tests run on.
pub fn contexts() -> Vec<Context> {
    let open = |entry| pollster::block_on(Context::on(entry, Options::default())).unwrap();
    test_adapters().into_iter().map(open).collect()
}

/// What the CPU makes of a batch in memory.
pub fn expected(op: Op, x: &[f32], shape: Shape) -> Vec<f32> {
    let mut out = vec![0.0; op.kind.output_words(shape).unwrap() as usize];
    cpu::run(op, x, shape, &mut out).unwrap();
    out
}

/// Whether all bits are equal.
pub fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}
