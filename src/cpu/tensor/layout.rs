//! Where the rows of a call lie, how long they are, and which of their elements take part by place.

use std::ops::Range;

use super::walk::{Loops, Offsets, Run};
use crate::masking::levels::{INPUT, LENGTHS, OPERANDS, QUERY, SLOPES, levels};
use crate::{Masking, Shape};

/// Where ragged rows begin and end.
struct Ragged<'a> {
    offsets: &'a [u64],
    /// The rows' numbers, where they are some of all, brought to one length.
    some: Option<(&'a [u64], u64)>,
}

impl Ragged<'_> {
    fn number(&self, row: u64) -> u64 {
        self.some.map_or(row, |(numbers, _)| numbers[row as usize])
    }

    fn range(&self, row: u64) -> Range<u64> {
        let number = self.number(row) as usize;
        self.offsets[number]..self.offsets[number + 1]
    }
}

/// Rows of an array, or ragged ones.
pub(super) struct Layout<'a> {
    rows: Loops,
    /// The loops over a row.
    pub cols: Loops,
    len: u64,
    ragged: Option<Ragged<'a>>,
}

impl<'a> Layout<'a> {
    /// Rows along the axes of a shape.
    pub(super) fn of(shape: Shape, masking: &Masking) -> Self {
        let (rows, cols) = levels(shape, &masking.form());
        Self { rows: Loops::new(rows), cols: Loops::new(cols), len: shape.cols(), ragged: None }
    }

    /// Rows that begin and end at offsets; sinks and scales are one for all or one per row.
    pub(super) fn ragged(offsets: &'a [u64], masking: &Masking) -> Self {
        let cols = Loops::side_by_side(u64::MAX);
        let mut of = Self::of(Shape::rows(offsets.len() - 1, 1), masking);
        (of.cols, of.ragged) = (cols, Some(Ragged { offsets, some: None }));
        of
    }

    /// Some of those rows, as if all were `width` elements long.
    pub(super) fn some_ragged(offsets: &'a [u64], numbers: &'a [u64], width: u64, masking: &Masking) -> Self {
        let mut of = Self::ragged(offsets, masking);
        of.ragged = Some(Ragged { offsets, some: Some((numbers, width)) });
        of
    }

    /// The number of a row among all.
    pub(super) fn number(&self, row: u64) -> u64 {
        self.ragged.as_ref().map_or(row, |ragged| ragged.number(row))
    }

    /// Elements that rows are brought to.
    pub(super) fn width(&self) -> u64 {
        self.ragged.as_ref().and_then(|ragged| ragged.some).map_or(self.len, |(_, width)| width)
    }

    pub(super) fn is_ragged(&self) -> bool {
        self.ragged.is_some()
    }

    /// Elements of a row.
    pub(super) fn len(&self, row: u64) -> u64 {
        self.ragged.as_ref().map_or(self.len, |ragged| {
            let range = ragged.range(row);
            range.end - range.start
        })
    }

    /// Rows in runs of equal steps.
    pub(super) fn runs(&self, rows: Range<u64>) -> impl Iterator<Item = Run> {
        let ragged = self.ragged.as_ref().map(|ragged| {
            rows.clone().map(move |row| {
                let mut at = self.rows.at(ragged.number(row));
                at[INPUT] = ragged.range(row).start;
                Run { at, len: 1, step: [0; OPERANDS] }
            })
        });
        let regular = if ragged.is_none() { Some(self.rows.runs(rows.start, rows.end)) } else { None };
        ragged.into_iter().flatten().chain(regular.into_iter().flatten())
    }

    /// Whether the rows' elements lie apart and their neighbours side by side: what one row skips, the
    /// next ones use.
    pub(super) fn is_turned(&self) -> bool {
        let (row, col) = (self.rows.innermost(), self.cols.innermost());
        self.ragged.is_none() && col.strides[INPUT] != 1 && row.strides[INPUT] == 1 && row.size > 1
    }

    /// Rows that lie side by side.
    pub(super) fn neighbours(&self) -> u64 {
        self.rows.innermost().size
    }

    /// Whether rows are slices, one after the other.
    pub(super) fn is_contiguous(&self) -> bool {
        let (row, col) = (self.rows.innermost(), self.cols.innermost());
        let one_row = row.size == 1;
        let whole = col.size == self.len && (col.strides[INPUT] == 1 || self.len == 1);
        self.ragged.is_none() && whole && (one_row || row.strides[INPUT] == self.len)
    }

    /// Where a row and what stands beside it begin.
    pub(super) fn at(&self, row: u64) -> Offsets {
        self.rows.at(row)
    }

    /// The slope of a row's ALiBi terms, where there are any, and the position of its query among the keys.
    pub(super) fn slope(&self, masking: &Masking, at: &Offsets) -> Option<(f32, i64)> {
        let slope = masking.alibi?[at[SLOPES] as usize];
        let offset = masking.window.map_or(0, |window| window.offset);
        Some((slope, (at[QUERY] as i64).saturating_add(offset)))
    }

    /// The elements that neither the window nor the row's length hides.
    pub(super) fn visible(&self, masking: &Masking, row: u64, at: &Offsets) -> Range<u64> {
        let mut seen = 0..self.len(row);
        if let Some(window) = &masking.window {
            seen = window.columns(at[QUERY], seen.end);
        }
        if let Some(lengths) = &masking.lengths {
            let end = seen.end.min(lengths.data[at[LENGTHS] as usize].into());
            seen = seen.start.min(end)..end;
        }
        seen
    }
}
