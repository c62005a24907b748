//! Where the results of groups go.

use fearless_simd::prelude::*;

use super::{Held, Window, fill_outside};
use crate::cpu::rows::Job;
use crate::cpu::rows::group::write as of_group;
use crate::cpu::rows::groups::Before;
use crate::cpu::rows::past::APIECE;
use crate::cpu::rows::to::{Out, To};
use crate::cpu::simd::{MAX_LANES, Math, splat};

/// The results of a group, whose exponentials wait: computed ones, and around them what is outside of the windows, where
/// scratch does not hold that.
#[inline(always)]
pub(super) fn write<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    before: &Before<S, M>,
    waiting: &mut Held,
    to: &mut To,
) {
    let (rows, maxima, sums) = before;
    let (cols, count) = (job.cols, rows.len() / job.cols);
    let all = [Window { start: 0, end: cols }; MAX_LANES];
    let z = &mut waiting.z[..rows.len()];
    let (windows, out) = match to {
        To::Slice(y) if job.op.kind.is_elementwise() => {
            let windows = if waiting.whole { &all } else { &waiting.windows };
            (windows, Out::Windows(&mut y[rows.clone()], windows))
        }
        To::Past(past) if cols >= APIECE => (&all, Out::Past(past)),
        To::Past(_) => (&waiting.windows, Out::Place),
        to => return to.write::<S, M>(simd, job, before, z),
    };
    let computed = z.chunks_exact_mut(cols).enumerate().map(
        #[inline(always)]
        |(r, z)| &mut z[windows[r].range()],
    );
    of_group::<S, M>(simd, job, maxima, sums, computed, out);
    match to {
        To::Past(past) if cols < APIECE => {
            maxima.fill(job, count, z);
            past.rows(simd, z);
        }
        To::Slice(y) => {
            let y = &mut y[rows.clone()];
            if !waiting.whole {
                for (r, y) in y.chunks_exact_mut(cols).enumerate() {
                    fill_outside(simd, y, &waiting.windows[r].range(), splat(simd, job.outside()));
                }
            }
            maxima.fill(job, count, y);
        }
        _ => {}
    }
    if maxima.special != 0 {
        waiting.used = 0..usize::MAX;
    }
}
