//! Where the results of groups of rows go.

use fearless_simd::prelude::*;

use super::finish::per_row;
use super::group::write;
use super::groups::{Before, Groups};
use super::past::{APIECE, Past, group_floats};
use super::windows::Window;
use super::{GROUP, Job};
use crate::cpu::simd::{Math, PerRow, map, map_in_place};
use crate::cpu::stream::ask_pages;

/// Where the results of a part's rows go.
#[allow(clippy::large_enum_variant, reason = "there is one, on the stack of the call")]
pub(super) enum To<'a> {
    /// Where the exponentials wait.
    Place,
    Slice(&'a mut [f32]),
    /// A slice that is written past the caches.
    Past(Past<'a>),
}

impl<'a> To<'a> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(job: &Job, y: Option<&'a mut [f32]>) -> Self {
        match y {
            Some(y) if job.stream => Self::Past(Past::new::<S>(y)),
            Some(y) => Self::Slice(y),
            None => Self::Place,
        }
    }

    /// The groups of rows that have so many elements in all.
    #[inline(always)]
    pub(super) fn groups<S: Simd>(&self, job: &Job, elements: usize) -> Groups {
        let cols = job.cols;
        match self {
            Self::Past(_) => Groups::new(elements, group_floats::<S>(cols), cols > GROUP),
            _ => Groups::new(elements, (GROUP / cols).clamp(1, S::f32s::LEN) * cols, false),
        }
    }

    /// Asks for the places of the next so many results.
    #[inline(always)]
    pub(super) fn ask(&self, floats: usize) {
        if let Self::Past(past) = self {
            ask_pages(past.next(floats));
        }
    }

    /// The results of a group, whose exponentials wait in `hold`.
    #[inline(always)]
    pub(super) fn write<S: Simd, M: Math<S>>(
        &mut self,
        simd: S,
        job: &Job,
        before: &Before<S, M>,
        hold: &mut [f32],
    ) {
        let (rows, maxima, sums) = before;
        let (cols, count) = (job.cols, rows.len() / job.cols);
        if !job.op.kind.is_elementwise() {
            return self.write_per_row::<S, M>(simd, job, before);
        }
        if let Self::Slice(y) = self {
            let y = &mut y[rows.clone()];
            write::<S, M>(simd, job, maxima, sums, hold.chunks_exact_mut(cols), Out::Slice(y));
            return maxima.fill(job, count, y);
        }
        let out = match self {
            Self::Past(past) if cols >= APIECE => Out::Past(past),
            _ => Out::Place,
        };
        write::<S, M>(simd, job, maxima, sums, hold.chunks_exact_mut(cols), out);
        match self {
            Self::Past(_) if cols >= APIECE => {}
            Self::Past(past) => {
                maxima.fill(job, count, hold);
                past.rows(simd, hold);
            }
            _ => maxima.fill(job, count, hold),
        }
    }

    /// The results of a group's rows, one of each.
    #[inline(always)]
    pub(super) fn write_per_row<S: Simd, M: Math<S>>(
        &mut self,
        simd: S,
        job: &Job,
        (rows, maxima, sums): &Before<S, M>,
    ) {
        // They are few: they neither go past the caches nor where exponentials wait.
        let Self::Slice(y) = self else { unreachable!("results of one per row have a slice") };
        let (first, count) = (rows.start / job.cols, rows.len() / job.cols);
        let y = &mut y[first * job.words..][..count * job.words];
        per_row::<S, M>(simd, job, maxima, &sums.totals, y);
    }

    /// What still waits after the last row.
    #[inline(always)]
    pub(super) fn finish(self) {
        if let Self::Past(past) = self {
            past.finish();
        }
    }
}

/// Where the results of a group go.
pub(super) enum Out<'a, 'b> {
    /// Where the exponentials are.
    Place,
    Slice(&'a mut [f32]),
    /// Each row's window of rows.
    Windows(&'a mut [f32], &'a PerRow<Window>),
    Past(&'a mut Past<'b>),
}

impl<'b> Out<'_, 'b> {
    /// The place of a row's results.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize, cols: usize) -> Row<'_, 'b> {
        match self {
            Out::Place => Row::Place,
            Out::Slice(y) => Row::Slice(&mut y[row * cols..][..cols]),
            Out::Windows(y, windows) => Row::Slice(&mut y[row * cols..][windows[row].range()]),
            Out::Past(past) => Row::Past(past),
        }
    }
}

/// Where the results of a row go.
pub(super) enum Row<'a, 'b> {
    Place,
    Slice(&'a mut [f32]),
    Past(&'a mut Past<'b>),
}

impl Row<'_, '_> {
    /// Writes the results there.
    #[inline(always)]
    pub(super) fn write<S: Simd>(self, simd: S, hold: &mut [f32], f: impl Fn(S::f32s) -> S::f32s) {
        match self {
            Row::Place => map_in_place(simd, hold, f),
            Row::Slice(y) => map(simd, hold, y, 0, f),
            Row::Past(past) => past.row(simd, hold, f),
        }
    }
}
