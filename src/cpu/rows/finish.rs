//! Between the two passes: what the maxima of several rows say, and results of one value per row.

use fearless_simd::prelude::*;

use super::Job;
use crate::cpu::reference::special_row;
use crate::cpu::simd::special::{Extremes, settle};
use crate::cpu::simd::{MAX_LANES, Math, PerRow, exact, from_rows, splat, splat_u, to_rows};
use crate::numerics::*;
use crate::{OpKind, RowMax, RowStats, RowSum};

/// A bit for each lane.
#[inline(always)]
fn lanes<S: Simd>() -> u64 {
    u64::MAX >> (64 - S::f32s::LEN)
}

/// The maxima of a vector of rows, one in each lane.
#[derive(Clone, Copy)]
pub(crate) struct LaneMaxima<S: Simd> {
    keys: S::i32s,
    /// As [`Maxima`] has them.
    pub(crate) values: S::f32s,
    special: u64,
    near: u64,
}

impl<S: Simd> LaneMaxima<S> {
    /// From the keys of the rows' maxima and their least elements.
    #[inline(always)]
    pub(crate) fn new<M: Math<S>>(simd: S, keys: S::i32s, least: S::f32s) -> Self {
        let lanes = lanes::<S>();
        let bits = keys ^ ((keys >> 31) & ABS_MASK as i32);
        let max: S::f32s = bits.bitcast();
        let size = bits.bitcast::<S::u32s>() & ABS_MASK;
        let finite = size.simd_lt(splat_u(simd, INF_BITS));
        let values = finite.select(settle(simd, max), splat(simd, 0.0));
        let small = size.simd_le(splat_u(simd, ANCHOR_LIMIT.to_bits()));
        let near = small & (values - least).simd_le(splat(simd, M::NEAR));
        Self { keys, values, special: !finite.to_bitmask() & lanes, near: near.to_bitmask() & lanes }
    }

    /// From what the lanes of some vectors have seen, each step for all of them.
    #[inline(always)]
    pub(crate) fn of_lanes<M: Math<S>, const V: usize>(simd: S, seen: &[Extremes<S>; V]) -> [Self; V] {
        let mut ends = [(seen[0].keys(simd), seen[0].least(simd)); V];
        for v in 1..V {
            ends[v] = (seen[v].keys(simd), seen[v].least(simd));
        }
        let mut maxima = [Self::new::<M>(simd, ends[0].0, ends[0].1); V];
        for v in 1..V {
            maxima[v] = Self::new::<M>(simd, ends[v].0, ends[v].1);
        }
        maxima
    }

    /// Whether all rows of some vectors are near.
    #[inline(always)]
    pub(crate) fn all_are_near(maxima: &[Self]) -> bool {
        let mut near = true;
        for maxima in maxima {
            near &= maxima.are_near();
        }
        near
    }

    /// Whether all rows of some vectors are near or special: the results of special ones are filled in last, so any
    /// arithmetic may make them before.
    #[inline(always)]
    pub(crate) fn all_are_near_or_special(maxima: &[Self]) -> bool {
        let mut near = true;
        for maxima in maxima {
            near &= maxima.near | maxima.special == lanes::<S>();
        }
        near
    }

    /// Whether all rows are near.
    #[inline(always)]
    pub(crate) fn are_near(&self) -> bool {
        self.near == lanes::<S>()
    }

    /// The same where a row is told by its number.
    #[inline(always)]
    pub(crate) fn rows(&self) -> Maxima {
        let mut keys = [0; MAX_LANES];
        self.keys.store_slice(&mut keys[..S::i32s::LEN]);
        Maxima { keys, values: to_rows::<S>(self.values), special: self.special, near: self.near }
    }

    /// As [`Maxima::settled`].
    #[inline(always)]
    pub(crate) fn settled<M: Math<S>>(&self, totals: PerRow<M::Total>) -> PerRow<M::Total> {
        if self.special == 0 && S::f32s::LEN == MAX_LANES {
            totals
        } else {
            self.rows().settled::<S, M>(totals)
        }
    }

    /// As [`Maxima::fill`].
    #[inline(always)]
    pub(crate) fn fill(&self, job: &Job, rows: usize, y: &mut [f32]) {
        if self.special != 0 {
            self.rows().fill_special(job, rows, y);
        }
    }

