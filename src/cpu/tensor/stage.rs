//! Rows brought together: their elements as f32, one row after the other, with everything beside them
//! applied. Kernels then see plain rows.

use std::ops::Range;

use fearless_simd::{Level, dispatch};

use super::Task;
use super::walk::{Offsets, Run};
use crate::DType;
use crate::cpu::masking::{MASKED, row_scale};
use crate::cpu::simd::half;
use crate::cpu::simd::masking::{add_bias, alibi_all, hide, hide_from, scale_all};
use crate::cpu::simd::transpose::turn;
use crate::dtype::Element;
use crate::masking::levels::{BIAS, INPUT, MASK, SCALES, SINKS};

/// Lines that are turned together.
pub(super) const LINES: usize = 16;
/// Rows of them.
pub(super) const TURNED_ROWS: usize = 64;

/// A block of rows in scratch: so many columns of each, and what comes after them.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub rows: Range<u64>,
    pub cols: Range<u64>,
    /// Whether an element that does not take part follows: its result is that of all others of its kind.
    pub fill: bool,
    /// Whether the sink follows.
    pub sink: bool,
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
        let mut first = 0;
        for run in self.layout.runs(block.rows.clone()) {
            let z = &mut z[first * pitch..][..run.len * pitch];
            if way == Way::Whole && self.lie_alike(&run, pitch) {
                self.mask_alike(&run.at, z);
                first += run.len;
                continue;
            }
            match way {
                Way::Whole => self.widen(run.at[INPUT], z),
                Way::Turned => {
                    for (i, z) in z.chunks_mut(TURNED_ROWS * pitch).enumerate() {
                        self.turn_in(run.at[INPUT] + (i * TURNED_ROWS) as u64, z.len() / pitch, block, z);
                    }
                }
                Way::Apart => {
                    for (i, z) in z.chunks_exact_mut(pitch).enumerate() {
                        let cols = self.cols_of(block, first + i);
                        self.gather(run.at[INPUT] + i as u64 * run.step[INPUT], &cols, z);
                    }
                }
            }
            if self.is_masked {
                for (i, z) in z.chunks_exact_mut(pitch).enumerate() {
                    let at = std::array::from_fn(|o| run.at[o] + i as u64 * run.step[o]);
                    self.mask(block, block.rows.start + (first + i) as u64, &at, z);
                }
            }
            first += run.len;
        }
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

    /// Whether what stands beside these rows lies as they do, so that all of them are one long row.
    fn lie_alike(&self, run: &Run, width: usize) -> bool {
        let beside = self.masking;
        let per_row = beside.window.is_some() || beside.lengths.is_some() || beside.row_scale.is_some();
        let alike = |operand: usize| {
            let next = run.step[operand] == width as u64 || run.len == 1;
            next && self.layout.cols.innermost().strides[operand] == 1
        };
        !per_row
            && beside.alibi.is_none()
            && (beside.mask.is_none() || alike(MASK))
            && (beside.bias.is_none() || alike(BIAS))
    }

    /// Rows with a mask and a bias that lie as they do.
    fn mask_alike(&self, at: &Offsets, z: &mut [f32]) {
        let (token, masking) = (self.job.token, self.masking);
        if let Some(mask) =
            masking.mask.filter(|_| X::DTYPE == DType::F32 && masking.bias.is_none() && self.scale == 1.0)
        {
            // SAFETY: the slice ends with this call, in which nothing is written but scratch.
            let x = bytemuck::cast_slice(unsafe { self.elements(at[INPUT], z.len()) });
            return hide_from(token, x, z, mask.data, at[MASK] as usize);
        }
        self.widen(at[INPUT], z);
        if self.scale != 1.0 {
            scale_all(token, z, self.scale);
        }
        if let Some(bias) = &masking.bias {
            add_bias(token, z, bias.data, at[BIAS] as usize, 1);
        }
        if let Some(mask) = &masking.mask {
            hide(token, z, mask.data, at[MASK] as usize, 1);
        }
    }

    /// The elements of one row.
    fn gather(&self, row: u64, cols: &Range<u64>, z: &mut [f32]) {
        let mut done = 0;
        for run in self.layout.cols.runs(cols.start, cols.end) {
            debug_assert!(
                run.step[INPUT] == 1 || run.len == 1,
                "elements that lie apart are their rows' neighbours"
            );
            self.widen(row + run.at[INPUT], &mut z[done..][..run.len]);
            done += run.len;
        }
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

    /// What stands beside a row, and what follows it.
    fn mask(&self, block: &Block, row: u64, at: &Offsets, z: &mut [f32]) {
        let (width, masking) = (block.width(), self.masking);
        let visible = self.layout.visible(masking, row, at);
        let clamp = |col: u64| (col.clamp(block.cols.start, block.cols.end) - block.cols.start) as usize;
        let (from, to) = (clamp(visible.start), clamp(visible.end));
        z[..from].fill(MASKED);
        z[to..width + usize::from(block.fill)].fill(MASKED);
        if let Some(sinks) = masking.sinks.filter(|_| block.sink) {
            z[block.pitch() - 1] = sinks.data[at[SINKS] as usize];
        }
        let cols = block.cols.start + from as u64..block.cols.start + to as u64;
        let z = &mut z[from..to];
        let scale = masking
            .row_scale
            .map_or(self.scale, |of_row| row_scale(self.scale, of_row.data[at[SCALES] as usize]));
        if scale != 1.0 {
            scale_all(self.job.token, z, scale);
        }
        self.add(&cols, at, z);
        self.hide(&cols, at, z);
    }

    /// Bias and ALiBi.
    fn add(&self, cols: &Range<u64>, at: &Offsets, z: &mut [f32]) {
        if let Some(bias) = &self.masking.bias {
            let mut done = 0;
            for run in self.layout.cols.runs(cols.start, cols.end) {
                let at = (at[BIAS] + run.at[BIAS]) as usize;
                add_bias(self.job.token, &mut z[done..][..run.len], bias.data, at, run.step[BIAS] as usize);
                done += run.len;
            }
        }
        if let Some((slope, own)) = self.layout.slope(self.masking, at) {
            alibi_all(self.job.token, z, slope, own.saturating_sub(cols.start as i64));
        }
    }

    /// The mask, last: whatever became of a hidden element is overwritten.
    fn hide(&self, cols: &Range<u64>, at: &Offsets, z: &mut [f32]) {
        let Some(mask) = &self.masking.mask else { return };
        let mut done = 0;
        for run in self.layout.cols.runs(cols.start, cols.end) {
            let at = (at[MASK] + run.at[MASK]) as usize;
            hide(self.job.token, &mut z[done..][..run.len], mask.data, at, run.step[MASK] as usize);
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
