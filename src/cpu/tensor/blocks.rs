//! Rows of a length that caches hold: brought together a block at a time, computed there by the kernels
//! for plain rows, and put where they belong.

use std::ops::Range;

use super::Task;
use super::stage::{Block, TURNED_ROWS};
use crate::cpu::rows::{self, Io, Job, NARROW_COLS};
use crate::cpu::scratch;
use crate::dtype::Element;

/// Floats of a block, so that it stays in the L1 cache between its stages.
const BLOCK: usize = 4096;
/// Longer rows are computed in pieces, on all threads.
const LONG: u64 = 1 << 16;
/// The same where a block has at least 16 rows.
const LONG_TURNED: u64 = 1 << 14;
/// The same where rows are turned: whole cache lines of each of their lines are used.
const TURNED: usize = 1 << 16;

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Computes rows on this thread.
    pub(super) fn compute(&self, rows: Range<u64>) {
        let mut row = rows.start;
        while row < rows.end {
            if self.is_long(row) {
                row = self.compute_long(row, rows.end);
                continue;
            }
            let block = self.block(row, rows.end);
            row = block.rows.end;
            let floats = block.pitch() * block.count();
            scratch::with_blocks(floats, |z| self.compute_block(&block, &mut z[..floats]));
        }
    }

    /// The next rows that go together, and the columns that any of them needs.
    fn block(&self, row: u64, end: u64) -> Block {
        let mut block = self.block_of(row..row + 1);
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
        while block.rows.end < end {
            let next = self.block_of(block.rows.end..block.rows.end + 1);
            let joined = join(&block, &next);
            let fits = joined.pitch() * joined.count() <= BLOCK || self.layout.is_turned();
            if !fits
                || !are_alike(joined.pitch(), next.pitch().min(block.pitch()))
                || self.is_long(next.rows.start)
            {
                break;
            }
            block = joined;
        }
        block
    }

    /// Whether all rows need the same columns.
    fn is_uniform(&self) -> bool {
        !self.is_ragged && self.masking.window.is_none() && self.masking.lengths.is_none()
    }

    pub(super) fn block_of(&self, rows: Range<u64>) -> Block {
        let len = self.layout.len(rows.start);
        let cols = if self.is_uniform() || self.is_ragged {
            0..len
        } else {
            let run = self.layout.runs(rows.clone()).next().expect("a row");
            self.layout.visible(self.masking, rows.start, &run.at)
        };
        let hidden = cols.end - cols.start < len;
        Block {
            rows,
            cols,
            fill: hidden && self.job.op.kind.is_elementwise(),
            sink: self.masking.sinks.is_some(),
        }
    }

    fn compute_block(&self, block: &Block, z: &mut [f32]) {
        let pitch = block.pitch();
        if pitch > 0 {
            self.stage(block, z);
        }
        if self.job.op.kind.is_elementwise() {
            rows::run(&Job { cols: pitch, words: pitch, ..self.job }, Io::Same(z));
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
                let job = Job { cols: pitch, ..self.job };
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
        self.layout.len(row) > if self.layout.is_turned() { LONG_TURNED } else { LONG }
    }
}

/// Whether rows of these lengths are computed together: the shorter one as if it were the longer one.
fn are_alike(longer: usize, shorter: usize) -> bool {
    longer <= NARROW_COLS || longer <= 2 * shorter
}

fn join(a: &Block, b: &Block) -> Block {
    let (rows, fill, sink) = (a.rows.start..b.rows.end, a.fill || b.fill || a.cols != b.cols, a.sink);
    let cols = match (a.cols.is_empty(), b.cols.is_empty()) {
        (true, _) => b.cols.clone(),
        (_, true) => a.cols.clone(),
        _ => a.cols.start.min(b.cols.start)..a.cols.end.max(b.cols.end),
    };
    Block { rows, cols, fill, sink }
}
