//! Rows that lie side by side: brought together line by line, computed one per lane, and put back line by
//! line.

use std::ops::Range;

use super::Task;
use crate::cpu::rows::{Job, Lines, run_columns};
use crate::cpu::scratch;
use crate::dtype::Element;
use crate::masking::levels::INPUT;

/// Floats of the lines that go together: much less would use too little of each page of memory.
const FLOATS: usize = 1 << 19;
/// So many rows go together even if that takes twice as much.
const WIDTH: usize = 256;
/// Rows that go together at least.
const LEAST: usize = 64;
/// Bytes that are asked for in advance: each line is in a page of its own, which no machine looks beyond.
const AHEAD: usize = 4096;
/// Lines of results whose edges are asked for in advance.
const EDGES_AHEAD: u64 = 8;
/// Lines begin on a vector of any level.
const LANES: usize = 16;

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Computes the next rows that lie side by side, and says which is the next one after them.
    pub(super) fn compute_columns(&self, row: u64, end: u64) -> u64 {
        let cols = self.layout.len(row) as usize;
        let neighbours = self.layout.neighbours();
        let most = together(cols) as u64;
        let next = row + most.min(neighbours - row % neighbours).min(end - row);
        // An odd number of cache lines, so that a strip's lines fall into different sets of the caches.
        let pitch = ((next - row) as usize).next_multiple_of(LANES) | LANES;
        scratch::with_blocks(pitch * cols, |lines| {
            self.compute_lines(row..next, &mut lines[..pitch * cols], pitch)
        });
        next
    }

    fn compute_lines(&self, rows: Range<u64>, lines: &mut [f32], pitch: usize) {
        let count = (rows.end - rows.start) as usize;
        let at = self.layout.runs(rows.clone()).next().expect("at least one row").at[INPUT];
        let words = if self.job.op.kind.is_elementwise() { 0 } else { self.job.words };
        let job = Job { cols: lines.len() / pitch, ..self.job };
        let mut results = vec![0.0; count * words];
        let mut io = Rows { task: self, at, count, pitch };
        run_columns(&job, lines, pitch, count, &mut results, &mut io);
        if words > 0 {
            self.store_per_row(rows.start * words as u64, &results);
        }
    }
}

/// How many rows of so many columns go together.
fn together(cols: usize) -> usize {
    let of = |floats| floats / cols.max(1) / LANES * LANES;
    of(FLOATS).max(WIDTH.min(of(2 * FLOATS))).clamp(LEAST, 1024)
}

/// Rows that lie side by side, so many from a place on.
struct Rows<'a, 'b, X, Y> {
    task: &'a Task<'b, X, Y>,
    at: u64,
    count: usize,
    pitch: usize,
}

impl<X: Element, Y: Element> Rows<'_, '_, X, Y> {
    /// The places of so many lines.
    fn places(&self, first: usize, lines: usize) -> impl Iterator<Item = u64> {
        let (start, end) = (first as u64, (first + lines) as u64);
        let runs = self.task.layout.cols.runs(start, end);
        runs.flat_map(move |run| {
            (0..run.len as u64).map(move |k| self.at + run.at[INPUT] + k * run.step[INPUT])
        })
    }
}

impl<X: Element, Y: Element> Lines for Rows<'_, '_, X, Y> {
    fn bring(&mut self, first: usize, lines: &mut [f32]) {
        let ahead = AHEAD.div_ceil(self.count * size_of::<X>()) as u64;
        let ahead = ahead * self.task.layout.cols.innermost().strides[INPUT];
        for (at, line) in self.places(first, lines.len() / self.pitch).zip(lines.chunks_exact_mut(self.pitch))
        {
            self.task.prefetch(at + ahead, self.count);
            self.task.widen(at, &mut line[..self.count]);
            line[self.count..].fill(0.0);
        }
    }

    fn put(&mut self, first: usize, lines: &[f32]) {
        let ahead = EDGES_AHEAD * self.task.layout.cols.innermost().strides[INPUT];
        for (at, line) in self.places(first, lines.len() / self.pitch).zip(lines.chunks_exact(self.pitch)) {
            self.task.ask_edges(at + ahead, self.count);
            self.task.narrow(&line[..self.count], at);
        }
    }
}
