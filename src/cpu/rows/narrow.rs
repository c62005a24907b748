//! Kernel `narrow`: short rows, one per lane. Rows are turned 4 x 4 on the way in and out, and
//! everything between works on whole vectors, whatever the number of columns.

use fearless_simd::prelude::*;

use super::spans::Spans;
use super::{Io, Job, NARROW_COLS};
use crate::cpu::dispatch::dispatch_math;
use crate::cpu::scratch;
use crate::cpu::simd::transpose::OVERHANG;
use crate::cpu::simd::{MAX_LANES, Math};
use block::Block;

mod block;
mod steps;

/// Floats of results that are collected before they are copied out.
const STAGE: usize = 2048;
/// Vectors of rows that go through each step together: one alone would spend its time waiting for
/// the few operations before.
const TOGETHER: usize = 4;
/// Floats of the vectors that go together.
const BLOCK: usize = TOGETHER * MAX_LANES * NARROW_COLS + 2 * MAX_LANES;
/// Floats of scratch: two blocks, and the results of a stage and of one block with what hangs over.
const SCRATCH: usize = 4 * BLOCK + 2 * STAGE;

/// Computes rows at the level of instructions of their job.
pub(super) fn compute(job: &Job, io: Io) {
    scratch::with(SCRATCH, |scratch| {
        dispatch_math!(job, M, simd => run::<_, M, false>(simd, job, io, Spans::NONE, scratch));
    });
}

/// The same where only what lies in the rows' spans takes part.
pub(super) fn compute_spans(job: &Job, io: Io, spans: Spans) {
    scratch::with(SCRATCH, |scratch| {
        dispatch_math!(job, M, simd => run::<_, M, true>(simd, job, io, spans, scratch));
    });
}

/// Computes all rows of a part; with `SPANS` only what lies in their spans takes part.
#[inline(always)]
fn run<S: Simd, M: Math<S>, const SPANS: bool>(
    simd: S,
    job: &Job,
    io: Io,
    spans: Spans,
    scratch: &mut [f32],
) {
    let (n, cols, words) = (S::f32s::LEN, job.cols, job.words);
    let block = n * TOGETHER;
    let stage = (STAGE / (block * cols.max(words))).max(1);
    let (lanes, scratch) = scratch.split_at_mut(BLOCK);
    let (padded, staged) = scratch.split_at_mut(BLOCK);
    by_blocks(
        job,
        io,
        (block, stage),
        padded,
        staged,
        #[inline(always)]
        |row, here, x, y| {
            let spans = if SPANS { spans.at(row) } else { spans };
            if here <= n {
                Block::<S, M, 1>::compute::<SPANS>(simd, job, x, spans, lanes, here, y);
            } else {
                Block::<S, M, TOGETHER>::compute::<SPANS>(simd, job, x, spans, lanes, here, y);
            }
        },
    );
}

/// Rows in blocks of some, a stage of several blocks at a time, whose results are collected in `staged` before they are
/// copied out. `each` gets the number of a block's first row, how many rows are wanted, the elements from there on and
/// the place for results; of both there is a whole block and [`OVERHANG`], the last block's from `padded`.
#[inline(always)]
pub(super) fn by_blocks(
    job: &Job,
    mut io: Io,
    (block, blocks): (usize, usize),
    padded: &mut [f32],
    staged: &mut [f32],
    mut each: impl FnMut(usize, usize, &[f32], &mut [f32]),
) {
    let (cols, words) = (job.cols, job.words);
    let rows = io.x().len() / cols;
    let stage = block * blocks;
    for row in (0..rows).step_by(stage) {
        let count = stage.min(rows - row);
        for first in (0..count).step_by(block) {
            let here = block.min(count - first);
            let x = &io.x()[(row + first) * cols..];
            let x = if x.len() >= block * cols + OVERHANG {
                x
            } else {
                padded[..here * cols].copy_from_slice(&x[..here * cols]);
                padded[here * cols..].fill(0.0);
                &*padded
            };
            each(row + first, here, x, &mut staged[first * words..]);
        }
        job.copy_out(&staged[..count * words], &mut io.y()[row * words..][..count * words]);
    }
}
