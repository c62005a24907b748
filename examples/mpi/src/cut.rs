//! Who holds what: consecutive parts of nearly one size.

use std::ops::Range;

/// The part of `whole` things that one of `ranks` holds.
pub fn part(whole: usize, rank: usize, ranks: usize) -> Range<usize> {
    let start = |rank| (whole as u128 * rank as u128 / ranks as u128) as usize;
    start(rank)..start(rank + 1)
}
