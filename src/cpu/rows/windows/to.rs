//! Where the results of groups go.

use fearless_simd::prelude::*;

use super::{Held, Window, fill_outside};
use crate::cpu::rows::finish::{Maxima, per_row};
use crate::cpu::rows::group::write;
use crate::cpu::rows::groups::Before;
use crate::cpu::rows::past::{APIECE, Out, Past};
use crate::cpu::rows::sums::Sums;
use crate::cpu::rows::{Job, SHORT_COLS};
use crate::cpu::simd::{MAX_LANES, Math, PerRow, splat};
use crate::cpu::stream::ask_pages;

/// A slice.
#[allow(clippy::large_enum_variant, reason = "there is one, on the stack of the call")]
pub(super) enum To<'a> {
    Slice(&'a mut [f32]),
    /// One that is written past the caches.
    Past(Past<'a>),
}

impl<'a> To<'a> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(job: &Job, y: &'a mut [f32]) -> Self {
        if job.stream { Self::Past(Past::new::<S>(y)) } else { Self::Slice(y) }
    }

    /// Whether rows leave scratch whole, with what is outside of their windows.
    #[inline(always)]
    pub(super) fn takes_whole(&self, job: &Job) -> bool {
        match self {
            Self::Slice(_) => job.op.kind.is_elementwise() && job.cols <= SHORT_COLS,
            Self::Past(_) => true,
        }
    }

    /// Asks for the places of the next so many results.
    #[inline(always)]
    pub(super) fn ask(&self, floats: usize) {
        if let Self::Past(past) = self {
            ask_pages(past.next(floats));
        }
    }

    /// The results of a group, whose exponentials wait.
    #[inline(always)]
    pub(super) fn write<S: Simd, M: Math<S>>(
        &mut self,
        simd: S,
        job: &Job,
        (rows, maxima, sums): &Before<S, M>,
        waiting: &mut Held,
    ) {
        let (cols, first, count) = (job.cols, rows.start / job.cols, rows.len() / job.cols);
        match self {
            Self::Slice(y) => {
                let y = &mut y[first * job.words..][..count * job.words];
                if job.op.kind.is_elementwise() {
                    to_slice::<S, M>(simd, job, maxima, sums, waiting, y);
                } else {
                    per_row::<S, M>(simd, job, maxima, &sums.totals, y);
                }
            }
            Self::Past(past) if cols >= APIECE => {
                let z = &mut waiting.z[..rows.len()];
                write::<S, M>(simd, job, maxima, sums, z.chunks_exact_mut(cols), Out::Past(past));
            }
            Self::Past(past) => {
                let z = &mut waiting.z[..rows.len()];
                let computed = windows_of(z, cols, &waiting.windows);
                write::<S, M>(simd, job, maxima, sums, computed, Out::Place);
                maxima.fill(job, count, z);
                past.rows(simd, z);
            }
        }
        if maxima.special != 0 {
            waiting.used = 0..usize::MAX;
        }
    }

    /// What still waits after the last row.
    #[inline(always)]
    pub(super) fn finish(self) {
        if let Self::Past(past) = self {
            past.finish();
        }
    }
}

/// The results of a group to their slice: computed ones, and around them, where scratch does not hold it, what is
/// outside of the windows.
#[inline(always)]
fn to_slice<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    sums: &Sums<S, M::Total>,
    waiting: &mut Held,
    y: &mut [f32],
) {
    let cols = job.cols;
    let all = [Window { start: 0, end: cols }; MAX_LANES];
    let windows = if waiting.whole { &all } else { &waiting.windows };
    let computed = windows_of(&mut waiting.z[..y.len()], cols, windows);
    write::<S, M>(simd, job, maxima, sums, computed, Out::Windows(y, windows));
    if !waiting.whole {
        for (r, y) in y.chunks_exact_mut(cols).enumerate() {
            fill_outside(simd, y, &windows[r].range(), splat(simd, job.outside()));
        }
    }
    maxima.fill(job, y.len() / cols, y);
}

/// What is computed of rows.
#[inline(always)]
fn windows_of<'z>(
    z: &'z mut [f32],
    cols: usize,
    windows: &PerRow<Window>,
) -> impl Iterator<Item = &'z mut [f32]> {
    z.chunks_exact_mut(cols).enumerate().map(
        #[inline(always)]
        |(r, z)| &mut z[windows[r].range()],
    )
}
