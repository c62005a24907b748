//! What counts by the positions of queries and keys: the last two axes of an array, rows along the last.

use crate::{Error, Shape};

/// Columns that take part by their distance from a row's own position, without a mask in memory: in an
/// array of queries by keys (the last two axes, rows along the last), query `q` sees the keys from
/// `q + offset - before` to `q + offset + after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Window {
    /// Keys before a query's own position that it sees; all where `None`.
    pub before: Option<u64>,
    /// Keys after it; all where `None`.
    pub after: Option<u64>,
    /// The position of the first query among the keys: 0 where both begin together, the keys less the
    /// queries where both end together, as with a cache of earlier keys.
    pub offset: i64,
}

impl Window {
    /// Every query sees its own position and all before it.
    pub fn causal() -> Self {
        Self { before: None, after: Some(0), offset: 0 }
    }

    /// Every query sees the last `size` positions, its own the last of them.
    pub fn sliding(size: u64) -> Self {
        let before = Some(size.saturating_sub(1));
        Self { before, after: Some(0), offset: 0 }
    }

    /// Every query sees so many keys before its own position and after it; `None` is all.
    pub fn around(before: Option<u64>, after: Option<u64>) -> Self {
        Self { before, after, offset: 0 }
    }

    /// With the first query at this position among the keys.
    #[must_use]
    pub fn offset(mut self, offset: i64) -> Self {
        self.offset = offset;
        self
    }

    /// The first position that query `q` sees and the one behind its last, where there are such bounds. Those of
    /// the next query are one further each. Bounds far beyond any position are cut to 2^48.
    pub(crate) fn bounds(&self, q: u64) -> [Option<i64>; 2] {
        const FAR: i128 = 1 << 48;
        let own = i128::from(q) + i128::from(self.offset);
        let near = |at: i128| at.clamp(-FAR, FAR) as i64;
        let first = self.before.map(|before| near(own - i128::from(before)));
        [first, self.after.map(|after| near(own + i128::from(after) + 1))]
    }

    /// The columns, of so many, that query `q` sees.
    pub(crate) fn columns(&self, q: u64, cols: u64) -> std::ops::Range<u64> {
        let [first, end] = self.bounds(q);
        let bound = |at: i64| at.clamp(0, cols as i64) as u64;
        let (first, end) = (first.map_or(0, bound), end.map_or(cols, bound));
        first..end.max(first)
    }
}

/// Whether a shape has what windows, and so many slopes of ALiBi, count by.
///
/// # Errors
/// [`Error::Axis`] where rows run along another axis than the last, [`Error::Length`] where the slopes
/// are not as many as the third axis from the end.
pub(crate) fn check_positions(shape: Shape, window: bool, slopes: Option<u64>) -> Result<(), Error> {
    let rank = shape.rank();
    let is_last = rank > 0 && (0..rank).all(|axis| shape.is_reduced(axis) == (axis + 1 == rank));
    if (window || slopes.is_some()) && !is_last {
        let why =
            "causal masks, windows and ALiBi count keys along the last axis; let rows run along it alone"
                .into();
        return Err(Error::Axis { axis: -1, rank, why });
    }
    let heads = if rank >= 3 { shape.dims()[rank - 3] } else { 1 };
    match slopes {
        Some(found) if found != 1 && found != heads => {
            Err(Error::Length { operand: "ALiBi slopes", needed: heads, found })
        }
        _ => Ok(()),
    }
}

/// ALiBi's slopes for so many heads: 2^(-8/n), 2^(-16/n), ... where n is a power of two; else those of
/// the power of two below, then every other one of twice that (Press, Smith, Lewis, 2022).
pub fn alibi_slopes(heads: usize) -> Vec<f32> {
    let series = |n: usize| (1..=n).map(move |i| libm::exp2(-8.0 * i as f64 / n as f64) as f32);
    let below = if heads.is_power_of_two() { heads } else { heads.next_power_of_two() / 2 };
    series(below.max(1)).chain(series(2 * below.max(1)).step_by(2)).take(heads).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_cut_at_the_row() {
        assert_eq!(Window::causal().columns(0, 5), 0..1);
        assert_eq!(Window::causal().columns(9, 5), 0..5);
        assert_eq!(Window::causal().offset(-3).columns(1, 5), 0..0);
        assert_eq!(Window::causal().offset(2).columns(1, 5), 0..4);
        assert_eq!(Window::sliding(2).columns(3, 5), 2..4);
        assert_eq!(Window::sliding(2).columns(0, 5), 0..1);
        assert_eq!(Window::around(Some(1), Some(1)).columns(4, 5), 3..5);
        assert_eq!(Window::sliding(1).columns(100, 5), 5..5);
        assert_eq!(Window::around(None, None).columns(u64::MAX, 5), 0..5);
    }

    #[test]
    fn bounds_go_on_by_one_from_query_to_query() {
        let windows = [
            Window::causal(),
            Window::causal().offset(i64::MIN),
            Window::causal().offset(i64::MAX),
            Window::sliding(3).offset(-4),
            Window::sliding(u64::MAX),
            Window::around(Some(2), Some(u64::MAX)),
        ];
        for window in windows {
            let first = window.bounds(0);
            for q in 0..20 {
                let [start, end] = first.map(|bound| bound.map(|bound| (bound + q).clamp(0, 9) as u64));
                let (start, end) = (start.unwrap_or(0), end.unwrap_or(9));
                assert_eq!(window.columns(q as u64, 9), start..end.max(start), "{window:?}, query {q}");
            }
        }
    }

    #[test]
    fn slopes_are_those_of_the_paper() {
        assert_eq!(
            alibi_slopes(8),
            [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015_625, 0.007_812_5, 0.003_906_25]
        );
        assert_eq!(alibi_slopes(3)[..2], [0.0625, 0.003_906_25]);
        assert_eq!(alibi_slopes(3)[2], 0.25);
        assert_eq!(alibi_slopes(0), [0.0; 0]);
    }
}
