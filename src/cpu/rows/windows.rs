//! Kernel `windows`: rows of middling length of which windows or lengths leave a part, several at a time, from where
//! they lie to where results go. Rows that follow each other mostly see much the same elements. What any row of such a
//! group sees, in whole vectors, is computed for all of them; in those rows that do not see it, it is -inf.

use std::ops::Range;

use fearless_simd::prelude::*;

use super::finish::Maxima;
use super::groups::Before;
use super::spans::{ASKED, Ahead, Spans};
use super::sums::{Sums, of_near, of_windows};
use super::to::To;
use super::{GROUP, Job, SHORT_COLS};
use crate::cpu::dispatch::dispatch_math;
use crate::cpu::scratch;
use crate::cpu::simd::special::extremes_across;
use crate::cpu::simd::{MAX_LANES, Math, PerRow, from_rows, splat, splat_u};
use crate::numerics::NEG_INF_BITS;
pub(super) use see::fill_outside;
use see::{blank, see};
use write::write;

mod near;
mod see;
mod write;

/// Computes rows at the level of instructions of their job.
pub(super) fn compute(job: &Job, x: &[f32], y: &mut [f32], spans: Spans) {
    // The elements of a group, and the exponentials of the one before.
    scratch::with(2 * job.cols.max(GROUP), |scratch| {
        dispatch_math!(job, M, simd => run::<_, M>(simd, job, x, y, spans, scratch));
    });
}

/// Computes all rows of a part, each of at least one vector.
#[inline(always)]
fn run<S: Simd, M: Math<S>>(simd: S, job: &Job, x: &[f32], y: &mut [f32], spans: Spans, scratch: &mut [f32]) {
    let cols = job.cols;
    let mut to = To::new::<S>(job, Some(y));
    let mut groups = to.groups::<S>(job, x.len());
    // Whether rows leave scratch with what is outside of their windows.
    let whole = job.stream || job.op.kind.is_elementwise() && cols <= SHORT_COLS;
    let (here, waiting) = scratch.split_at_mut(cols.max(GROUP));
    let (mut here, mut waiting) = (Held::new(here, whole), Held::new(waiting, whole));
    let further = groups.ahead() / cols;
    let ahead = Ahead { floats: further * cols, spans: spans.at(further) };
    let mut before: Before<S, M> = (0..0, Maxima::EMPTY, Sums::none::<M>(simd));
    while let Some(range) = groups.next(&before.0) {
        let (x, spans) = (&x[range.clone()], spans.at(range.start / cols));
        if groups.apart {
            to.ask(range.len());
        }
        let coming = here.take::<S, M>(simd, job, x, spans);
        if !before.0.is_empty() {
            write::<S, M>(simd, job, &before, &mut waiting, &mut to);
        }
        if !groups.apart {
            to.ask(range.len());
        }
        let sums = here.sums::<S, M>(simd, job, &coming, x, &ahead.at(range.start / cols));
        before = (range, coming, sums);
        std::mem::swap(&mut here, &mut waiting);
    }
    to.finish();
}

/// What is computed of a row, at least a vector.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Window {
    #[inline(always)]
    pub(super) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// The rows of a group in scratch.
struct Held<'a> {
    z: &'a mut [f32],
    /// Whether what is outside of the windows is there too.
    whole: bool,
    windows: PerRow<Window>,
    /// Whether all windows are the same.
    alike: bool,
    /// The columns that may hold anything but what makes the results of elements that do not take part.
    used: Range<usize>,
}

impl<'a> Held<'a> {
    #[inline(always)]
    fn new(z: &'a mut [f32], whole: bool) -> Self {
        let windows = [Window { start: 0, end: 0 }; MAX_LANES];
        Self { z, whole, windows, alike: true, used: 0..usize::MAX }
    }

    /// Takes in a group's elements.
    #[inline(always)]
    fn take<S: Simd, M: Math<S>>(&mut self, simd: S, job: &Job, x: &[f32], spans: Spans) -> Maxima {
        if x.is_empty() {
            return Maxima::EMPTY;
        }
        let (cols, rows, outside) = (job.cols, x.len() / job.cols, splat(simd, job.outside()));
        self.choose::<S>(simd, job, spans, rows);
        let z = &mut self.z[..x.len()];
        let lowest = S::i32s::splat(simd, NEG_INF_BITS as i32);
        let (mut max, mut top) = ([lowest; MAX_LANES], [splat_u(simd, 0); MAX_LANES]);
        for (r, (x, z)) in x.chunks_exact(cols).zip(z.chunks_exact_mut(cols)).enumerate() {
            let window = self.windows[r].range();
            if self.whole && !self.alike {
                fill_outside(simd, z, &window, outside);
            }
            let from = spans.from[r].wrapping_sub(window.start as u32);
            let part = (from, spans.to[r] - spans.from[r]);
            (max[r], top[r]) = see(simd, job, &x[window.clone()], &mut z[window], part);
        }
        let windows = &self.windows;
        let seen = z.chunks_exact(cols).enumerate().map(
            #[inline(always)]
            |(r, z)| &z[windows[r].range()],
        );
        let (keys, least) = extremes_across(simd, &mut max, &mut top, rows, seen);
        Maxima::new::<S, M>(simd, keys, least)
    }

    /// Chooses the windows: one for all rows, where that is not much more than they see.
    #[inline(always)]
    fn choose<S: Simd>(&mut self, simd: S, job: &Job, spans: Spans, rows: usize) {
        let (n, cols) = (S::f32s::LEN, job.cols);
        let (window, own) = spans.union::<S>(simd, rows, cols);
        self.alike = rows == 1 || 2 * window.range().len().div_ceil(n) * rows <= 3 * own;
        if self.alike {
            self.windows = [window; MAX_LANES];
            if self.whole && (self.used.start < window.start || self.used.end > window.end) {
                blank(simd, job, &mut self.z[..rows * cols], self.used.clone(), window);
            }
            self.used = window.range();
            return;
        }
        for r in 0..rows {
            self.windows[r] = spans.window(r, n, cols);
        }
        self.used = 0..usize::MAX;
    }

    /// The exponentials and their sums.
    #[inline(always)]
    fn sums<S: Simd, M: Math<S>>(
        &mut self,
        simd: S,
        job: &Job,
        maxima: &Maxima,
        x: &[f32],
        ahead: &Ahead,
    ) -> Sums<S, M::Total> {
        if x.is_empty() {
            return Sums::none::<M>(simd);
        }
        let (cols, rows) = (job.cols, x.len() / job.cols);
        let apart = (x.as_ptr() as isize - self.z.as_ptr() as isize) / size_of::<f32>() as isize;
        let floats = ahead.floats.wrapping_add_signed(apart);
        let z = &mut self.z[..x.len()];
        if self.alike && cols <= SHORT_COLS && maxima.near.trailing_ones() as usize >= rows {
            let (window, ranges) = (self.windows[0].range(), M::row(simd, from_rows(simd, &maxima.values)));
            let sum = near::sums::<S, M::Holes>(simd, job, &ranges, maxima, z, &window, floats);
            return of_near::<S, M>(simd, job, &ranges, sum, window.len());
        }
        let (asked, floats) = if !self.alike && cols <= ASKED { (floats, 0) } else { (0, floats) };
        let next = Ahead { floats: asked, spans: ahead.spans };
        let job = &Job { holes: true, ..*job };
        of_windows::<S, M>(simd, job, maxima, z, &self.windows, (&next, floats))
    }
}
