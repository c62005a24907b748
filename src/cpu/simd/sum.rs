//! Stage `sum` in SIMD: exponentials split on fixed grids and added as integers.

use fearless_simd::prelude::*;

use super::{MAX_LANES, PerRow, across, splat, splat_u};
use crate::numerics::*;

/// The first two bins of each lane, with the grids' constants still in them.
#[derive(Clone, Copy)]
pub(crate) struct Bins<S: Simd> {
    pub(crate) bins: [S::u32s; 2],
    /// What is added to round to the first grid and to the second.
    coarse: S::f32s,
    fine: S::f32s,
}

impl<S: Simd> Bins<S> {
    /// For exponentials held times 2^64.
    #[inline(always)]
    pub(crate) fn new(simd: S) -> Self {
        Self::of(splat_u(simd, 0), splat(simd, BIN_1), splat(simd, BIN_2))
    }

    /// For exponentials held times `unit`, a power of two.
    #[inline(always)]
    pub(crate) fn near(simd: S, unit: S::f32s) -> Self {
        Self::of(splat_u(simd, 0), unit * (BIN_1 * RELEASE), unit * (BIN_2 * RELEASE))
    }

    #[inline(always)]
    fn of(zero: S::u32s, coarse: S::f32s, fine: S::f32s) -> Self {
        Self { bins: [zero; 2], coarse, fine }
    }

    /// Adds an exponential per lane; what is left of it below the second grid comes back.
    #[inline(always)]
    pub(crate) fn add(&mut self, e: S::f32s) -> S::f32s {
        let coarse = e + self.coarse;
        let rest = e - (coarse - self.coarse);
        let fine = rest + self.fine;
        self.bins[0] += coarse.bitcast::<S::u32s>();
        self.bins[1] += fine.bitcast::<S::u32s>();
        rest - (fine - self.fine)
    }

    /// The bins of rows that were in all lanes of one sum each, one row in each lane.
    #[inline(always)]
    pub(crate) fn across(mut self, lanes: &PerRow<[S::u32s; 2]>) -> Self {
        for (i, bin) in self.bins.iter_mut().enumerate() {
            let mut rows = [*bin; MAX_LANES];
            for (row, lanes) in rows.iter_mut().zip(lanes) {
                *row = lanes[i];
            }
            *bin = across::<S, S::u32s>(
                &mut rows,
                #[inline(always)]
                |a, b| a + b,
            );
        }
        self
    }

    /// The bins as integers, after `count` exponentials per lane.
    #[inline(always)]
    pub(crate) fn settle(self, count: u32) -> (S::u32s, S::i32s) {
        let first = self.bins[0] - self.coarse.bitcast::<S::u32s>() * count;
        let second = self.bins[1] - self.fine.bitcast::<S::u32s>() * count;
        (first, second.bitcast())
    }

    /// The sum of all lanes, which hold exponentials of one row, in units of 2^-44.
    #[inline(always)]
    pub(crate) fn total(self, count: u32) -> u64 {
        let elements = count * S::u32s::LEN as u32;
        // FLUSH elements fit 32 bits, whichever lanes they came from; the constants, which are the same
        // in every lane, come off last.
        if elements <= FLUSH {
            let [coarse, fine] = [self.coarse, self.fine].map(
                #[inline(always)]
                |v| v.as_slice()[0].to_bits().wrapping_mul(elements),
            );
            let a = self.bins[0].reduce_sum().wrapping_sub(coarse);
            let b = self.bins[1].reduce_sum().wrapping_sub(fine) as i32;
            return (u64::from(a) << BIN_STEP).wrapping_add(i64::from(b) as u64);
        }
        let (first, second) = self.settle(count);
        let a: u64 = first
            .as_slice()
            .iter()
            .map(
                #[inline(always)]
                |a| u64::from(*a),
            )
            .sum();
        let b: i64 = second
            .as_slice()
            .iter()
            .map(
                #[inline(always)]
                |b| i64::from(*b),
            )
            .sum();
        (a << BIN_STEP).wrapping_add(b as u64)
    }

    /// The sum of each lane in units of 2^-44.
    #[inline(always)]
    pub(crate) fn lanes(self, count: u32) -> PerRow<u64> {
        let (first, second) = self.settle(count);
        let mut lanes = [0; MAX_LANES];
        for ((t, a), b) in lanes.iter_mut().zip(first.as_slice()).zip(second.as_slice()) {
            *t = (u64::from(*a) << BIN_STEP).wrapping_add(i64::from(*b) as u64);
        }
        lanes
    }
}

/// All three bins, for rows of more than `TWO_BIN_COLS` columns.
#[derive(Clone, Copy)]
pub(crate) struct ThreeBins<S: Simd> {
    upper: Bins<S>,
    third: S::u32s,
    finest: S::f32s,
}

impl<S: Simd> ThreeBins<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S) -> Self {
        Self { upper: Bins::new(simd), third: splat_u(simd, 0), finest: splat(simd, BIN_3) }
    }

    /// For exponentials held times `unit`, a power of two.
    #[inline(always)]
    pub(crate) fn near(simd: S, unit: S::f32s) -> Self {
        let finest = unit * (BIN_3 * RELEASE);
        Self { upper: Bins::near(simd, unit), third: splat_u(simd, 0), finest }
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, e: S::f32s) {
        let last = self.upper.add(e) + self.finest;
        self.third += last.bitcast::<S::u32s>();
    }

    /// The sum of all lanes in units of 2^-66.
    #[inline(always)]
    pub(crate) fn total(self, count: u32) -> u128 {
        let third: S::i32s = (self.third - self.finest.bitcast::<S::u32s>() * count).bitcast();
        let low: i64 = third
            .as_slice()
            .iter()
            .map(
                #[inline(always)]
                |c| i64::from(*c),
            )
            .sum();
        (u128::from(self.upper.total(count)) << BIN_STEP).wrapping_add(low as u128)
    }
}
