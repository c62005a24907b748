//! The first pass over a group's rows: their exponentials and the sums of these.

use fearless_simd::prelude::*;

use super::Job;
use super::finish::Maxima;
use super::pass::{ELEMENTS, EXPONENTIALS, IN_PLACE, NOTHING, exp_sum, exp_sums};
use super::spans::Ahead;
use super::windows::Window;
use crate::OpKind;
use crate::cpu::simd::{MAX_LANES, Math, PerRow, from_rows, lanes_from, splat};

/// What the first pass says of a group's rows.
pub(super) struct Sums<S: Simd, T> {
    pub(super) totals: PerRow<T>,
    /// For softmax, what makes probabilities of the exponentials.
    pub(super) by: [S::f32s; 2],
}

impl<S: Simd, T: Copy> Sums<S, T> {
    /// Of no rows.
    #[inline(always)]
    pub(super) fn none<M: Math<S, Total = T>>(simd: S) -> Self {
        Self { totals: [M::ONE; _], by: [splat(simd, 0.0); 2] }
    }

    /// Of rows whose results `release` brings to their place.
    #[inline(always)]
    fn new<M: Math<S, Total = T>>(simd: S, job: &Job, totals: PerRow<T>, release: S::f32s) -> Self {
        let mut by = [splat(simd, 0.0); 2];
        if job.op.kind == OpKind::Softmax {
            let [high, low] = M::reciprocals(simd, &totals);
            by = [high * release, low * release];
        }
        Self { totals, by }
    }
}

/// Of the windows of a group's rows in scratch, whose exponentials take the elements' place; what `next` says of the
/// rows after them is asked for meanwhile.
#[inline(always)]
pub(super) fn of_windows<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    z: &mut [f32],
    windows: &PerRow<Window>,
    (next, ahead): (&Ahead, usize),
) -> Sums<S, M::Total> {
    let mut totals = [M::ONE; _];
    let ranges = M::row(simd, from_rows(simd, &maxima.values));
    let mut far = 0u64;
    for (r, z) in z.chunks_exact_mut(job.cols).enumerate() {
        next.ask(r, z);
        if !maxima.is_near(r) {
            far |= u64::from(!maxima.is_special(r)) << r;
            continue;
        }
        let row = M::lane(simd, &ranges, &maxima.values, r);
        totals[r] = near_sum::<S, M, true>(simd, job, &[], &row, &mut z[windows[r].range()], ahead);
    }
    // Not among the others: a call there would cost them registers.
    for (r, z) in z.chunks_exact_mut(job.cols).enumerate() {
        if far == 0 {
            break;
        }
        if far >> r & 1 != 0 {
            let row = M::lane(simd, &ranges, &maxima.values, r);
            totals[r] = far_sum::<S, M, true>(simd, job, &[], &row, &mut z[windows[r].range()], ahead);
        }
    }
    Sums::new::<M>(simd, job, totals, release::<S, M>(simd, maxima, &ranges, z.len() / job.cols))
}

/// What brings the results of rows to their place: those of near rows lie apart from it.
#[inline(always)]
fn release<S: Simd, M: Math<S>>(simd: S, maxima: &Maxima, ranges: &M::Row, rows: usize) -> S::f32s {
    let (near, mut release) = (M::Near::release(simd, ranges), splat(simd, 1.0));
    for r in 0..rows {
        if maxima.is_near(r) {
            release.as_mut_slice()[r] = near.as_slice()[r];
        }
    }
    release
}

/// The sum of a near row.
#[inline(always)]
fn near_sum<S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    x: &[f32],
    row: &M::Row,
    hold: &mut [f32],
    ahead: usize,
) -> M::Total {
    if Z && job.holes {
        row_sum::<S, M::Holes, Z>(simd, job, x, row, hold, ahead)
    } else {
        row_sum::<S, M::Near, Z>(simd, job, x, row, hold, ahead)
    }
}

