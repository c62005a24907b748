//! What the library's own CPU implementation computes with.

use std::num::NonZero;

/// The widest instructions this machine has of those that the library is compiled for.
pub fn simd() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            return "AVX2";
        }
        return "SSE2";
    }
    #[cfg(target_arch = "aarch64")]
    return "NEON";
    #[allow(unreachable_code, reason = "the architectures above have returned")]
    "no SIMD"
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
