//! The elements of rows that a window or a length leaves, one range of each; and kernel `spans`, for such rows of
//! middling length that were brought to scratch, where their results go too before they become halves. What is
//! outside of a row's range is not computed. (From where they lie `windows` takes them, and short ones `few` and `narrow`.)

use fearless_simd::prelude::*;

use super::finish::per_row;
use super::group::{maxima, scale_in_place, write};
use super::sums::of_windows;
use super::to::Out;
use super::windows::{Window, fill_outside};
use super::{GROUP, Job, NARROW_COLS_FAST, SPANS_BLOCK};
use crate::cpu::dispatch::dispatch_math;
use crate::cpu::simd::special::{Extremes, scaled};
use crate::cpu::simd::{MAX_LANES, Math, lanes_from, load, splat, splat_u, store};
use crate::cpu::stream::{ask_pages, prefetch};
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

/// Up to here the elements of a row in the next block are asked for by its own span, all at once; of longer rows
/// those that lie as the ones at hand do, as these are computed.
pub(super) const ASKED: usize = 256;

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

/// Computes rows at the level of instructions of their job.
pub(super) fn compute(job: &Job, z: &mut [f32], y: Option<&mut [f32]>, spans: Spans) {
    dispatch_math!(job, M, simd => in_place::<_, M>(simd, job, z, y, spans));
}

/// Computes rows in the place of their elements. The results of operations with one per row go to `y`; those
/// of others too, if it is given.
#[inline(always)]
fn in_place<S: Simd, M: Math<S>>(simd: S, job: &Job, z: &mut [f32], mut y: Option<&mut [f32]>, spans: Spans) {
    let (pitch, words) = (job.cols, job.words);
    let group = (GROUP / pitch).clamp(1, S::f32s::LEN);
    let rows = z.len() / pitch;
    let (ahead, asked) = if job.cols <= ASKED { (0, job.ahead) } else { (job.ahead, 0) };
    let next = Ahead { floats: asked, spans: spans.at(rows) };
    for first in (0..rows).step_by(group) {
        let count = group.min(rows - first);
        let z = &mut z[first * pitch..(first + count) * pitch];
        let y = y.as_deref_mut().map(
            #[inline(always)]
            |y| &mut y[first * words..(first + count) * words],
        );
        rows_of_group::<S, M>(simd, &Job { ahead, ..*job }, z, y, spans.at(first), &next.at(first));
    }
}

/// The rows that are asked for while others are computed.
pub(super) struct Ahead<'a> {
    /// From a row in scratch to the one that is asked for; 0 where none is.
    pub(super) floats: usize,
    /// The spans of the rows asked for.
    pub(super) spans: Spans<'a>,
}

impl Ahead<'_> {
    #[inline(always)]
    pub(super) fn at(&self, row: usize) -> Self {
        Self { floats: self.floats, spans: self.spans.at(row) }
    }

    /// Asks for what takes part of the row that goes with this one.
    #[inline(always)]
    pub(super) fn ask(&self, row: usize, z: &[f32]) {
        if self.floats != 0 {
            let (from, to) = (self.spans.from[row] as usize, self.spans.to[row] as usize);
            for at in (from..to).step_by(16) {
                prefetch(z, self.floats.wrapping_add(at));
            }
        }
    }
}

#[inline(always)]
fn rows_of_group<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    z: &mut [f32],
    y: Option<&mut [f32]>,
    spans: Spans,
    next: &Ahead,
) {
    let (pitch, rows) = (job.cols, z.len() / job.cols);
    if let Some(y) = &y
        && job.stream
    {
        ask_pages(y);
    }
    let mut windows = [Window { start: 0, end: 0 }; MAX_LANES];
    let mut holes = job.holes;
    for (r, z) in z.chunks_exact_mut(pitch).enumerate() {
        windows[r] = spans.window(r, S::f32s::LEN, job.cols);
        let Window { start, end } = windows[r];
        let window = &mut z[start..end];
        scale_in_place(simd, job, window);
        let (before, after) = (spans.from[r] as usize - start, end - spans.to[r] as usize);
        if before + after > 0 {
            holes = true;
            window[..before].fill(f32::from_bits(NEG_INF_BITS));
            let end = window.len() - after;
            window[end..].fill(f32::from_bits(NEG_INF_BITS));
        }
    }
    let job = &Job { holes, ..*job };
    let maxima = maxima::<S, M, false>(
        simd,
        holes,
        z.chunks_exact(pitch).enumerate().map(
            #[inline(always)]
            |(r, z)| &z[windows[r].range()],
        ),
    );
    let sums = of_windows::<S, M>(simd, job, &maxima, z, &windows, (next, job.ahead));
    if !job.op.kind.is_elementwise() {
        return per_row::<S, M>(simd, job, &maxima, &sums.totals, y.expect("results of one per row"));
    }
    let of_windows = z.chunks_exact_mut(pitch).enumerate().map(
        #[inline(always)]
        |(r, z)| &mut z[windows[r].range()],
    );
    write::<S, M>(simd, job, &maxima, &sums, of_windows, Out::Place);
    for (r, z) in z.chunks_exact_mut(pitch).enumerate() {
        fill_outside(simd, z, &windows[r].range(), splat(simd, job.outside()));
    }
    maxima.fill(job, rows, z);
    if let Some(y) = y {
        job.copy_out(z, y);
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
