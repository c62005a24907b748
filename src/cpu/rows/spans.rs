//! The elements of rows that a window or a length leaves: one range of each.

use fearless_simd::prelude::*;

use super::windows::Window;
use super::{Job, NARROW_COLS_FAST, SPANS_BLOCK};
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::{lanes_from, load, splat, splat_u, store};
use crate::numerics::NEG_INF_BITS;

/// The elements of each row that take part: from one on, to before another. Rows and a block of short rows
/// more have theirs, which are anything for what is no row.
#[derive(Clone, Copy)]
pub(crate) struct Spans<'a> {
    pub(crate) from: &'a [u32],
    pub(crate) to: &'a [u32],
}

/// Spans that there are beyond those of the rows: a block of short rows may hang over, and those of the next
/// block of longer ones, which is no more than this, say what is asked for meanwhile.
pub(crate) const BEYOND: usize = SPANS_BLOCK / NARROW_COLS_FAST;

impl<'a> Spans<'a> {
    /// Those of no rows.
    pub(crate) const NONE: Self = Self { from: &[], to: &[] };

    /// Those of the rows from one on.
    #[inline(always)]
    pub(crate) fn at(&self, row: usize) -> Self {
        Self { from: &self.from[row..], to: &self.to[row..] }
    }

    /// Where the last of so many rows' spans ends.
    #[inline(always)]
    pub(crate) fn last(&self, rows: usize) -> usize {
        let mut last = 0;
        for to in &self.to[..rows] {
            last = last.max(*to);
        }
        last as usize
    }

    /// Where the first spans begin and how long they are, one in each lane.
    #[inline(always)]
    pub(super) fn lanes<S: Simd>(&self, simd: S) -> (S::u32s, S::u32s) {
        let n = S::u32s::LEN;
        let (from, to) =
            (S::u32s::from_slice(simd, &self.from[..n]), S::u32s::from_slice(simd, &self.to[..n]));
        (from, to - from)
    }

    /// What any of up to a vector of rows sees, in whole vectors where rows are long enough; and how many vectors hold what
    /// each of them sees.
    #[inline(always)]
    pub(super) fn union<S: Simd>(&self, simd: S, rows: usize, cols: usize) -> (Window, usize) {
        let n = S::f32s::LEN;
        let (from, len) = self.lanes(simd);
        let none = splat_u(simd, 0);
        let len = lanes_from(simd, rows).select(none, len);
        let seen = len.simd_gt(none);
        let first = seen.select(from, splat_u(simd, cols as u32)).reduce_min() as usize;
        let last = seen.select(from + len, none).reduce_max() as usize;
        let vectors = (len + splat_u(simd, n as u32 - 1)) >> n.trailing_zeros();
        let own = lanes_from(simd, rows).select(none, vectors.max(splat_u(simd, 1))).reduce_sum() as usize;
        let len = last.saturating_sub(first);
        let len = len.next_multiple_of(n).clamp(n, cols);
        let start = first.min(cols - len);
        (Window { start, end: start + len }, own)
    }

    /// A row's span, or so many elements that hold it: kernels take no fewer than a vector.
    #[inline(always)]
    pub(super) fn window(&self, row: usize, least: usize, cols: usize) -> Window {
        let (from, to) = (self.from[row] as usize, self.to[row] as usize);
        if to - from >= least {
            return Window { start: from, end: to };
        }
        let start = from.min(cols - least);
        Window { start, end: start + least }
    }
}

/// The extremes of short rows, one in each lane: of what lies in their spans. What does not becomes -inf.
#[inline(always)]
pub(super) fn lane_extremes<S: Simd>(simd: S, job: &Job, spans: Spans, lanes: &mut [f32]) -> Extremes<S> {
    let n = S::f32s::LEN;
    let ((from, len), hidden) = (spans.lanes(simd), splat(simd, f32::from_bits(NEG_INF_BITS)));
    let mut seen = Extremes::new(simd);
    let mut column = splat_u(simd, 0) - from;
    for lanes in lanes.chunks_exact_mut(n) {
        let mut x = load(simd, lanes);
        if job.op.scale != 1.0 {
            x = scaled(simd, x, job.op.scale);
        }
        let x = column.simd_lt(len).select(x, hidden);
        store::<S>(x, lanes);
        seen.see::<true>(simd, x);
        column += splat_u(simd, 1);
    }
    seen
}
