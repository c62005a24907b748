//! Results that go past the caches as they are computed. Such a store takes a whole vector at a multiple of its
//! size, and rows begin anywhere: the vector that two rows share waits for the second one.

use fearless_simd::prelude::*;

use super::GROUP;
use crate::cpu::simd::{MAX_LANES, load, store};
use crate::cpu::stream;

/// Vectors of results that are computed before they are stored.
const TOGETHER: usize = 4;
/// Shorter rows leave scratch together, since a vector that two rows share is computed for both.
pub(super) const APIECE: usize = 96;
/// Floats that a group may fill: measured, as all here (`docs/performance-cpu.md`), where 2048 is slower.
const FILL: usize = 1536;

/// Floats of a group's rows. Groups that are half a cache line more than whole ones are slower by a tenth to a
/// fifth, at most lengths measured; why is not known.
pub(super) fn group_floats<S: Simd>(cols: usize) -> usize {
    let most = (FILL / cols).max(1);
    let is_slow = most * cols % 16 == 8;
    let rows = match most {
        1 if is_slow && 2 * cols <= GROUP => 2,
        2.. if is_slow => most - 1,
        _ => most,
    };
    rows.min(S::f32s::LEN) * cols
}

/// The results of rows one after the other.
pub(super) struct Past<'a> {
    /// Where those go that are not there yet; it begins with the ones that wait.
    y: &'a mut [f32],
    /// From `MAX_LANES` on what waits for the rest of its vector.
    edge: [f32; 3 * MAX_LANES],
    /// Lanes of that vector that are filled.
    filled: usize,
    /// Lanes of it that lie before the first result.
    foreign: usize,
}

impl<'a> Past<'a> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(y: &'a mut [f32]) -> Self {
        let foreign = y.as_ptr() as usize / 4 % S::f32s::LEN;
        Self { y, edge: [0.0; _], filled: foreign, foreign }
    }

    /// A row of at least one vector.
    #[inline(always)]
    pub(super) fn row<S: Simd>(&mut self, simd: S, hold: &[f32], f: impl Fn(S::f32s) -> S::f32s) {
        let (n, len) = (S::f32s::LEN, hold.len());
        assert!(len >= n);
        let mut at = 0;
        let mut edge = None;
        if self.filled > 0 {
            store::<S>(f(load(simd, hold)), &mut self.edge[MAX_LANES + self.filled..]);
            at = n - self.filled;
            edge = Some(self.take(n - self.foreign));
        }
        let whole = (len - at) / n * n;
        vectors(simd, &hold[at..at + whole], self.take(whole), &f);
        // Last, since a load of what two stores wrote waits for both.
        if let Some(edge) = edge {
            self.send_edge(simd, edge);
        }
        self.filled = len - at - whole;
        if self.filled > 0 {
            store::<S>(f(load(simd, &hold[len - n..])), &mut self.edge[MAX_LANES + self.filled - n..]);
        }
    }

    /// Results that are made already.
    #[inline(always)]
    pub(super) fn rows<S: Simd>(&mut self, simd: S, y: &[f32]) {
        self.row(
            simd,
            y,
            #[inline(always)]
            |y| y,
        );
    }

    /// The vector that two rows share, or the first row's part of one.
    #[inline(always)]
    fn send_edge<S: Simd>(&mut self, simd: S, y: &mut [f32]) {
        let (n, foreign) = (S::f32s::LEN, self.foreign);
        let edge = &self.edge[MAX_LANES..][..n];
        if foreign == 0 {
            stream::store::<S, 1>(&[load(simd, edge)], y);
        } else {
            y.copy_from_slice(&edge[foreign..]);
            self.foreign = 0;
        }
    }

    /// Where the next so many results will be.
    #[inline(always)]
    pub(super) fn next(&self, floats: usize) -> &[f32] {
        &self.y[..floats]
    }

    #[inline(always)]
    fn take(&mut self, floats: usize) -> &'a mut [f32] {
        let (here, rest) = std::mem::take(&mut self.y).split_at_mut(floats);
        self.y = rest;
        here
    }

    /// What still waits after the last row.
    #[inline(always)]
    pub(super) fn finish(self) {
        self.y.copy_from_slice(&self.edge[MAX_LANES..][..self.filled]);
    }
}

#[inline(always)]
fn vectors<S: Simd>(simd: S, hold: &[f32], y: &mut [f32], f: &impl Fn(S::f32s) -> S::f32s) {
    let n = S::f32s::LEN;
    let mut at = 0;
    while hold.len() - at >= TOGETHER * n {
        some::<S, TOGETHER>(simd, &hold[at..], &mut y[at..], f);
        at += TOGETHER * n;
    }
    while at < hold.len() {
        some::<S, 1>(simd, &hold[at..], &mut y[at..], f);
        at += n;
    }
}

#[inline(always)]
fn some<S: Simd, const U: usize>(simd: S, hold: &[f32], y: &mut [f32], f: &impl Fn(S::f32s) -> S::f32s) {
    let n = S::f32s::LEN;
    let (hold, y) = (&hold[..U * n], &mut y[..U * n]);
    let mut v = [f(load(simd, hold)); U];
    for i in 1..U {
        v[i] = f(load(simd, &hold[i * n..]));
    }
    stream::store::<S, U>(&v, y);
}

#[cfg(test)]
mod tests;
