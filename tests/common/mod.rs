//! The adapters that tests run on. No adapter is a failure, not a reason to skip.
#![allow(dead_code)] // Each test takes what it needs of it.

pub mod gpu;
pub mod watchdog;

use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters};
use wgpu_softmax::{Op, Shape, cpu};

/// Every adapter there is, or those named in `SOFTMAX_ADAPTERS` (parts of names or backends,
/// separated by commas), with what that left out printed.
pub fn test_adapters() -> Vec<AdapterEntry> {
    let found = pollster::block_on(adapters());
    assert!(
        !found.is_empty(),
        "no adapter: run `cargo xtask test`, which installs Mesa's software Vulkan on Debian and Ubuntu; \
         elsewhere install a Vulkan driver"
    );
    let Ok(wanted) = std::env::var("SOFTMAX_ADAPTERS") else { return found };
    let (kept, left): (Vec<_>, Vec<_>) = found.into_iter().partition(|entry| {
        let name = entry.to_string().to_lowercase();
        wanted.split(',').any(|part| name.contains(&part.trim().to_lowercase()))
    });
    for entry in &left {
        println!("left out by SOFTMAX_ADAPTERS={wanted}: {entry}");
    }
    assert!(!kept.is_empty(), "SOFTMAX_ADAPTERS={wanted} fits none of: {left:?}");
    kept
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
