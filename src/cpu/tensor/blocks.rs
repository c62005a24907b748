//! Rows of a length that caches hold: brought together a block at a time, computed there by the kernels
//! for plain rows, and put where they belong.

use std::ops::Range;

use super::Task;
use super::stage::{Block, TURNED_ROWS};
use super::walk::Offsets;
use crate::DType;
use crate::cpu::rows::{self, Io, Job};
use crate::cpu::{scratch, stream};
use crate::dtype::Element;
use crate::masking::levels::INPUT;

/// Floats of a block, so that it stays in the L1 cache between its stages.
const BLOCK: usize = 4096;
/// Up to here rows are computed whole, whatever a window or their lengths hide: leaving columns out costs
/// more for each row than it saves.
const WHOLE: u64 = 256;
/// Up to here rows of any lengths are computed together.
const SHORT: usize = 512;
/// Longer rows are computed in pieces, on all threads.
const LONG: u64 = 1 << 16;
/// The same where rows are turned, and many go together.
const LONG_TURNED: u64 = 1 << 14;
/// The same where rows are turned: whole cache lines of each of their lines are used.
const TURNED: usize = 1 << 16;

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Computes rows on this thread.
    pub(super) fn compute(&self, rows: Range<u64>) {
        if X::DTYPE == DType::F64 {
            return self.compute_doubles(rows);
        }
        if self.has_spans() {
            self.compute_spans(rows);
            return self.fence();
        }
        let mut row = rows.start;
        while row < rows.end {
            if self.is_long(row) {
                row = self.compute_long(row, rows.end);
                continue;
            }
            if self.layout.is_turned() && !self.is_masked && self.layout.len(row) > 0 {
                row = self.compute_columns(row, rows.end);
                continue;
            }
            let block = self.block(row, rows.end);
            row = block.rows.end;
            let floats = block.pitch() * block.count();
            scratch::with_blocks(floats, |z| self.compute_block(&block, rows.end, &mut z[..floats]));
        }
        self.fence();
    }

    /// Orders this thread's results that went past the caches before whatever tells of them.
    pub(super) fn fence(&self) {
        if self.past_caches {
            stream::fence();
        }
    }

    /// Floats from scratch to the elements of the block behind this one, which are asked for meanwhile.
    pub(super) fn ahead(&self, block: &Block, end: u64, z: &[f32]) -> usize {
        if block.rows.end >= end || self.layout.is_turned() {
            return 0;
        }
        let next = self.layout.runs(block.rows.end..block.rows.end + 1).next().map_or(0, |run| run.at[INPUT]);
        let bytes = self.x.address(next + block.cols.start) as isize - z.as_ptr() as isize;
        (bytes / 4) as usize
    }

    /// The next rows that go together, and the columns that any of them needs.
    fn block(&self, row: u64, end: u64) -> Block {
        let mut block = self.block_of(row);
        let most = if self.layout.is_turned() {
            // Not beyond the rows that lie side by side.
            let neighbours = self.layout.neighbours();
            let left = neighbours - row % neighbours;
            (TURNED / block.pitch().max(1)).clamp(16, TURNED_ROWS).min(left as usize)
        } else {
            (BLOCK / block.pitch().max(1)).max(1)
        };
        let end = end.min(row + most as u64);
        if self.is_uniform() {
            block.rows.end = end;
            return block;
        }
        for run in self.layout.runs(row + 1..end) {
            let mut at = run.at;
            for _ in 0..run.len {
                let next = self.block_at(block.rows.end, &at);
                let joined = self.join(&block, &next);
                let fits = joined.pitch() * joined.count() <= BLOCK || self.layout.is_turned();
                if !fits
                    || !are_alike(joined.pitch(), next.pitch().min(block.pitch()))
                    || self.is_long(next.rows.start)
                {
                    return block;
                }
                block = joined;
                at.iter_mut().zip(&run.step).for_each(|(at, step)| *at += step);
            }
        }
        block
    }

    /// Whether all rows are computed whole.
    fn is_uniform(&self) -> bool {
        let hides = self.masking.window.is_some() || self.masking.lengths.is_some();
        !self.layout.is_ragged() && (!hides || self.layout.len(0) <= WHOLE)
    }

    /// A row that stands alone.
    pub(super) fn block_of(&self, row: u64) -> Block {
        self.block_at(row, &self.layout.at(row))
    }

    /// The same, where it is known where everything of it lies.
    fn block_at(&self, row: u64, at: &Offsets) -> Block {
        let len = self.layout.len(row);
        let cols = if self.is_uniform() || self.layout.is_ragged() {
            0..len
        } else {
            self.layout.visible(self.masking, row, at)
        };
        let hidden = cols.end - cols.start < len;
        Block {
            rows: row..row + 1,
            cols,
            fill: hidden && self.job.op.kind.is_elementwise(),
            sink: self.masking.sinks.is_some(),
            open: false,
        }
    }

    /// Rows that follow each other, and the columns that any of them needs.
    pub(super) fn join(&self, a: &Block, b: &Block) -> Block {
        let cols = match (a.cols.is_empty(), b.cols.is_empty()) {
            (true, _) => b.cols.clone(),
            (_, true) => a.cols.clone(),
            _ => a.cols.start.min(b.cols.start)..a.cols.end.max(b.cols.end),
        };
        // A ragged row's results end where it does.
        let fills = self.job.op.kind.is_elementwise() && !self.layout.is_ragged();
        let fill = fills && (a.fill || b.fill || a.cols != b.cols);
        Block { rows: a.rows.start..b.rows.end, cols, fill, ..a.clone() }
    }

    fn compute_block(&self, block: &Block, end: u64, z: &mut [f32]) {
        let ahead = self.ahead(block, end, z);
        let pitch = block.pitch();
        if pitch > 0 {
            self.stage(block, z);
        }
        if self.job.op.kind.is_elementwise() {
            if pitch == 0 {
                return;
            }
            let job = Job { cols: pitch, words: pitch, ahead, ..self.job };
            if let Some(y) = self.direct(block) {
                return rows::run_unfenced(&Job { stream: self.past_caches, ..job }, Io::Through(z, y));
            }
            rows::run(&job, Io::Same(z));
            return self.store(block, z);
        }
        let (words, count) = (self.job.words, block.count());
        let mut results = [0.0; 8 * 16];
        for first in (0..count).step_by(16) {
            let here = 16.min(count - first);
            let results = &mut results[..here * words];
            if pitch == 0 {
                self.fill_empty(results);
            } else {
                let job = Job { cols: pitch, ahead, ..self.job };
                rows::run(&job, Io::Apart(&z[first * pitch..][..here * pitch], results));
            }
            self.store_per_row((block.rows.start + first as u64) * words as u64, results);
        }
    }

    fn fill_empty(&self, results: &mut [f32]) {
        crate::cpu::fill_empty(&self.job.op, results);
    }

    /// Whether a row is computed in pieces.
    pub(super) fn is_long(&self, row: u64) -> bool {
        X::DTYPE != DType::F64
            && self.layout.len(row) > if self.layout.is_turned() { LONG_TURNED } else { LONG }
    }
}

/// Whether rows of these lengths are computed together: the shorter one as if it were the longer one.
fn are_alike(longer: usize, shorter: usize) -> bool {
    longer <= SHORT || longer <= 2 * shorter
}
