//! Where the results of groups go.

use fearless_simd::prelude::*;

use super::{Held, Window, fill_outside};
use crate::cpu::rows::Job;
use crate::cpu::rows::group::write as write_rows;
use crate::cpu::rows::groups::Before;
use crate::cpu::rows::past::{APIECE, Past};
use crate::cpu::rows::to::{Out, To};
use crate::cpu::simd::{MAX_LANES, Math, PerRow, splat};

/// The results of a group, whose exponentials wait.
#[inline(always)]
pub(super) fn write<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    before: &Before<S, M>,
    waiting: &mut Held,
    to: &mut To,
) {
    let (rows, maxima, _) = before;
    match to {
        To::Slice(y) if job.op.kind.is_elementwise() => {
            to_slice::<S, M>(simd, job, before, waiting, &mut y[rows.clone()]);
        }
        To::Past(past) => past_caches::<S, M>(simd, job, before, waiting, past),
        to => return to.write_per_row::<S, M>(simd, job, before),
    }
    if maxima.special != 0 {
        waiting.used = 0..usize::MAX;
    }
}

/// To a slice: what is computed, and around it, where scratch does not hold it, what is outside of the windows.
#[inline(always)]
fn to_slice<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    (_, maxima, sums): &Before<S, M>,
    waiting: &mut Held,
    y: &mut [f32],
) {
    let cols = job.cols;
    let all = [Window { start: 0, end: cols }; MAX_LANES];
    let windows = if waiting.whole { &all } else { &waiting.windows };
    let computed = windows_of(&mut waiting.z[..y.len()], cols, windows);
    write_rows::<S, M>(simd, job, maxima, sums, computed, Out::Windows(y, windows));
    if !waiting.whole {
        for (r, y) in y.chunks_exact_mut(cols).enumerate() {
            fill_outside(simd, y, &windows[r].range(), splat(simd, job.outside()));
        }
    }
    maxima.fill(job, y.len() / cols, y);
}

/// Past the caches, with what is outside of the windows, which scratch holds.
#[inline(always)]
fn past_caches<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    (rows, maxima, sums): &Before<S, M>,
    waiting: &mut Held,
    past: &mut Past,
) {
    let (cols, z) = (job.cols, &mut waiting.z[..rows.len()]);
    if cols >= APIECE {
        return write_rows::<S, M>(simd, job, maxima, sums, z.chunks_exact_mut(cols), Out::Past(past));
    }
    let computed = windows_of(z, cols, &waiting.windows);
    write_rows::<S, M>(simd, job, maxima, sums, computed, Out::Place);
    maxima.fill(job, rows.len() / cols, z);
    past.rows(simd, z);
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
