//! Kernel `long`: rows that no cache near the core holds. Two passes over pieces that fit the L1 cache
//! (maximum and sum, write); the exponentials are computed twice, which costs less than writing and
//! reading them. Parts of a row may be computed apart and merged: the sums are integers.

use fearless_simd::prelude::*;

use super::pass::{NOTHING, exp_sum};
use super::{Io, Job, finish::is_near, part::Part};
use crate::cpu::RowRange;
use crate::cpu::reciprocal::Reciprocal;
use crate::cpu::reference::{self, RowFinish, special_row};
use crate::cpu::simd::{Math, WideTotal, lanes_from, map, special, splat};
use crate::cpu::special::{from_key, settle_max};
use crate::numerics::NEG_INF_BITS;
use crate::{OpKind, RowMax, RowStats, RowSum};
pub(crate) use write::write;

mod write;

/// Floats of a piece; the last one may be up to a vector longer, since none is shorter than one.
pub(crate) const PIECE: usize = 4096;
/// Floats of scratch that a pass needs.
pub(crate) const SCRATCH: usize = 2 * (PIECE + 64);

/// Computes all rows of a part, one after the other.
#[inline(always)]
pub(crate) fn run<S: Simd, M: Math<S>>(simd: S, job: &Job, mut io: Io, scratch: &mut [f32]) {
    let rows = io.x().len() / job.cols;
    for row in 0..rows {
        let x = &io.x()[row * job.cols..][..job.cols];
        let Part { key, mut total, least, .. } = part::<S, M>(simd, x, job.op.scale, scratch);
        if total.is_none() && from_key(key).is_finite() {
            total = Some(sum::<S, M>(simd, x, job.op.scale, settle_max(key), scratch));
        }
        let (_, rest) = io.reborrow().split_at(row * job.cols, row * job.words);
        let (row, _) = rest.split_at(job.cols, job.words);
        match result(job, key, total) {
            LongResult::Stats(stats) => write_stats(row, &stats),
            LongResult::Elements(finish) => write::<S, M>(simd, job, row, &finish, least, scratch),
        }
    }
}

/// What a long row becomes.
pub(crate) enum LongResult {
    Stats(RowStats),
    Elements(RowFinish),
}

/// What a row becomes, from the key of its maximum and, where that is finite, its sum.
pub(crate) fn result(job: &Job, key: i32, total: Option<WideTotal>) -> LongResult {
    let max = RowMax::from_key(key);
    let total = total.filter(|_| from_key(key).is_finite());
    if job.op.kind == OpKind::RowStats {
        let units = total.map_or(0, WideTotal::units);
        return LongResult::Stats(RowStats::new(max, RowSum::from_units(units)));
    }
    let finish = match total {
        Some(WideTotal::Units(units)) => {
            let stats = RowStats::new(max, RowSum::from_units(units));
            reference::finish(&job.op, &stats, job.cols as u64)
        }
        Some(WideTotal::Float(sum)) => finish_fast(job.op.kind, settle_max(key), sum),
        None => RowFinish::Fill(special_row(&job.op, max).unwrap_or(f32::NAN)),
    };
    LongResult::Elements(finish)
}

fn finish_fast(kind: OpKind, max: f32, sum: f32) -> RowFinish {
    let row = RowRange::new(max);
    match kind {
        OpKind::Softmax => RowFinish::Scale(row, Reciprocal { high: 1.0 / sum, low: 0.0 }),
        OpKind::LogSoftmax => RowFinish::Shift(row, sum.ln()),
        OpKind::LogSumExp | OpKind::RowStats => RowFinish::Fill(max + sum.ln()),
    }
}

/// Writes a row's statistics.
pub(crate) fn write_stats(mut io: Io, stats: &RowStats) {
    io.y().copy_from_slice(bytemuck::cast_slice(std::slice::from_ref(stats)));
}