    /// The same where rows lie side by side, `pitch` floats from a line to the next.
    #[inline(always)]
    pub(crate) fn fill_lines(&self, job: &Job, rows: usize, lines: &mut [f32], pitch: usize) {
        if self.special != 0 {
            self.rows().fill_special_lines(job, rows, lines, pitch);
        }
    }
}

/// The maxima of up to a vector of rows.
pub(crate) struct Maxima {
    pub(crate) keys: PerRow<i32>,
    /// Settled; 0 for a special row.
    pub(crate) values: PerRow<f32>,
    /// Bits of the rows whose maximum is not finite: their results are one value, filled in last.
    pub(crate) special: u64,
    /// Bits of the near rows (`Math::Near`).
    pub(crate) near: u64,
}

impl Maxima {
    /// Of no rows.
    pub(crate) const EMPTY: Self =
        Self { keys: [0; MAX_LANES], values: [0.0; MAX_LANES], special: 0, near: 0 };

    /// From the keys of the rows' maxima and their least elements.
    #[inline(always)]
    pub(crate) fn new<S: Simd, M: Math<S>>(simd: S, keys: S::i32s, least: S::f32s) -> Self {
        LaneMaxima::new::<M>(simd, keys, least).rows()
    }

    #[inline(always)]
    pub(crate) fn is_near(&self, row: usize) -> bool {
        self.near >> row & 1 != 0
    }

    #[inline(always)]
    pub(crate) fn is_special(&self, row: usize) -> bool {
        self.special >> row & 1 != 0
    }

    /// The sums of rows as later steps can take them: special rows, and lanes without a row, have none.
    #[inline(always)]
    pub(crate) fn settled<S: Simd, M: Math<S>>(&self, mut totals: PerRow<M::Total>) -> PerRow<M::Total> {
        for (row, total) in totals.iter_mut().enumerate() {
            *total = if self.is_special(row) || row >= S::f32s::LEN { M::ONE } else { *total };
        }
        totals
    }

    /// The results of special rows, once everything else is done; `words` floats each.
    #[inline(always)]
    pub(crate) fn fill(&self, job: &Job, rows: usize, y: &mut [f32]) {
        if self.special != 0 {
            self.fill_special(job, rows, y);
        }
    }

    #[cold]
    #[inline(never)]
    fn fill_special(&self, job: &Job, rows: usize, y: &mut [f32]) {
        for (row, value) in self.special_values(job, rows) {
            y[row * job.words..][..job.words].fill(value);
        }
    }

    #[cold]
    #[inline(never)]
    fn fill_special_lines(&self, job: &Job, rows: usize, lines: &mut [f32], pitch: usize) {
        for (row, value) in self.special_values(job, rows) {
            lines[row..].iter_mut().step_by(pitch).for_each(|y| *y = value);
        }
    }

    /// What the results of a row are, if it is special.
    #[inline(always)]
    pub(crate) fn special_value(&self, job: &Job, row: usize) -> Option<f32> {
        if self.is_special(row) { self.value_of_special(job, row) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn value_of_special(&self, job: &Job, row: usize) -> Option<f32> {
        special_row(&job.op, RowMax::from_key(self.keys[row]))
    }

    /// What the results of special rows are.
    fn special_values(&self, job: &Job, rows: usize) -> impl Iterator<Item = (usize, f32)> {
        (0..rows).filter_map(|row| Some((row, self.special_value(job, row)?)))
    }
}

/// Whether elements between these are a near row's.
#[inline(always)]
pub(crate) fn is_near<S: Simd, M: Math<S>>(max: f32, least: f32) -> bool {
    max.abs() <= ANCHOR_LIMIT && max - least <= M::NEAR
}

/// Writes the results of an operation with one result per row.
#[inline(always)]
pub(crate) fn per_row<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    totals: &PerRow<M::Total>,
    y: &mut [f32],
) {
    if job.op.kind == OpKind::LogSumExp {
        let log = M::logs(simd, totals, from_rows(simd, &maxima.values));
        let values = exact::log_sum_exps(simd, &maxima.values, &log);
        y.copy_from_slice(&values[..y.len()]);
        maxima.fill(job, y.len(), y);
        return;
    }
    for (row, y) in y.chunks_exact_mut(RowStats::WORDS as usize).enumerate() {
        let units = if maxima.is_special(row) { 0 } else { M::wide(totals[row]).units() };
        let stats = RowStats::new(RowMax::from_key(maxima.keys[row]), RowSum::from_units(units));
        y.copy_from_slice(bytemuck::cast_slice(&[stats]));
    }
}
