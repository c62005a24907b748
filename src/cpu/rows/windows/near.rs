//! The sums of short near rows that have one window: so many rows side by side that their exponentials fill a processor.

use std::ops::Range;

use fearless_simd::prelude::*;

use crate::OpKind;
use crate::cpu::rows::Job;
use crate::cpu::rows::finish::Maxima;
use crate::cpu::rows::pass::{IN_PLACE, NOTHING, exp_sums};
use crate::cpu::simd::{MAX_LANES, Math, PerRow, lanes_from, load, splat, store};
use crate::cpu::stream::prefetch;

/// Rows in scratch, with what is computed of each.
struct Rows<'a> {
    z: &'a mut [f32],
    cols: usize,
    window: Range<usize>,
    /// Floats to what is asked for.
    ahead: usize,
}

/// The sums of the exponentials in rows' windows; for softmax these take the elements' place.
#[inline(always)]
pub(super) fn sums<S: Simd, M: Math<S>>(
    simd: S,
    job: &Job,
    ranges: &M::Row,
    maxima: &Maxima,
    z: &mut [f32],
    window: &Range<usize>,
    ahead: usize,
) -> M::Sum {
    let rows = Rows { z, cols: job.cols, window: window.clone(), ahead };
    if job.op.kind == OpKind::Softmax {
        rows.sums::<S, M, IN_PLACE>(simd, ranges, &maxima.values)
    } else {
        rows.sums::<S, M, NOTHING>(simd, ranges, &maxima.values)
    }
}

impl Rows<'_> {
    #[inline(always)]
    fn sums<S: Simd, M: Math<S>, const HOLD: u8>(
        mut self,
        simd: S,
        ranges: &M::Row,
        max: &PerRow<f32>,
    ) -> M::Sum {
        let (n, len) = (S::f32s::LEN, self.window.len());
        let mut lanes = [M::held(M::empty(simd, ranges)); MAX_LANES];
        let mut done = 0;
        if len == n {
            done = self.tiles::<S, M, HOLD, 8, 8>(simd, ranges, max, &mut lanes);
        } else if len == 2 * n {
            done = self.tiles::<S, M, HOLD, 8, 4>(simd, ranges, max, &mut lanes);
        } else if len == 3 * n {
            done = self.tiles::<S, M, HOLD, 6, 2>(simd, ranges, max, &mut lanes);
        }
        self.pairs::<S, M, HOLD>(simd, ranges, max, done, &mut lanes);
        M::across(simd, ranges, &lanes)
    }

    /// Each `R` rows, of `U` vectors in all; says how many rows that are.
    #[inline(always)]
    fn tiles<S: Simd, M: Math<S>, const HOLD: u8, const U: usize, const R: usize>(
        &mut self,
        simd: S,
        ranges: &M::Row,
        max: &PerRow<f32>,
        lanes: &mut PerRow<M::Lanes>,
    ) -> usize {
        let (n, each) = (S::f32s::LEN, U / R);
        let mut first = 0;
        for z in self.z.chunks_exact_mut(R * self.cols) {
            let mut v = [splat(simd, 0.0); U];
            let mut rows = [*ranges; R];
            for r in 0..R {
                let z = &z[r * self.cols..][self.window.clone()];
                rows[r] = M::lane(simd, ranges, max, first + r);
                for i in 0..each {
                    v[r * each + i] = load(simd, &z[i * n..]);
                    prefetch(&z[i * n..], self.ahead);
                }
                // What the next rows see may be a vector more.
                prefetch(z, self.ahead.wrapping_add(each * n));
            }
            let e = M::exp_many::<U, R>(simd, &v, &rows);
            for r in 0..R {
                let mut sum = M::empty(simd, &rows[r]);
                for i in 0..each {
                    M::add(&mut sum, e[r * each + i]);
                    if HOLD == IN_PLACE {
                        let z = &mut z[r * self.cols..][self.window.clone()];
                        store::<S>(e[r * each + i], &mut z[i * n..]);
                    }
                }
                lanes[first + r] = M::held(sum);
            }
            first += R;
        }
        first
    }

    /// Each two rows from one on, and the last one by itself.
    #[inline(always)]
    fn pairs<S: Simd, M: Math<S>, const HOLD: u8>(
        &mut self,
        simd: S,
        ranges: &M::Row,
        max: &PerRow<f32>,
        mut row: usize,
        lanes: &mut PerRow<M::Lanes>,
    ) {
        let (n, ahead) = (S::f32s::LEN, self.ahead);
        let fresh = lanes_from(simd, n - self.window.len() % n);
        let mut pairs = self.z[row * self.cols..].chunks_exact_mut(2 * self.cols);
        for pair in &mut pairs {
            let (a, b) = pair.split_at_mut(self.cols);
            let (a, b) = (&mut a[self.window.clone()], &mut b[self.window.clone()]);
            prefetch(a, ahead.wrapping_add(a.len()));
            prefetch(b, ahead.wrapping_add(b.len()));
            let of_two = [M::lane(simd, ranges, max, row), M::lane(simd, ranges, max, row + 1)];
            [lanes[row], lanes[row + 1]] = if HOLD == IN_PLACE {
                exp_sums::<S, M, HOLD, 2>(simd, &[&[], &[]], &mut [a, b], &of_two, fresh, ahead)
            } else {
                exp_sums::<S, M, HOLD, 2>(simd, &[a, b], &mut [&mut [], &mut []], &of_two, fresh, ahead)
            };
            row += 2;
        }
        let last = pairs.into_remainder();
        if last.is_empty() {
            return;
        }
        let (z, of_one) = (&mut last[self.window.clone()], [M::lane(simd, ranges, max, row)]);
        [lanes[row]] = if HOLD == IN_PLACE {
            exp_sums::<S, M, HOLD, 1>(simd, &[&[]], &mut [z], &of_one, fresh, ahead)
        } else {
            exp_sums::<S, M, HOLD, 1>(simd, &[z], &mut [&mut []], &of_one, fresh, ahead)
        };
    }
}
