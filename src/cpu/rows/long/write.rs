//! The second pass over a long row: its results.

use fearless_simd::prelude::*;

use super::{PIECE, SCRATCH};
use crate::cpu::reference::RowFinish;
use crate::cpu::rows::finish::is_near;
use crate::cpu::rows::pass::exps;
use crate::cpu::rows::{Io, Job};
use crate::cpu::simd::{Math, log::log_probability, map, map_in_place, special, splat};

/// Writes a row, or a part of one; `least` is the row's least element.
#[inline(never)]
pub(crate) fn write<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    io: Io,
    finish: &RowFinish,
    least: f32,
    scratch: &mut [f32],
) {
    simd.vectorize(
        #[inline(always)]
        || match *finish {
            RowFinish::Fill(value) => fill(io, value),
            RowFinish::Scale(row, by) => {
                let range = M::row(simd, splat(simd, row.max));
                let by = [splat(simd, by.high), splat(simd, by.low)];
                if is_near::<S, M>(row.max, least) {
                    let release = M::Near::release(simd, &range);
                    let by = [by[0] * release, by[1] * release];
                    write_scaled::<S, M::Near>(simd, job, io, &range, &by, scratch);
                } else {
                    write_scaled::<S, M>(simd, job, io, &range, &by, scratch);
                }
            }
            RowFinish::Shift(row, log) => write_shifted(simd, job, io, row.max, log, scratch),
        },
    );
}

/// Log-probabilities.
#[inline(always)]
fn write_shifted<S: Simd>(simd: S, job: &Job, io: Io, max: f32, log: f32, scratch: &mut [f32]) {
    let (max, log) = (splat(simd, max), splat(simd, log));
    each(
        simd,
        job,
        io,
        scratch,
        #[inline(always)]
        |x, y| {
            map(
                simd,
                x,
                y,
                PIECE,
                #[inline(always)]
                |x| log_probability(simd, x, max, log),
            )
        },
    );
}

#[inline(always)]
fn write_scaled<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    io: Io,
    range: &M::Row,
    by: &[S::f32s; 2],
    scratch: &mut [f32],
) {
    each(
        simd,
        job,
        io,
        scratch,
        #[inline(always)]
        |x, y| {
            exps::<S, M>(simd, x, range, y, PIECE);
            map_in_place(
                simd,
                y,
                #[inline(always)]
                |e| M::normalise(simd, e, by),
            );
        },
    );
}

fn fill(mut io: Io, value: f32) {
    io.y().fill(value);
}

/// Writes a row piece by piece: `f` makes results in scratch from scaled elements.
#[inline(always)]
fn each<S: Simd>(simd: S, job: &Job, mut io: Io, scratch: &mut [f32], f: impl Fn(&[f32], &mut [f32])) {
    let (scaled, staged) = scratch.split_at_mut(SCRATCH / 2);
    let scale = job.op.scale;
    let len = io.x().len();
    let mut start = 0;
    while start < len {
        let end = if len - start < PIECE + S::f32s::LEN { len } else { start + PIECE };
        // Whole cache lines leave scratch where it lies as the result does.
        let shift = (io.y()[start..].as_ptr() as usize / 4) % 16;
        let staged = &mut staged[shift..][..end - start];
        let x = &io.x()[start..end];
        if scale == 1.0 {
            f(x, staged);
        } else {
            let scaled = &mut scaled[..end - start];
            map(
                simd,
                x,
                scaled,
                0,
                #[inline(always)]
                |x| special::scaled(simd, x, scale),
            );
            f(scaled, staged);
        }
        job.copy_out(staged, &mut io.y()[start..end]);
        start = end;
    }
}
