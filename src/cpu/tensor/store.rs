//! Results to where they belong, as elements of the output.

use std::ops::Range;

use fearless_simd::{Level, dispatch, prelude::*};

use super::Task;
use super::stage::{Block, TURNED_ROWS};
use super::walk::X;
use crate::cpu::simd::transpose::turn;
use crate::dtype::Element;

/// Columns that are turned together.
const COLUMNS: usize = 16;

impl<X_: Element, Y: Element> Task<'_, X_, Y> {
    /// Puts one result per element where its element was, and what follows the block's columns as that of
    /// all elements outside of them.
    pub(super) fn store(&self, block: &Block, z: &[f32]) {
        let (pitch, width) = (block.pitch(), block.width());
        let whole = pitch == width && width as u64 == self.layout.len(block.rows.start);
        let mut first = 0;
        for run in self.layout.runs(block.rows.clone()) {
            let z = &z[first * pitch..][..run.len * pitch];
            if self.layout.is_contiguous() && whole {
                narrow(self.job.token, z, self.results(run.at[X], run.len * width));
            } else if self.is_ragged {
                let row = block.rows.start + first as u64;
                let cols = block.cols.start..block.cols.end.min(self.layout.len(row));
                self.scatter(run.at[X], &cols, z);
            } else if self.layout.is_turned() {
                for (i, z) in z.chunks(TURNED_ROWS * pitch).enumerate() {
                    self.turn_out(run.at[X] + (i * TURNED_ROWS) as u64, z.len() / pitch, block, z);
                }
            } else {
                for (i, z) in z.chunks_exact(pitch).enumerate() {
                    self.scatter(run.at[X] + i as u64 * run.step[X], &block.cols, z);
                }
            }
            if block.fill && !self.is_ragged {
                for (i, z) in z.chunks_exact(pitch).enumerate() {
                    self.fill(run.at[X] + i as u64 * run.step[X], block, Y::narrow(z[width]));
                }
            }
            first += run.len;
        }
    }

    /// Puts one result per row.
    pub(super) fn store_per_row(&self, first_row: u64, results: &[f32]) {
        narrow(self.job.token, results, self.results(first_row, results.len()));
    }

    fn scatter(&self, row: u64, cols: &Range<u64>, z: &[f32]) {
        let mut done = 0;
        for run in self.layout.cols.runs(cols.start, cols.end) {
            let (at, step, z) = (row + run.at[X], run.step[X] as usize, &z[done..][..run.len]);
            if step == 1 {
                narrow(self.job.token, z, self.results(at, run.len));
            } else {
                for (i, z) in z.iter().enumerate() {
                    self.results(at + (i * step) as u64, 1)[0] = Y::narrow(*z);
                }
            }
            done += run.len;
        }
    }

    /// The result of elements that do not take part, outside the block's columns.
    fn fill(&self, row: u64, block: &Block, value: Y) {
        let end = self.layout.len(block.rows.start);
        for (start, end) in [(0, block.cols.start), (block.cols.end, end)] {
            for run in self.layout.cols.runs(start, end) {
                let (at, step) = (row + run.at[X], run.step[X]);
                if step == 1 {
                    self.results(at, run.len).fill(value);
                } else {
                    (0..run.len as u64).for_each(|i| self.results(at + i * step, 1)[0] = value);
                }
            }
        }
    }

    fn turn_out(&self, row: u64, rows: usize, block: &Block, z: &[f32]) {
        let pitch = block.pitch();
        let mut lines = [0.0; COLUMNS * TURNED_ROWS];
        let mut done = 0;
        for run in self.layout.cols.runs(block.cols.start, block.cols.end) {
            for start in (0..run.len).step_by(COLUMNS) {
                let count = COLUMNS.min(run.len - start);
                turn_lines(self.job.token, &z[done + start..], pitch, (rows, count), &mut lines);
                for (i, line) in lines.chunks_exact(TURNED_ROWS).take(count).enumerate() {
                    let at = row + run.at[X] + (start + i) as u64 * run.step[X];
                    narrow(self.job.token, &line[..rows], self.results(at, rows));
                }
            }
            done += run.len;
        }
    }

    /// Output elements from a place on.
    #[allow(clippy::mut_from_ref, reason = "the output is shared by place")]
    fn results(&self, at: u64, len: usize) -> &mut [Y] {
        // SAFETY: each row's results are written by the one thread that computes it, or that computes
        // this piece of it, and no slice outlives this stage.
        unsafe { self.y.slice_mut(at, len) }
    }
}

fn narrow<Y: Element>(token: Level, z: &[f32], y: &mut [Y]) {
    #[inline(always)]
    fn each<S: Simd, Y: Element>(_: S, z: &[f32], y: &mut [Y]) {
        for (y, z) in y.iter_mut().zip(z) {
            *y = Y::narrow(*z);
        }
    }
    dispatch!(token, simd => each(simd, z, y));
}

fn turn_lines(token: Level, z: &[f32], pitch: usize, size: (usize, usize), lines: &mut [f32]) {
    dispatch!(token, simd => turn(simd, z, pitch, size, lines, TURNED_ROWS));
}
