//! The first pass over a group's rows: their exponentials and the sums of these.

use fearless_simd::prelude::*;

use super::Job;
use super::finish::Maxima;
use super::pass::{ELEMENTS, EXPONENTIALS, IN_PLACE, NOTHING, exp_sum, exp_sums};
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

/// Of rows, and where their exponentials go. With `Z` that is where the elements are, and the rows are empty.
#[inline(always)]
pub(super) fn sums<'a, S: Simd, M: Math<S>, const Z: bool>(
    simd: S,
    job: &Job,
    maxima: &Maxima,
    rows: impl Iterator<Item = (&'a [f32], &'a mut [f32])>,
    ahead: usize,
) -> Sums<S, M::Total> {
    let mut totals = [M::ONE; _];
    let ranges = M::row(simd, from_rows(simd, &maxima.values));
    let (near, mut release) = (M::Near::release(simd, &ranges), splat(simd, 1.0));
    for (r, (x, hold)) in rows.enumerate() {
        if maxima.is_special(r) {
            continue;
        }
        let row = M::lane(simd, &ranges, &maxima.values, r);
        if maxima.is_near(r) {
            totals[r] = if Z && job.holes {
                row_sum::<S, M::Holes, Z>(simd, job, x, &row, hold, ahead)
            } else {
                row_sum::<S, M::Near, Z>(simd, job, x, &row, hold, ahead)
            };
            release.as_mut_slice()[r] = near.as_slice()[r];
        } else {
            totals[r] = far_sum::<S, M, Z>(simd, job, x, &row, hold, ahead);
        }
    }
    Sums::new::<M>(simd, job, totals, release)
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

/// The same for rows of one length. Where all are near and short they are taken two at a time: the exponentials
/// of a short row alone are too few to fill a processor, and what puts the lanes of a sum together is done once
/// for all rows.
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
    for r in 0..rows {
        let row = M::lane(simd, &ranges, &maxima.values, r);
        let hold = &mut hold[r * job.cols..][..job.cols];
        let x = if Z { &[] } else { &x[r * job.cols..][..job.cols] };
        totals[r] = if Z && job.holes {
            row_sum::<S, M::Holes, Z>(simd, job, x, &row, hold, ahead)
        } else {
            row_sum::<S, M::Near, Z>(simd, job, x, &row, hold, ahead)
        };
    }
    Sums::new::<M>(simd, job, totals, M::Near::release(simd, &ranges))
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
    let cols = job.cols;
    simd.vectorize(
        #[inline(always)]
        || {
            if Z {
                sums::<S, M, Z>(simd, job, maxima, in_their_place(hold, cols), ahead)
            } else {
                sums::<S, M, Z>(
                    simd,
                    job,
                    maxima,
                    x.chunks_exact(cols).zip(hold.chunks_exact_mut(cols)),
                    ahead,
                )
            }
        },
    )
}

/// Rows whose exponentials take the elements' place, as [`sums`] takes them.
#[inline(always)]
fn in_their_place(z: &mut [f32], cols: usize) -> impl Iterator<Item = (&[f32], &mut [f32])> {
    z.chunks_exact_mut(cols).map(
        #[inline(always)]
        |z| (&[][..], z),
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