/// As `row_sum`, for rows that are not near: a function of its own, since each kernel would hold it several times.
#[inline(never)]
fn far_sum<S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    x: &[f32],
    row: &M::Row,
    hold: &mut [f32],
    ahead: usize,
) -> M::Total {
    simd.vectorize(
        #[inline(always)]
        || row_sum::<S, M, Z>(simd, job, x, row, hold, ahead),
    )
}

#[inline(always)]
fn row_sum<S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    x: &[f32],
    row: &M::Row,
    hold: &mut [f32],
    ahead: usize,
) -> M::Total {
    let len = if Z { hold.len() } else { x.len() };
    let fresh = lanes_from(simd, S::f32s::LEN - len % S::f32s::LEN);
    match job.op.kind {
        OpKind::Softmax if Z => exp_sum::<S, M, IN_PLACE>(simd, x, row, fresh, hold, ahead),
        _ if Z => exp_sum::<S, M, NOTHING>(simd, hold, row, fresh, &mut [], ahead),
        OpKind::Softmax => exp_sum::<S, M, EXPONENTIALS>(simd, x, row, fresh, hold, ahead),
        OpKind::LogSoftmax => exp_sum::<S, M, ELEMENTS>(simd, x, row, fresh, hold, ahead),
        _ => exp_sum::<S, M, NOTHING>(simd, x, row, fresh, hold, ahead),
    }
}

/// Of the rows of a group; with `Z` their exponentials take the elements' place, and `x` is empty. Where all are near
/// and short they are taken two at a time: the exponentials of a short row alone are too few to fill a processor, and
/// what puts the lanes of a sum together is done once for all rows.
#[inline(always)]
pub(super) fn of_group<S: Simd, M: Math<S>, const Z: bool, const SHORT: bool>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    x: &[f32],
    hold: &mut [f32],
    ahead: usize,
) -> Sums<S, M::Total> {
    let rows = hold.len() / job.cols;
    if (maxima.near.trailing_ones() as usize) < rows {
        return mixed::<S, M, Z>(simd, job, maxima, x, hold, ahead);
    }
    let ranges = M::row(simd, from_rows(simd, &maxima.values));
    if SHORT {
        let sum = if Z && job.holes {
            near_sums::<S, M::Holes, Z>(simd, job, &ranges, maxima, x, hold, ahead)
        } else {
            near_sums::<S, M::Near, Z>(simd, job, &ranges, maxima, x, hold, ahead)
        };
        return of_near::<S, M>(simd, job, &ranges, sum, job.cols);
    }
    let mut totals = [M::ONE; _];
    for (r, total) in totals[..rows].iter_mut().enumerate() {
        let row = M::lane(simd, &ranges, &maxima.values, r);
        let (x, hold) = places::<Z>(job, x, hold, r);
        *total = near_sum::<S, M, Z>(simd, job, x, &row, hold, ahead);
    }
    Sums::new::<M>(simd, job, totals, M::Near::release(simd, &ranges))
}

/// A row's elements, if they are not where its exponentials go, and the place for these.
#[inline(always)]
fn places<'a, const Z: bool>(
    job: &Job,
    x: &'a [f32],
    hold: &'a mut [f32],
    row: usize,
) -> (&'a [f32], &'a mut [f32]) {
    let at = row * job.cols;
    (if Z { &[] } else { &x[at..][..job.cols] }, &mut hold[at..][..job.cols])
}

