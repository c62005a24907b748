//! Where the results of groups go.

use fearless_simd::prelude::*;

use super::Held;
use crate::cpu::rows::Job;
use crate::cpu::rows::finish::per_row;
use crate::cpu::rows::group::write;
use crate::cpu::rows::groups::Before;
use crate::cpu::rows::past::{APIECE, Out, Past};
use crate::cpu::simd::Math;
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
        let z = &mut waiting.z[..rows.len()];
        match self {
            Self::Slice(y) => {
                let y = &mut y[first * job.words..][..count * job.words];
                if job.op.kind.is_elementwise() {
                    write::<S, M>(simd, job, maxima, sums, z.chunks_exact_mut(cols), Out::Slice(y));
                    maxima.fill(job, count, y);
                } else {
                    per_row::<S, M>(simd, job, maxima, &sums.totals, y);
                }
            }
            Self::Past(past) if cols >= APIECE => {
                write::<S, M>(simd, job, maxima, sums, z.chunks_exact_mut(cols), Out::Past(past));
            }
            Self::Past(past) => {
                let windows = &waiting.windows;
                let computed = z.chunks_exact_mut(cols).enumerate().map(
                    #[inline(always)]
                    |(r, z)| &mut z[windows[r].range()],
                );
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
