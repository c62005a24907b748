//! Memory hints: stores that go past the caches, for results that would not stay there anyway, and
//! loads asked for in advance. What it gains is in `docs/performance.md`; the only other
//! `unsafe` of the CPU code is in `tensor/`, where threads share an output by place.
//!
//! A plain store first reads the line it writes to from memory; these do not, which saves a third of
//! the traffic of an elementwise operation.

use fearless_simd::prelude::*;

use super::options::SimdLevel;

/// Floats in a cache line.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 16;

/// Copies `x` to `y`, both of the same length, past the caches where the machine can.
/// [`fence`] must follow before another thread is told of the result.
#[cfg(target_arch = "x86_64")]
pub(crate) fn copy(level: SimdLevel, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    let head = y.as_ptr().align_offset(4 * LINE).min(y.len());
    let body = (y.len() - head) / LINE * LINE;
    y[..head].copy_from_slice(&x[..head]);
    let (from, to) = (&x[head..head + body], &mut y[head..head + body]);
    // SAFETY: the level is one that this CPU has (`Options` checks it), and `to` begins on a cache
    // line, is a whole number of them long, and as long as `from`.
    unsafe {
        match level {
            SimdLevel::Avx512 => lines_512(from, to),
            SimdLevel::Avx2 => lines_256(from, to),
            _ => lines_128(from, to),
        }
    }
    y[head + body..].copy_from_slice(&x[head + body..]);
}

/// SAFETY: needs AVX-512F; `y` aligned to 64 bytes, both slices of one length, a multiple of 16.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn lines_512(x: &[f32], y: &mut [f32]) {
    use std::arch::x86_64::*;
    for (x, y) in x.chunks_exact(LINE).zip(y.chunks_exact_mut(LINE)) {
        // SAFETY: both point to 16 floats, and `y` is aligned.
        unsafe { _mm512_stream_ps(y.as_mut_ptr(), _mm512_loadu_ps(x.as_ptr())) }
    }
}

/// SAFETY: needs AVX; `y` aligned to 64 bytes, both slices of one length, a multiple of 16.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn lines_256(x: &[f32], y: &mut [f32]) {
    use std::arch::x86_64::*;
    for (x, y) in x.chunks_exact(8).zip(y.chunks_exact_mut(8)) {
        // SAFETY: both point to 8 floats, and `y` is aligned.
        unsafe { _mm256_stream_ps(y.as_mut_ptr(), _mm256_loadu_ps(x.as_ptr())) }
    }
}

/// SAFETY: `y` aligned to 64 bytes, both slices of one length, a multiple of 16.
#[cfg(target_arch = "x86_64")]
unsafe fn lines_128(x: &[f32], y: &mut [f32]) {
    use std::arch::x86_64::*;
    for (x, y) in x.chunks_exact(4).zip(y.chunks_exact_mut(4)) {
        // SAFETY: both point to 4 floats, and `y` is aligned; SSE2 is part of x86-64.
        unsafe { _mm_stream_ps(y.as_mut_ptr(), _mm_loadu_ps(x.as_ptr())) }
    }
}

/// Writes vectors past the caches, to a multiple of their size. [`fence`] must follow as for [`copy`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn store<S: Simd, const U: usize>(v: &[S::f32s; U], y: &mut [f32]) {
    use std::arch::x86_64::*;
    let n = S::f32s::LEN;
    let y = &mut y[..U * n];
    assert!((y.as_ptr() as usize).is_multiple_of(4 * n));
    for i in 0..U {
        let (x, y) = (v[i].as_slice().as_ptr(), y[i * n..][..n].as_mut_ptr());
        // SAFETY: both point to a vector of floats, `y` at a multiple of its size; that there is one so wide
        // shows that the CPU has the instruction.
        unsafe {
            match n {
                16 => _mm512_stream_ps(y, _mm512_loadu_ps(x)),
                8 => _mm256_stream_ps(y, _mm256_loadu_ps(x)),
                _ => _mm_stream_ps(y, _mm_loadu_ps(x)),
            }
        }
    }
}

/// Orders streamed stores before everything that follows.
#[cfg(target_arch = "x86_64")]
pub(crate) fn fence() {
    // SAFETY: SSE is part of x86-64.
    unsafe { std::arch::x86_64::_mm_sfence() }
}

/// Asks for the cache line `ahead` floats behind the start of `x`, which may lie beyond its end.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn prefetch(x: &[f32], ahead: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is a hint: no address makes it fault, and the pointer is not dereferenced.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().wrapping_add(ahead).cast()) }
}

/// Floats in the smallest page of memory.
const PAGE: usize = 1024;

/// Asks for a line of each page that results will lie in. A store past the caches waits long for where its page
/// lies.
#[inline(always)]
pub(crate) fn ask_pages(y: &[f32]) {
    for at in (0..y.len()).step_by(PAGE) {
        prefetch(y, at);
    }
    prefetch(y, y.len());
}

/// Asks for the cache line of an address, which may be any.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn prefetch_at(address: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is a hint: no address makes it fault, and the pointer is not dereferenced.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) }
}

/// Elsewhere the machine has to guess.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn prefetch_at(_: usize) {}

/// Elsewhere the machine has to guess.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn prefetch(_: &[f32], _: usize) {}

/// Elsewhere it is a plain copy.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn copy(_: SimdLevel, x: &[f32], y: &mut [f32]) {
    y.copy_from_slice(x);
}

/// Elsewhere they are plain stores.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn store<S: Simd, const U: usize>(v: &[S::f32s; U], y: &mut [f32]) {
    for i in 0..U {
        v[i].store_slice(&mut y[i * S::f32s::LEN..][..S::f32s::LEN]);
    }
}

/// Elsewhere there is nothing to wait for.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn fence() {}
