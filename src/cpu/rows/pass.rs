//! The pass over a row that computes its exponentials and their sum.

use fearless_simd::prelude::*;

use crate::cpu::simd::{Math, load, splat, store};
use crate::cpu::stream::prefetch;
use crate::numerics::{FLUSH, NEG_INF_BITS};

/// What a pass leaves in scratch.
pub(crate) const NOTHING: u8 = 0;
/// The exponentials.
pub(crate) const EXPONENTIALS: u8 = 1;
/// The elements.
pub(crate) const ELEMENTS: u8 = 2;

#[inline(always)]
fn step<S: Simd, M: Math<S>, const HOLD: u8>(
    simd: S,
    x: S::f32s,
    row: &M::Row,
    sum: &mut M::Sum,
    hold: &mut [f32],
) {
    let e = M::exp(simd, x, row);
    M::add(sum, e);
    match HOLD {
        EXPONENTIALS => store::<S>(e, hold),
        ELEMENTS => store::<S>(x, hold),
        _ => {}
    }
}

/// The sum of a row's exponentials; `row` is its range. A row is at least one vector; `fresh` are
/// the lanes of its last, overlapping vector that no other one holds. What lies `ahead` floats
/// further is asked for meanwhile: this pass computes while the next one would wait for memory.
#[inline(always)]
pub(crate) fn exp_sum<S: Simd, M: Math<S>, const HOLD: u8>(
    simd: S,
    x: &[f32],
    row: &M::Row,
    fresh: S::mask32s,
    hold: &mut [f32],
    ahead: usize,
) -> M::Total {
    let (n, len) = (S::f32s::LEN, x.len());
    assert!(len >= n && (HOLD == NOTHING || hold.len() == len));
    let mut total = M::ZERO;
    let mut sum = M::empty(simd);
    let mut count = 0;
    if len % n != 0 {
        let last = load(simd, &x[len - n..]);
        // Lanes that other vectors hold count as -inf here; what is stored there is written anew.
        let only = fresh.select(last, splat(simd, f32::from_bits(NEG_INF_BITS)));
        step::<S, M, HOLD>(
            simd,
            only,
            row,
            &mut sum,
            if HOLD == NOTHING { &mut [] } else { &mut hold[len - n..] },
        );
        count = 1;
    }
    let whole = len - len % n;
    let mut start = 0;
    while start < whole {
        let end = whole.min(start + (FLUSH - 1) as usize * n);
        if HOLD == NOTHING {
            for x in x[start..end].chunks_exact(n) {
                prefetch(x, ahead);
                step::<S, M, HOLD>(simd, load(simd, x), row, &mut sum, &mut []);
            }
        } else {
            for (x, hold) in x[start..end].chunks_exact(n).zip(hold[start..end].chunks_exact_mut(n)) {
                prefetch(x, ahead);
                step::<S, M, HOLD>(simd, load(simd, x), row, &mut sum, hold);
            }
        }
        total = M::merge(total, M::total(sum, count + ((end - start) / n) as u32));
        (sum, count, start) = (M::empty(simd), 0, end);
    }
    total
}