/// Calls `f` with one piece of a row after the other, scaled, in scratch where it had to be copied.
#[inline(always)]
fn pieces<S: Simd>(simd: S, mut x: &[f32], scale: f32, scratch: &mut [f32], mut f: impl FnMut(&[f32])) {
    let n = S::f32s::LEN;
    while !x.is_empty() {
        let len = if x.len() < PIECE + n { x.len() } else { PIECE };
        let (piece, rest) = x.split_at(len);
        x = rest;
        if scale == 1.0 && len >= n {
            f(piece);
            continue;
        }
        let copy = &mut scratch[..len.max(n)];
        copy[..len].copy_from_slice(piece);
        for x in copy[..len].iter_mut().filter(|_| len < n) {
            *x = crate::cpu::special::scaled(*x, scale);
        }
        copy[len..].fill(f32::from_bits(NEG_INF_BITS));
        if len >= n {
            map(
                simd,
                piece,
                copy,
                0,
                #[inline(always)]
                |x| special::scaled(simd, x, scale),
            );
        }
        f(copy);
    }
}

/// The key of the maximum of a row, or of a part of one.
#[inline(always)]
pub(crate) fn max_key<S: Simd>(simd: S, x: &[f32], scale: f32, scratch: &mut [f32]) -> i32 {
    let mut key = crate::cpu::special::KEY_EMPTY;
    pieces(
        simd,
        x,
        scale,
        scratch,
        #[inline(always)]
        |x| key = key.max(special::max_key(simd, x)),
    );
    key
}

/// The maximum of a row, or of a part of one, and the sum against it where one pass tells it. A function of its own, as
/// [`write()`] is: rows and parts of rows share it.
#[inline(never)]
pub(crate) fn part<S: Simd, M: Math<S>>(simd: S, x: &[f32], scale: f32, scratch: &mut [f32]) -> Part {
    simd.vectorize(
        #[inline(always)]
        || {
            let mut part = Part::empty(M::wide(M::ZERO), M::REACH);
            pieces(
                simd,
                x,
                scale,
                scratch,
                #[inline(always)]
                |x| see_piece::<S, M>(simd, &mut part, x),
            );
            part
        },
    )
}

/// Adds a piece to a part.
#[inline(always)]
fn see_piece<S: Simd, M: Math<S>>(simd: S, part: &mut Part, x: &[f32]) {
    let (key, least) = special::extremes::<S, false>(simd, x);
    part.see(key, least);
    // Where the maximum is not finite yet, the elements count for nothing or the row does.
    if let Some(total) = part.total
        && from_key(part.key).is_finite()
    {
        let max = settle_max(part.key);
        let row = M::row(simd, splat(simd, max));
        let sum = if is_near::<S, M>(max, least) {
            piece_sum::<S, M::Near>(simd, x, &row)
        } else {
            piece_sum::<S, M>(simd, x, &row)
        };
        part.total = Some(total.merge(sum));
    }
}

/// The sum of a piece, of which nothing else is kept.
#[inline(always)]
fn piece_sum<S: Simd, M: Math<S>>(simd: S, x: &[f32], row: &M::Row) -> WideTotal {
    let fresh = lanes_from(simd, S::f32s::LEN - x.len() % S::f32s::LEN);
    M::wide(exp_sum::<S, M, NOTHING>(simd, x, row, fresh, &mut [], PIECE))
}

/// The sum of a row, or of a part of one, against the whole row's maximum.
#[inline(never)]
pub(crate) fn sum<S: Simd, M: Math<S>>(
    simd: S,
    x: &[f32],
    scale: f32,
    max: f32,
    scratch: &mut [f32],
) -> WideTotal {
    simd.vectorize(
        #[inline(always)]
        || {
            let row = M::row(simd, splat(simd, max));
            let mut total = M::wide(M::ZERO);
            pieces(
                simd,
                x,
                scale,
                scratch,
                #[inline(always)]
                |x| total = total.merge(piece_sum::<S, M>(simd, x, &row)),
            );
            total
        },
    )
}
