//! Kernel `few`: softmax of rows of two to four columns, one per lane, whose elements stay in registers. What is
//! done once a row weighs as much there as what is done once an element, and so would loops over columns.

use fearless_simd::prelude::*;

use super::finish::LaneMaxima;
use super::narrow::by_blocks;
use super::spans::Spans;
use super::{Io, Job};
use crate::cpu::dispatch::dispatch_math;
use crate::cpu::scratch;
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::transpose::{OVERHANG, gather_few, scatter_few};
use crate::cpu::simd::{MAX_LANES, Math, splat, splat_u};
use crate::cpu::stream::prefetch;
use crate::numerics::NEG_INF_BITS;

/// Which elements of the rows take part: all.
pub(super) const ALL: u8 = 0;
/// Those that are not -inf.
pub(super) const HOLES: u8 = 1;
/// Of these, the ones in their rows' spans.
pub(super) const SPANS: u8 = 2;

/// The longest row.
pub(super) const FEW_COLS: usize = 4;
/// Vectors of rows whose exponentials are computed side by side.
const PAIR: usize = 2;
/// Vectors of rows that go through each of the other steps before the next one: a row's results are a chain of some
/// two hundred operations, and a processor looks ahead by some hundred.
const TOGETHER: usize = 2 * PAIR;
/// Rows of a block.
pub(super) const ROWS: usize = TOGETHER * MAX_LANES;
/// Blocks whose results are collected before they are copied out.
const STAGE: usize = 8;
/// Floats of scratch: a block of elements and the results of a stage, each with what hangs over.
const SCRATCH: usize = (STAGE + 1) * ROWS * FEW_COLS + 2 * MAX_LANES;

/// Computes rows at the level of instructions of their job, by the kernel for their number of columns.
pub(super) fn compute<const PART: u8>(job: &Job, io: Io, spans: Spans) {
    scratch::with(SCRATCH, |scratch| match job.cols {
        2 => compute_columns::<2, 4, PART>(job, io, spans, scratch),
        3 => compute_columns::<3, 6, PART>(job, io, spans, scratch),
        _ => compute_columns::<4, 8, PART>(job, io, spans, scratch),
    });
}

fn compute_columns<const C: usize, const U: usize, const PART: u8>(
    job: &Job,
    io: Io,
    spans: Spans,
    scratch: &mut [f32],
) {
    dispatch_math!(job, M, simd => run::<_, M, C, U, PART>(simd, job, io, spans, scratch));
}

/// Computes all rows of a part; `U` is `PAIR` times `C` columns, and `PART` says which elements take part. (A kernel for
/// several would keep elements in memory.)
#[inline(always)]
fn run<S: Simd, M: Math<S>, const C: usize, const U: usize, const PART: u8>(
    simd: S,
    job: &Job,
    io: Io,
    spans: Spans,
    scratch: &mut [f32],
) {
    assert!(job.cols == C && U == PAIR * C);
    let block = TOGETHER * S::f32s::LEN;
    let floats = block * C + OVERHANG;
    let (padded, staged) = scratch.split_at_mut(ROWS * FEW_COLS + MAX_LANES);
    by_blocks(
        job,
        io,
        (block, STAGE),
        padded,
        staged,
        #[inline(always)]
        |row, here, x, y| {
            let spans = if PART == SPANS { spans.at(row) } else { spans };
            compute_block::<S, M, C, U, PART>(simd, job, &x[..floats], spans, here, &mut y[..floats]);
        },
    );
}

/// The elements of a block's rows: of each two vectors of rows, column by column.
type Elements<S, const U: usize> = [[<S as Simd>::f32s; U]; TOGETHER / PAIR];

