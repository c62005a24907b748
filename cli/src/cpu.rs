//! What the library's own CPU implementation computes with.

use std::num::NonZero;

use wgpu_softmax::cpu::SimdLevel;

/// The best instructions this machine has of those that the library knows.
pub fn simd() -> &'static str {
    SimdLevel::best().name()
}

/// How many threads it may use.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Both in a few words.
pub fn description() -> String {
    match threads() {
        1 => format!("{}, 1 thread", simd()),
        n => format!("{}, {n} threads", simd()),
    }
}
