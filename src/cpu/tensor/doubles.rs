//! Rows of f64: gathered one after the other with everything beside them, computed in f64, and put back.

use std::cell::RefCell;
use std::ops::Range;

use super::Task;
use super::walk::Offsets;
use crate::cpu::double::{self, alibi, biased, row_scale, scaled, scaled_by_row};
use crate::cpu::half::{from_bf16, from_f16};
use crate::dtype::{Element, Values};
use crate::masking::levels::{BIAS, INPUT, MASK, SCALES, SINKS};

thread_local! {
    static ROW: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Computes rows on this thread.
    pub(super) fn compute_doubles(&self, rows: Range<u64>) {
        let mut row = rows.start;
        ROW.with_borrow_mut(|z| {
            for run in self.layout.runs(rows) {
                for i in 0..run.len as u64 {
                    let at = std::array::from_fn(|o| run.at[o] + i * run.step[o]);
                    self.compute_double(row, &at, z);
                    row += 1;
                }
            }
        });
    }

    fn compute_double(&self, row: u64, at: &Offsets, z: &mut Vec<f64>) {
        let len = self.layout.len(row);
        z.clear();
        self.each_double(at[INPUT], len, |x| z.push(x.to_double()));
        self.mask_double(row, at, z);
        z.extend(self.masking.sinks.map(|sinks| double::widened(sinks.data[at[SINKS] as usize])));
        let result = double::row(&self.job.op, z);
        if !self.job.op.kind.is_elementwise() {
            self.put(row, Y::of_double(result));
            return;
        }
        let mut col = 0;
        for run in self.layout.cols.runs(0, len) {
            for i in 0..run.len as u64 {
                self.put(at[INPUT] + run.at[INPUT] + i * run.step[INPUT], Y::of_double(z[col]));
                col += 1;
            }
        }
    }

    fn each_double(&self, row: u64, len: u64, mut take: impl FnMut(X)) {
        for run in self.layout.cols.runs(0, len) {
            for i in 0..run.len as u64 {
                // SAFETY: the element is copied; its row is written later, by this thread.
                take(unsafe { self.elements(row + run.at[INPUT] + i * run.step[INPUT], 1) }[0]);
            }
        }
    }

    /// The stage `masking`, as for f32.
    fn mask_double(&self, row: u64, at: &Offsets, z: &mut [f64]) {
        let masking = self.masking;
        let visible = self.layout.visible(masking, row, at);
        let scale = masking.row_scale.map(|of_row| row_scale(self.scale, of_row.data[at[SCALES] as usize]));
        let slope = self.layout.slope(masking, at);
        let mut col = 0i64;
        for run in self.layout.cols.runs(0, z.len() as u64) {
            for i in 0..run.len as u64 {
                let z = &mut z[col as usize];
                let place = |operand: usize| (at[operand] + run.at[operand] + i * run.step[operand]) as usize;
                *z = scale.map_or_else(|| scaled(*z, self.scale), |scale| scaled_by_row(*z, scale));
                if let Some(bias) = &masking.bias {
                    *z = biased(*z, element(bias.data, place(BIAS)));
                }
                if let Some((slope, own)) = slope {
                    *z = biased(*z, alibi(slope, own.abs_diff(col)));
                }
                let part = masking.mask.is_none_or(|mask| mask.data.takes_part(place(MASK)));
                if !part || !visible.contains(&(col as u64)) {
                    *z = f64::NEG_INFINITY;
                }
                col += 1;
            }
        }
    }
}

fn element(of: Values, at: usize) -> f64 {
    match of {
        Values::F32(x) => double::widened(x[at]),
        Values::F16(x) => double::widened(from_f16(x[at])),
        Values::BF16(x) => double::widened(from_bf16(x[at])),
        Values::F64(x) => x[at],
    }
}
