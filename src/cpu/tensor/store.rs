//! Results to where they belong, as elements of the output.

use std::ops::Range;

use fearless_simd::Level;

use super::Task;
use super::stage::{Block, LINES, TURNED_ROWS, Way, turn_lines};
use crate::DType;
use crate::cpu::simd::half;
use crate::cpu::stream;
use crate::dtype::Element;
use crate::masking::levels::INPUT;

/// Halves that are converted before they go past the caches.
const PAIRS: usize = 1024;

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Puts one result per element where its element was, and what follows the block's columns as that of
    /// all elements outside of them.
    pub(super) fn store(&self, block: &Block, z: &[f32]) {
        let (pitch, width, way) = (block.pitch(), block.width(), self.way(block));
        if way == Way::Whole {
            return self.narrow(z, block.rows.start * pitch as u64);
        }
        let mut first = 0;
        for run in self.layout.runs(block.rows.clone()) {
            let z = &z[first * pitch..][..run.len * pitch];
            if way == Way::Turned {
                for (i, z) in z.chunks(TURNED_ROWS * pitch).enumerate() {
                    self.turn_out(run.at[INPUT] + (i * TURNED_ROWS) as u64, z.len() / pitch, block, z);
                }
            } else {
                for (i, z) in z.chunks_exact(pitch).enumerate() {
                    let cols = self.cols_of(block, first + i);
                    self.scatter(run.at[INPUT] + i as u64 * run.step[INPUT], &cols, z);
                }
            }
            if block.fill {
                for (i, z) in z.chunks_exact(pitch).enumerate() {
                    self.fill(run.at[INPUT] + i as u64 * run.step[INPUT], block, Y::narrow(z[width]));
                }
            }
            first += run.len;
        }
    }

    /// The results of a block where they are one piece of memory, of f32, and nothing follows a row.
    #[allow(clippy::mut_from_ref, reason = "the output is shared by place")]
    pub(super) fn direct(&self, block: &Block) -> Option<&mut [f32]> {
        if Y::DTYPE != DType::F32 || self.way(block) != Way::Whole || self.x.is_same(&self.y) {
            return None;
        }
        let at = block.rows.start * block.width() as u64;
        // SAFETY: the block's rows are this thread's, which asks for them once.
        Some(bytemuck::cast_slice_mut(unsafe { self.results(at, block.count() * block.width()) }))
    }

    /// Puts one result per row.
    pub(super) fn store_per_row(&self, first_row: u64, results: &[f32]) {
        self.narrow(results, first_row);
    }

    fn scatter(&self, row: u64, cols: &Range<u64>, z: &[f32]) {
        let mut done = 0;
        for run in self.layout.cols.runs(cols.start, cols.end) {
            self.narrow(&z[done..][..run.len], row + run.at[INPUT]);
            done += run.len;
        }
    }

    /// The result of elements that do not take part, outside the block's columns.
    fn fill(&self, row: u64, block: &Block, value: Y) {
        let end = self.layout.len(block.rows.start);
        for (start, end) in [(0, block.cols.start), (block.cols.end, end)] {
            for run in self.layout.cols.runs(start, end) {
                let (at, step) = (row + run.at[INPUT], run.step[INPUT]);
                if step == 1 {
                    // SAFETY: the slice ends with this line.
                    unsafe { self.results(at, run.len) }.fill(value);
                } else {
                    (0..run.len as u64).for_each(|i| self.put(at + i * step, value));
                }
            }
        }
    }

    fn turn_out(&self, row: u64, rows: usize, block: &Block, z: &[f32]) {
        let pitch = block.pitch();
        let mut lines = [0.0; LINES * TURNED_ROWS];
        let mut done = 0;
        for run in self.layout.cols.runs(block.cols.start, block.cols.end) {
            for start in (0..run.len).step_by(LINES) {
                let count = LINES.min(run.len - start);
                let z = &z[done + start..];
                turn_lines(self.job.token, z, pitch, (rows, count), &mut lines, TURNED_ROWS);
                for (i, line) in lines.chunks_exact(TURNED_ROWS).take(count).enumerate() {
                    let at = row + run.at[INPUT] + (start + i) as u64 * run.step[INPUT];
                    self.narrow(&line[..rows], at);
                }
            }
            done += run.len;
        }
    }

    /// Results to elements that lie side by side.
    pub(super) fn narrow(&self, z: &[f32], at: u64) {
        // SAFETY: the slice ends with this call, which is the only one for these elements.
        let y = unsafe { self.results(at, z.len()) };
        match Y::DTYPE {
            DType::F32 if self.past_caches => stream::copy(self.job.level, z, bytemuck::cast_slice_mut(y)),
            DType::F32 => bytemuck::cast_slice_mut(y).copy_from_slice(z),
            DType::F16 => self.narrow_half(z, bytemuck::cast_slice_mut(y), half::narrow_f16),
            DType::BF16 => self.narrow_half(z, bytemuck::cast_slice_mut(y), half::narrow_bf16),
            DType::F64 => y.iter_mut().zip(z).for_each(|(y, z)| *y = Y::narrow(*z)),
        }
    }

    /// Past the caches halves go in pairs, as floats.
    fn narrow_half(&self, z: &[f32], y: &mut [u16], convert: impl Fn(Level, &[f32], &mut [u16])) {
        if !self.past_caches || z.len() < PAIRS {
            return convert(self.job.token, z, y);
        }
        let mut pairs = [0.0f32; PAIRS / 2];
        for (z, y) in z.chunks(PAIRS).zip(y.chunks_mut(PAIRS)) {
            let here = &mut bytemuck::cast_slice_mut(&mut pairs)[..z.len()];
            convert(self.job.token, z, here);
            match bytemuck::try_cast_slice_mut(y) {
                Ok(y) if z.len() == PAIRS => stream::copy(self.job.level, &pairs, y),
                _ => y.copy_from_slice(&bytemuck::cast_slice(&pairs)[..z.len()]),
            }
        }
    }

    /// Asks for the cache lines that hold the first and the last of so many results, and others beside
    /// them: those are stored as usual, which waits for them, even if all between goes past the caches.
    #[inline(always)]
    pub(super) fn ask_edges(&self, at: u64, len: usize) {
        for place in [self.y.address(at), self.y.address(at + len as u64)] {
            if place % 64 != 0 {
                stream::prefetch_at(place);
            }
        }
    }

    /// One result.
    pub(super) fn put(&self, at: u64, value: Y) {
        // SAFETY: the slice ends with this call.
        let place = unsafe { self.results(at, 1) };
        place[0] = value;
    }

    /// Output elements from a place on.
    ///
    /// # Safety
    /// Nobody else uses them while the slice lives: each row's results, or those of a piece of it, are
    /// written by the one thread that computes it.
    #[allow(clippy::mut_from_ref, reason = "the output is shared by place")]
    unsafe fn results(&self, at: u64, len: usize) -> &mut [Y] {
        // SAFETY: the caller's.
        unsafe { self.y.slice_mut(at, len) }
    }
}