/// A block, of which the first `rows` are wanted.
#[inline(always)]
fn compute_block<S: Simd, M: Math<S>, const C: usize, const U: usize, const PART: u8>(
    simd: S,
    job: &Job,
    x: &[f32],
    spans: Spans,
    rows: usize,
    y: &mut [f32],
) {
    let n = S::f32s::LEN;
    let mut elements = [[splat(simd, 0.0); U]; TOGETHER / PAIR];
    for v in 0..TOGETHER {
        let columns = gather_few::<S, C>(simd, &x[v * n * C..][..n * C + OVERHANG]);
        for c in 0..C {
            elements[v / PAIR][v % PAIR * C + c] = columns[c];
        }
    }
    let ahead = job.ahead_or(TOGETHER * n * C);
    for at in 0..TOGETHER * C {
        prefetch(&x[at * n..], ahead);
    }
    let maxima = maxima::<S, M, C, U, PART>(simd, job, spans, &mut elements);
    if PART == ALL && LaneMaxima::all_are_near(&maxima) {
        return finish::<S, M, M::Near, C, U>(simd, &mut elements, &maxima, y);
    }
    if PART != ALL && LaneMaxima::all_are_near_or_special(&maxima) {
        finish::<S, M, M::Holes, C, U>(simd, &mut elements, &maxima, y);
    } else {
        // Copies: references to these themselves would keep them in memory for near rows too.
        finish_far::<S, M, C, U>(simd, &{ elements }, &{ maxima }, y);
    }
    for (v, maxima) in maxima.iter().enumerate() {
        maxima.fill(job, n.min(rows.saturating_sub(v * n)), &mut y[v * n * C..]);
    }
}

/// As [`finish`], for rows that are not near: a function of its own, since the kernels of all parts would hold it.
#[inline(never)]
fn finish_far<S: Simd, M: Math<S>, const C: usize, const U: usize>(
    simd: S,
    elements: &Elements<S, U>,
    maxima: &[LaneMaxima<S>; TOGETHER],
    y: &mut [f32],
) {
    simd.vectorize(
        #[inline(always)]
        || finish::<S, M, M, C, U>(simd, &mut { *elements }, maxima, y),
    );
}

/// The rows' maxima; the elements are scaled on the way, and those outside of spans become -inf.
#[inline(always)]
fn maxima<S: Simd, M: Math<S>, const C: usize, const U: usize, const PART: u8>(
    simd: S,
    job: &Job,
    spans: Spans,
    elements: &mut Elements<S, U>,
) -> [LaneMaxima<S>; TOGETHER] {
    let mut seen = [Extremes::new(simd); TOGETHER];
    for v in 0..TOGETHER {
        let (from, len) = if PART == SPANS {
            spans.at(v * S::f32s::LEN).lanes(simd)
        } else {
            (splat_u(simd, 0), splat_u(simd, C as u32))
        };
        for c in 0..C {
            let x = &mut elements[v / PAIR][v % PAIR * C + c];
            if job.op.scale != 1.0 {
                *x = scaled(simd, *x, job.op.scale);
            }
            if PART == SPANS {
                let inside = (splat_u(simd, c as u32) - from).simd_lt(len);
                *x = inside.select(*x, splat(simd, f32::from_bits(NEG_INF_BITS)));
            }
            if PART == ALL {
                seen[v].see::<false>(simd, *x);
            } else {
                seen[v].see::<true>(simd, *x);
            }
        }
    }
    LaneMaxima::of_lanes::<M, TOGETHER>(simd, &seen)
}

/// Exponentials, which take the elements' place, sums and results, by the arithmetic `N`.
#[inline(always)]
fn finish<
    S: Simd,
    M: Math<S>,
    N: Math<S, Row = M::Row, Sum = M::Sum, Total = M::Total>,
    const C: usize,
    const U: usize,
>(
    simd: S,
    elements: &mut Elements<S, U>,
    maxima: &[LaneMaxima<S>; TOGETHER],
    y: &mut [f32],
) {
    let n = S::f32s::LEN;
    let mut ranges = [N::row(simd, maxima[0].values); TOGETHER];
    for v in 1..TOGETHER {
        ranges[v] = N::row(simd, maxima[v].values);
    }
    let mut sums = [N::empty(simd, &ranges[0]); TOGETHER];
    for p in 0..TOGETHER / PAIR {
        let rows = [ranges[PAIR * p], ranges[PAIR * p + 1]];
        let e = N::exp_many::<U, PAIR>(simd, &elements[p], &rows);
        elements[p] = e;
        for r in 0..PAIR {
            let mut sum = N::empty(simd, &rows[r]);
            for c in 0..C {
                N::add(&mut sum, e[r * C + c]);
            }
            sums[PAIR * p + r] = sum;
        }
    }
    let by = N::lane_reciprocals(simd, &sums, C as u32);
    for v in 0..TOGETHER {
        let release = N::release(simd, &ranges[v]);
        let by = [by[v][0] * release, by[v][1] * release];
        let mut columns = [splat(simd, 0.0); C];
        for c in 0..C {
            columns[c] = N::normalise(simd, elements[v / PAIR][v % PAIR * C + c], &by);
        }
        scatter_few(simd, &columns, &mut y[v * n * C..][..n * C + OVERHANG]);
    }
}
