//! The reproducible arithmetic: the stages' SIMD twins put together. `FORM` is one of those of the
//! exponential: rows whose elements all lie near their maximum get the same bits for less.

use fearless_simd::prelude::*;

use super::exp::{FAR, HOLES, NEAR, Range, exp, exp_many};
use super::sum::{Bins, ThreeBins};
use super::{Math, PerRow, WideTotal, from_rows, log, reciprocal, to_rows};
use crate::numerics::BIN_STEP;

/// Two bins: rows of at most `TWO_BIN_COLS` columns. Sums are in units of 2^-44.
pub(crate) struct Exact<const FORM: u8 = FAR>;

/// Three bins: longer rows. Sums are in units of 2^-66.
pub(crate) struct ExactLong<const FORM: u8 = FAR>;

impl<S: Simd, const FORM: u8> Math<S> for Exact<FORM> {
    type Near = Exact<NEAR>;
    type Holes = Exact<HOLES>;
    type Row = Range<S>;
    type Sum = Bins<S>;
    type Lanes = [S::u32s; 2];
    type Total = u64;
    const ZERO: u64 = 0;
    const ONE: u64 = 1 << (2 * BIN_STEP);
    const REACH: u32 = 2 * BIN_STEP - 24;
    // Exponentials are at least 2^-58, the sum at most 2^19, the low part of the reciprocal at least
    // 2^-48 of one over that: no product is below 2^-125.
    const NEAR: f32 = 40.0;

    #[inline(always)]
    fn row(simd: S, max: S::f32s) -> Range<S> {
        Range::new(simd, max)
    }

    #[inline(always)]
    fn lane(simd: S, rows: &Range<S>, _: &PerRow<f32>, lane: usize) -> Range<S> {
        rows.lane(simd, lane)
    }

    #[inline(always)]
    fn release(simd: S, row: &Range<S>) -> S::f32s {
        if FORM != FAR { row.release() } else { S::f32s::splat(simd, 1.0) }
    }

    #[inline(always)]
    fn exp(simd: S, x: S::f32s, row: &Range<S>) -> S::f32s {
        exp::<S, FORM>(simd, x, row)
    }

    #[inline(always)]
    fn exp_many<const U: usize, const R: usize>(
        simd: S,
        x: &[S::f32s; U],
        rows: &[Range<S>; R],
    ) -> [S::f32s; U] {
        exp_many::<S, FORM, U, R>(simd, x, rows)
    }

    #[inline(always)]
    fn empty(simd: S, row: &Range<S>) -> Bins<S> {
        if FORM != FAR { Bins::near(simd, row.unit) } else { Bins::new(simd) }
    }

    #[inline(always)]
    fn add(sum: &mut Bins<S>, e: S::f32s) {
        sum.add(e);
    }

    #[inline(always)]
    fn total(sum: Bins<S>, count: u32) -> u64 {
        sum.total(count)
    }

    #[inline(always)]
    fn held(sum: Bins<S>) -> [S::u32s; 2] {
        sum.bins
    }

    #[inline(always)]
    fn across(simd: S, rows: &Range<S>, lanes: &PerRow<[S::u32s; 2]>) -> Bins<S> {
        <Self as Math<S>>::empty(simd, rows).across(lanes)
    }

    #[inline(always)]
    fn lanes(sum: Bins<S>, count: u32) -> PerRow<u64> {
        sum.lanes(count)
    }

    #[inline(always)]
    fn merge(a: u64, b: u64) -> u64 {
        a + b
    }

    #[inline(always)]
    fn wide(total: u64) -> WideTotal {
        WideTotal::Units(u128::from(total) << BIN_STEP)
    }

    #[inline(always)]
    fn reciprocals(simd: S, totals: &PerRow<u64>) -> [S::f32s; 2] {
        reciprocal::reciprocals(simd, totals)
    }

    #[inline(always)]
    fn lane_reciprocals<const V: usize>(simd: S, sums: &[Bins<S>; V], count: u32) -> [[S::f32s; 2]; V] {
        let mut settled = [sums[0].settle(count); V];
        for v in 1..V {
            settled[v] = sums[v].settle(count);
        }
        reciprocal::lane_reciprocals(simd, &settled)
    }

