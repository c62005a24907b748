//! Kernel `group` in the place of the elements.

use fearless_simd::dispatch;
use fearless_simd::prelude::*;

use super::{extremes_in_place, write};
use crate::cpu::rows::finish::Maxima;
use crate::cpu::rows::groups::{Before, Groups};
use crate::cpu::rows::past::{self, Out};
use crate::cpu::rows::sums::{Sums, of_group};
use crate::cpu::rows::{GROUP, Job, SHORT_COLS};
use crate::cpu::simd::Math;
use crate::cpu::simd::exact::Exact;
use crate::cpu::simd::fast::Fast;

/// Computes rows at the level of instructions of their job.
pub(super) fn compute(job: &Job, z: &mut [f32], y: Option<&mut [f32]>) {
    match (job.is_fast(), job.cols <= SHORT_COLS) {
        (true, true) => dispatch!(job.token, simd => in_place::<_, Fast, true>(simd, job, z, y)),
        (true, _) => dispatch!(job.token, simd => in_place::<_, Fast, false>(simd, job, z, y)),
        (_, true) => dispatch!(job.token, simd => in_place::<_, Exact, true>(simd, job, z, y)),
        _ => dispatch!(job.token, simd => in_place::<_, Exact, false>(simd, job, z, y)),
    }
}

/// Rows whose exponentials take the elements' place, and whose results go there too or elsewhere.
#[inline(always)]
fn in_place<S: Simd, M: Math<S>, const SHORT: bool>(
    simd: S,
    job: &Job,
    z: &mut [f32],
    mut y: Option<&mut [f32]>,
) {
    if let Some(y) = y.as_deref_mut()
        && job.stream
    {
        return past::in_place::<S, M, SHORT>(simd, job, z, y);
    }
    let cols = job.cols;
    let group = (GROUP / cols).clamp(1, S::f32s::LEN) * cols;
    let mut groups = Groups::new(z.len(), group, false);
    let ahead = job.ahead_or(groups.ahead());
    let mut before: Before<S, M> = (0..0, Maxima::EMPTY, Sums::none::<M>(simd));
    while let Some(here) = groups.next(&before.0) {
        let coming = extremes_in_place::<S, M, SHORT>(simd, job, &mut z[here.clone()]);
        let (rows, maxima, sums) = &before;
        if !rows.is_empty() {
            let z = &mut z[rows.clone()];
            let mut y = y.as_deref_mut().map(
                #[inline(always)]
                |y| &mut y[rows.clone()],
            );
            let out = match y.as_deref_mut() {
                Some(y) => Out::Slice(y),
                None => Out::Place,
            };
            write::<S, M>(simd, job, maxima, sums, z.chunks_exact_mut(cols), out);
            maxima.fill(job, rows.len() / cols, y.unwrap_or(z));
        }
        let sums = of_group::<S, M, true, SHORT>(simd, job, &coming, &[], &mut z[here.clone()], ahead);
        before = (here, coming, sums);
    }
}
