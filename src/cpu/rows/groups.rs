//! The order in which groups of rows go through their two passes.
//!
//! The extremes of a group come before the results of the one before. A processor waits at the end of either pass for
//! many lanes to become one number, and for the reciprocals of sums; it looks ahead far enough to do the other's
//! loads meanwhile.

use std::ops::Range;

use super::finish::Maxima;
use super::sums::Sums;
use crate::cpu::simd::Math;

/// A group whose results are still to be written: where its elements are, and what the first pass said.
pub(super) type Before<S, M> = (Range<usize>, Maxima, Sums<S, <M as Math<S>>::Total>);

/// Floats that are asked for beyond the next group, whose extremes are looked at before there was time to bring its
/// last ones.
const BEYOND: usize = 1024;

/// The groups of some rows, as ranges of their floats; where it says so, an empty one between any two, so that each
/// is finished before the next one; and an empty one at the end.
pub(super) struct Groups {
    at: usize,
    len: usize,
    group: usize,
    pub(super) apart: bool,
}

impl Groups {
    /// Of `len` floats, `group` in each.
    #[inline(always)]
    pub(super) fn new(len: usize, group: usize, apart: bool) -> Self {
        Self { at: 0, len, group, apart }
    }

    /// The next group, after the one at hand; that is empty at first.
    #[inline(always)]
    pub(super) fn next(&mut self, hand: &Range<usize>) -> Option<Range<usize>> {
        let start = self.at;
        if start == self.len && hand.is_empty() {
            return None;
        }
        if !self.apart || hand.is_empty() {
            self.at = self.len.min(start + self.group);
        }
        Some(start..self.at)
    }

    /// Floats from an element to what is asked for while it is computed.
    #[inline(always)]
    pub(super) fn ahead(&self) -> usize {
        if self.apart { self.group } else { self.group + self.group.min(BEYOND) }
    }
}