    #[inline(always)]
    fn logs(simd: S, totals: &PerRow<u64>, max: S::f32s) -> [S::f32s; 2] {
        let mut unit = Bins::new(simd);
        unit.add(exp::<S, FAR>(simd, max, &Range::new(simd, max)));
        log::logs(simd, totals, &unit.lanes(1))
    }

    #[inline(always)]
    fn normalise(simd: S, e: S::f32s, by: &[S::f32s; 2]) -> S::f32s {
        reciprocal::normalise::<S, FORM>(simd, e, by)
    }
}

impl<S: Simd, const FORM: u8> Math<S> for ExactLong<FORM> {
    type Near = ExactLong<NEAR>;
    type Holes = ExactLong<HOLES>;
    type Row = Range<S>;
    type Sum = ThreeBins<S>;
    type Lanes = ();
    type Total = u128;
    const ZERO: u128 = 0;
    const ONE: u128 = 1 << (3 * BIN_STEP);
    const REACH: u32 = 3 * BIN_STEP - 24;
    // As with two bins, but the sum may be 2^41.
    const NEAR: f32 = 24.0;

    #[inline(always)]
    fn row(simd: S, max: S::f32s) -> Range<S> {
        Range::new(simd, max)
    }

    #[inline(always)]
    fn lane(simd: S, rows: &Range<S>, _: &PerRow<f32>, lane: usize) -> Range<S> {
        rows.lane(simd, lane)
    }

    #[inline(always)]
    fn release(simd: S, row: &Range<S>) -> S::f32s {
        if FORM != FAR { row.release() } else { S::f32s::splat(simd, 1.0) }
    }

    #[inline(always)]
    fn exp(simd: S, x: S::f32s, row: &Range<S>) -> S::f32s {
        exp::<S, FORM>(simd, x, row)
    }

    #[inline(always)]
    fn exp_many<const U: usize, const R: usize>(
        simd: S,
        x: &[S::f32s; U],
        rows: &[Range<S>; R],
    ) -> [S::f32s; U] {
        exp_many::<S, FORM, U, R>(simd, x, rows)
    }

    #[inline(always)]
    fn empty(simd: S, row: &Range<S>) -> ThreeBins<S> {
        if FORM != FAR { ThreeBins::near(simd, row.unit) } else { ThreeBins::new(simd) }
    }

    #[inline(always)]
    fn add(sum: &mut ThreeBins<S>, e: S::f32s) {
        sum.add(e);
    }

    #[inline(always)]
    fn total(sum: ThreeBins<S>, count: u32) -> u128 {
        sum.total(count)
    }

    fn held(_: ThreeBins<S>) {}

    fn across(_: S, _: &Range<S>, _: &PerRow<()>) -> ThreeBins<S> {
        unreachable!("long rows are summed one by one")
    }

    fn lanes(_: ThreeBins<S>, _: u32) -> PerRow<u128> {
        unreachable!("a row in a lane is short")
    }

    #[inline(always)]
    fn merge(a: u128, b: u128) -> u128 {
        a + b
    }

    #[inline(always)]
    fn wide(total: u128) -> WideTotal {
        WideTotal::Units(total)
    }

    fn reciprocals(_: S, _: &PerRow<u128>) -> [S::f32s; 2] {
        unreachable!("long rows are finished one by one")
    }

    fn lane_reciprocals<const V: usize>(_: S, _: &[ThreeBins<S>; V], _: u32) -> [[S::f32s; 2]; V] {
        unreachable!("a row in a lane is short")
    }

    fn logs(_: S, _: &PerRow<u128>, _: S::f32s) -> [S::f32s; 2] {
        unreachable!("long rows are finished one by one")
    }

    #[inline(always)]
    fn normalise(simd: S, e: S::f32s, by: &[S::f32s; 2]) -> S::f32s {
        reciprocal::normalise::<S, FORM>(simd, e, by)
    }
}

/// Log-sum-exp of several rows.
#[inline(always)]
pub(crate) fn log_sum_exps<S: Simd>(simd: S, max: &PerRow<f32>, log: &[S::f32s; 2]) -> PerRow<f32> {
    to_rows::<S>(log::log_sum_exp(simd, from_rows(simd, max), log))
}
