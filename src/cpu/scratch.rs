//! Aligned memory that a thread keeps between calls.

use std::cell::RefCell;

use bytemuck::{Pod, Zeroable};

/// A cache line, so that vectors in scratch never straddle two.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

thread_local! {
    static SCRATCH: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    static BLOCKS: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with at least `floats` floats of this thread's scratch, aligned to 64 bytes; they hold
/// anything. Allocates only where the thread has not had so many before.
pub(crate) fn with<R>(floats: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    SCRATCH.with_borrow_mut(|lines| f(at_least(lines, floats)))
}

/// The same for blocks of rows, whose kernels use [`with`].
pub(crate) fn with_blocks<R>(floats: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    BLOCKS.with_borrow_mut(|lines| f(at_least(lines, floats)))
}

fn at_least(lines: &mut Vec<Line>, floats: usize) -> &mut [f32] {
    let needed = floats.div_ceil(16);
    if lines.len() < needed {
        lines.resize(needed, Line([0.0; 16]));
    }
    bytemuck::cast_slice_mut(lines)
}
