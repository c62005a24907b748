//! Rows brought together: their elements as f32, one row after the other, with everything beside them
//! applied. Kernels then see plain rows.

use std::ops::Range;

use fearless_simd::{Level, dispatch};

use super::Task;
use super::walk::Run;
use crate::DType;
use crate::cpu::simd::half;
use crate::cpu::simd::transpose::turn;
use crate::dtype::Element;
use crate::masking::levels::INPUT;

/// Lines that are turned together.
pub(super) const LINES: usize = 16;
/// Rows of them.
pub(super) const TURNED_ROWS: usize = 64;

/// Up to here rows that are one piece of memory are brought as that; longer ones one by one, together with
/// what stands beside them.
pub(super) const SHORT: usize = 512;

/// A block of rows in scratch: so many columns of each, and what comes after them.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub rows: Range<u64>,
    pub cols: Range<u64>,
    /// Whether an element that does not take part follows: its result is that of all others of its kind.
    pub fill: bool,
    /// Whether the sink follows.
    pub sink: bool,
    /// Whether the columns that a window or a length leaves out may be anything: nobody looks at them.
    pub open: bool,
}

/// How the elements of a block lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// All of its rows are one piece of memory, as they are in scratch.
    Whole,
    /// Neighbours are elements of different rows.
    Turned,
    /// Each row is a piece of memory, or several.
    Apart,
}

impl Block {
    pub(super) fn count(&self) -> usize {
        (self.rows.end - self.rows.start) as usize
    }

    pub(super) fn width(&self) -> usize {
        (self.cols.end - self.cols.start) as usize
    }

    /// Floats of a row in scratch.
    pub(super) fn pitch(&self) -> usize {
        self.width() + usize::from(self.fill) + usize::from(self.sink)
    }
}

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Brings a block together.
    pub(super) fn stage(&self, block: &Block, z: &mut [f32]) {
        let (pitch, way) = (block.pitch(), self.way(block));
        if way == Way::Whole && !self.is_masked {
            return self.widen(block.rows.start * pitch as u64, z);
        }
        let mut first = 0;
        for run in self.layout.runs(block.rows.clone()) {
            let z = &mut z[first * pitch..][..run.len * pitch];
            if way == Way::Whole && self.lie_alike(&run, pitch) {
                self.stage_alike(&run, pitch, z);
            } else {
                let is_brought = self.bring(block, way, run.at[INPUT], z);
                self.stage_rows(block, (first, &run), is_brought, z);
            }
            first += run.len;
        }
    }

    /// A run of a block's rows, one by one.
    fn stage_rows(&self, block: &Block, (first, run): (usize, &Run), is_brought: bool, z: &mut [f32]) {
        let (rows, mut at) = (block.rows.start + first as u64.., run.at);
        for (row, z) in rows.zip(z.chunks_mut(block.pitch())).take(run.len) {
            self.stage_row(block, row, &at, is_brought, z);
            at.iter_mut().zip(&run.step).for_each(|(at, step)| *at += step);
        }
    }

    /// The elements of rows that are better brought together than one by one; whether these are.
    fn bring(&self, block: &Block, way: Way, at: u64, z: &mut [f32]) -> bool {
        match way {
            Way::Whole if block.pitch() <= SHORT => self.widen(at, z),
            Way::Turned => {
                for (i, z) in z.chunks_mut(TURNED_ROWS * block.pitch()).enumerate() {
                    self.turn_in(at + (i * TURNED_ROWS) as u64, z.len() / block.pitch(), block, z);
                }
            }
            Way::Whole | Way::Apart => return false,
        }
        true
    }

    /// How a block's elements lie.
    pub(super) fn way(&self, block: &Block) -> Way {
        let whole =
            block.pitch() == block.width() && block.width() as u64 == self.layout.len(block.rows.start);
        if whole && self.layout.is_contiguous() {
            Way::Whole
        } else if self.layout.is_turned() {
            Way::Turned
        } else {
            Way::Apart
        }
    }

    /// The columns of one of a block's rows, which ends where it does if it is ragged.
    pub(super) fn cols_of(&self, block: &Block, row: usize) -> Range<u64> {
        block.cols.start..block.cols.end.min(self.layout.len(block.rows.start + row as u64))
    }

    /// The elements of at most [`TURNED_ROWS`] rows that lie side by side.
    fn turn_in(&self, row: u64, rows: usize, block: &Block, z: &mut [f32]) {
        let pitch = block.pitch();
        let mut lines = [0.0; LINES * TURNED_ROWS];
        let mut done = 0;
        for run in self.layout.cols.runs(block.cols.start, block.cols.end) {
            for start in (0..run.len).step_by(LINES) {
                let count = LINES.min(run.len - start);
                for (i, line) in lines.chunks_exact_mut(TURNED_ROWS).take(count).enumerate() {
                    let at = row + run.at[INPUT] + (start + i) as u64 * run.step[INPUT];
                    self.widen(at, &mut line[..rows]);
                }
                turn_lines(self.job.token, &lines, TURNED_ROWS, (count, rows), &mut z[done + start..], pitch);
            }
            done += run.len;
        }
    }

    /// Elements that lie side by side, as f32.
    pub(super) fn widen(&self, at: u64, z: &mut [f32]) {
        // SAFETY: the slice ends with this call, in which nothing is written but scratch.
        let x = unsafe { self.elements(at, z.len()) };
        match X::DTYPE {
            DType::F32 => z.copy_from_slice(bytemuck::cast_slice(x)),
            DType::F16 => half::widen_f16(self.job.token, bytemuck::cast_slice(x), z),
            DType::BF16 => half::widen_bf16(self.job.token, bytemuck::cast_slice(x), z),
            DType::F64 => unreachable!("rows of f64 are computed in f64"),
        }
    }

    /// Asks for elements that lie side by side; they may lie beyond the array's end.
    #[inline(always)]
    pub(super) fn prefetch(&self, at: u64, len: usize) {
        let size = size_of::<X>();
        let start = self.x.address(at);
        for line in (0..len * size).step_by(64) {
            crate::cpu::stream::prefetch_at(start.wrapping_add(line));
        }
    }

    /// Input elements from a place on.
    ///
    /// # Safety
    /// They are not written while the slice lives. Where input and output are one array: each row, or piece
    /// of one, is read by the same call that goes on to write it, or before any result of it is written.
    pub(super) unsafe fn elements(&self, at: u64, len: usize) -> &[X] {
        // SAFETY: the caller's.
        unsafe { self.x.slice(at, len) }
    }
}

/// So many rows of so many floats as columns.
pub(super) fn turn_lines(
    token: Level,
    x: &[f32],
    pitch: usize,
    size: (usize, usize),
    z: &mut [f32],
    out_pitch: usize,
) {
    dispatch!(token, simd => turn(simd, x, pitch, size, z, out_pitch));
}