/// As [`of_group`], where some rows are not near: a function of its own, since kernels would hold it several times.
#[inline(never)]
fn mixed<S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    x: &[f32],
    hold: &mut [f32],
    ahead: usize,
) -> Sums<S, M::Total> {
    simd.vectorize(
        #[inline(always)]
        || {
            let mut totals = [M::ONE; _];
            let ranges = M::row(simd, from_rows(simd, &maxima.values));
            let rows = hold.len() / job.cols;
            for (r, total) in totals[..rows].iter_mut().enumerate() {
                let row = M::lane(simd, &ranges, &maxima.values, r);
                let (x, hold) = places::<Z>(job, x, hold, r);
                if maxima.is_near(r) {
                    *total = near_sum::<S, M, Z>(simd, job, x, &row, hold, ahead);
                } else if !maxima.is_special(r) {
                    *total = far_sum::<S, M, Z>(simd, job, x, &row, hold, ahead);
                }
            }
            Sums::new::<M>(simd, job, totals, release::<S, M>(simd, maxima, &ranges, rows))
        },
    )
}

/// What the sums of near rows say, of so many elements each.
#[inline(always)]
pub(super) fn of_near<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    ranges: &M::Row,
    sum: M::Sum,
    elements: usize,
) -> Sums<S, M::Total> {
    let elements = elements.next_multiple_of(S::f32s::LEN) as u32;
    if job.op.kind != OpKind::Softmax {
        return Sums { totals: M::lanes(sum, elements), by: [splat(simd, 0.0); 2] };
    }
    let [[high, low]] = M::lane_reciprocals(simd, &[sum], elements);
    let release = M::Near::release(simd, ranges);
    Sums { totals: [M::ONE; _], by: [high * release, low * release] }
}

/// As `row_sum`, of all rows.
#[inline(always)]
fn near_sums<S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    ranges: &M::Row,
    maxima: &Maxima,
    x: &[f32],
    hold: &mut [f32],
    ahead: usize,
) -> M::Sum {
    match job.op.kind {
        OpKind::Softmax if Z => pairs::<S, M, IN_PLACE>(simd, job, ranges, maxima, x, hold, ahead),
        _ if Z => pairs::<S, M, NOTHING>(simd, job, ranges, maxima, hold, &mut [], ahead),
        OpKind::Softmax => pairs::<S, M, EXPONENTIALS>(simd, job, ranges, maxima, x, hold, ahead),
        OpKind::LogSoftmax => pairs::<S, M, ELEMENTS>(simd, job, ranges, maxima, x, hold, ahead),
        _ => pairs::<S, M, NOTHING>(simd, job, ranges, maxima, x, &mut [], ahead),
    }
}

/// Each two rows side by side.
#[inline(always)]
fn pairs<S: Simd, M: Math<S>, const HOLD: u8>(
    simd: S,
    job: &Job,
    ranges: &M::Row,
    maxima: &Maxima,
    x: &[f32],
    hold: &mut [f32],
    ahead: usize,
) -> M::Sum {
    let (cols, n, max) = (job.cols, S::f32s::LEN, &maxima.values);
    let rows = x.len().max(hold.len()) / cols;
    let fresh = lanes_from(simd, n - cols % n);
    let mut lanes = [M::held(M::empty(simd, ranges)); MAX_LANES];
    let (read, held) = (if HOLD == IN_PLACE { 0 } else { cols }, if HOLD == NOTHING { 0 } else { cols });
    let pairs = rows / 2;
    for p in 0..pairs {
        let (a, b) = x[2 * p * read..][..2 * read].split_at(read);
        let (c, d) = hold[2 * p * held..][..2 * held].split_at_mut(held);
        let of_two = [M::lane(simd, ranges, max, 2 * p), M::lane(simd, ranges, max, 2 * p + 1)];
        [lanes[2 * p], lanes[2 * p + 1]] =
            exp_sums::<S, M, HOLD, 2>(simd, &[a, b], &mut [c, d], &of_two, fresh, ahead);
    }
    if !rows.is_multiple_of(2) {
        let (x, hold) = (&x[2 * pairs * read..][..read], &mut hold[2 * pairs * held..][..held]);
        let row = M::lane(simd, ranges, max, rows - 1);
        [lanes[rows - 1]] = exp_sums::<S, M, HOLD, 1>(simd, &[x], &mut [hold], &[row], fresh, ahead);
    }
    M::across(simd, ranges, &lanes)
}
