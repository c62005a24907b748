//! Rows brought together: their elements as f32, one row after the other, with everything beside them
//! applied. Kernels then see plain rows.

use std::ops::Range;

use fearless_simd::{Level, dispatch, prelude::*};

use super::Task;
use super::walk::{BIAS, MASK, Offsets, SCALE, SINKS, X};
use crate::cpu::masking::{MASKED, alibi, biased, row_scale, scaled_by_row};
use crate::cpu::simd::transpose::turn;
use crate::dtype::{Element, Values};
use crate::masking::MaskData;

/// Lines that are turned together.
const LINES: usize = 16;
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

impl<X_: Element, Y: Element> Task<'_, X_, Y> {
    /// Brings a block together.
    pub(super) fn stage(&self, block: &Block, z: &mut [f32]) {
        let (pitch, width) = (block.pitch(), block.width());
        let whole = pitch == width && width as u64 == self.layout.len(block.rows.start);
        let mut first = 0;
        for run in self.layout.runs(block.rows.clone()) {
            let z = &mut z[first * pitch..][..run.len * pitch];
            if self.layout.is_contiguous() && whole {
                widen(self.job.token, self.elements(run.at[X], run.len * width), z);
            } else if self.is_ragged {
                let row = block.rows.start + first as u64;
                let cols = block.cols.start..block.cols.end.min(self.layout.len(row));
                self.gather(run.at[X], &cols, z);
            } else if self.layout.is_turned() {
                for (i, z) in z.chunks_mut(TURNED_ROWS * pitch).enumerate() {
                    self.turn_in(run.at[X] + (i * TURNED_ROWS) as u64, z.len() / pitch, block, z);
                }
            } else {
                for (i, z) in z.chunks_exact_mut(pitch).enumerate() {
                    self.gather(run.at[X] + i as u64 * run.step[X], &block.cols, z);
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

    /// The elements of one row.
    fn gather(&self, row: u64, cols: &Range<u64>, z: &mut [f32]) {
        let mut done = 0;
        for run in self.layout.cols.runs(cols.start, cols.end) {
            let (at, step, z) = (row + run.at[X], run.step[X] as usize, &mut z[done..][..run.len]);
            if step == 1 {
                widen(self.job.token, self.elements(at, run.len), z);
            } else {
                let x = self.elements(at, (run.len - 1) * step + 1);
                x.iter().step_by(step).zip(z).for_each(|(x, z)| *z = x.widen());
            }
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
                    let at = row + run.at[X] + (start + i) as u64 * run.step[X];
                    widen(self.job.token, self.elements(at, rows), &mut line[..rows]);
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
            .map_or(self.scale, |of_row| row_scale(self.scale, of_row.data[at[SCALE] as usize]));
        if scale != 1.0 {
            scale_all(self.job.token, z, scale);
        }
        self.add(&cols, at, row, z);
        self.hide(&cols, at, z);
    }

    /// Bias and ALiBi.
    fn add(&self, cols: &Range<u64>, at: &Offsets, row: u64, z: &mut [f32]) {
        if let Some(bias) = &self.masking.bias {
            let mut done = 0;
            for run in self.layout.cols.runs(cols.start, cols.end) {
                let (at, step) = ((at[BIAS] + run.at[BIAS]) as usize, run.step[BIAS] as usize);
                let z = &mut z[done..][..run.len];
                match bias.data {
                    Values::F32(bias) => bias_all(self.job.token, z, &bias[at..], step, |b| b),
                    Values::F16(bias) => {
                        bias_all(self.job.token, z, &bias[at..], step, crate::cpu::half::from_f16)
                    }
                    Values::BF16(bias) => {
                        bias_all(self.job.token, z, &bias[at..], step, crate::cpu::half::from_bf16)
                    }
                    Values::F64(bias) => bias_all(self.job.token, z, &bias[at..], step, |b| b as f32),
                }
                done += run.len;
            }
        }
        if let Some(slopes) = self.masking.alibi {
            let (q, head) = self.layout.position(row);
            let slope = slopes[if slopes.len() == 1 { 0 } else { head as usize }];
            let own = q as i64 + self.masking.window.map_or(0, |window| window.offset);
            for (col, z) in cols.clone().zip(z) {
                *z = biased(*z, alibi(slope, own.abs_diff(col as i64)));
            }
        }
    }

    /// The mask, last: whatever became of a hidden element is overwritten.
    fn hide(&self, cols: &Range<u64>, at: &Offsets, z: &mut [f32]) {
        let Some(mask) = &self.masking.mask else { return };
        let mut done = 0;
        for run in self.layout.cols.runs(cols.start, cols.end) {
            let (at, step) = ((at[MASK] + run.at[MASK]) as usize, run.step[MASK] as usize);
            let z = &mut z[done..][..run.len];
            match mask.data {
                MaskData::Bytes(mask) if step == 1 => {
                    hide_by_bytes(self.job.token, z, &mask[at..][..z.len()])
                }
                MaskData::Bytes(mask) => hide_by(z, |i| mask[at + i * step] != 0),
                MaskData::Bits(mask) => {
                    hide_by(z, |i| mask[(at + i * step) / 8] >> ((at + i * step) % 8) & 1 != 0)
                }
            }
            done += run.len;
        }
    }

    /// Input elements from a place on.
    fn elements(&self, at: u64, len: usize) -> &[X_] {
        // SAFETY: where input and output are one array, a block is read by the thread that writes it, and
        // before it is written; no slice outlives this stage.
        unsafe { self.x.slice(at, len) }
    }
}

fn widen<X: Element>(token: Level, x: &[X], z: &mut [f32]) {
    #[inline(always)]
    fn each<S: Simd, X: Element>(_: S, x: &[X], z: &mut [f32]) {
        for (z, x) in z.iter_mut().zip(x) {
            *z = x.widen();
        }
    }
    dispatch!(token, simd => each(simd, x, z));
}

fn turn_lines(token: Level, x: &[f32], pitch: usize, size: (usize, usize), z: &mut [f32], out_pitch: usize) {
    dispatch!(token, simd => turn(simd, x, pitch, size, z, out_pitch));
}

fn scale_all(token: Level, z: &mut [f32], scale: f32) {
    #[inline(always)]
    fn each<S: Simd>(_: S, z: &mut [f32], scale: f32) {
        z.iter_mut().for_each(|z| *z = scaled_by_row(*z, scale));
    }
    dispatch!(token, simd => each(simd, z, scale));
}

fn bias_all<B: Copy>(token: Level, z: &mut [f32], bias: &[B], step: usize, widen: impl Fn(B) -> f32 + Copy) {
    #[inline(always)]
    fn each<S: Simd, B: Copy>(_: S, z: &mut [f32], bias: &[B], widen: impl Fn(B) -> f32) {
        z.iter_mut().zip(bias).for_each(|(z, bias)| *z = biased(*z, widen(*bias)));
    }
    if step == 1 {
        dispatch!(token, simd => each(simd, z, bias, widen));
    } else {
        (0..).zip(z).for_each(|(i, z): (usize, _)| *z = biased(*z, widen(bias[i * step])));
    }
}

fn hide_by_bytes(token: Level, z: &mut [f32], mask: &[u8]) {
    #[inline(always)]
    fn each<S: Simd>(_: S, z: &mut [f32], mask: &[u8]) {
        for (z, part) in z.iter_mut().zip(mask) {
            *z = if *part != 0 { *z } else { MASKED };
        }
    }
    dispatch!(token, simd => each(simd, z, mask));
}

fn hide_by(z: &mut [f32], takes_part: impl Fn(usize) -> bool) {
    for (i, z) in z.iter_mut().enumerate() {
        *z = if takes_part(i) { *z } else { MASKED };
    }
}
