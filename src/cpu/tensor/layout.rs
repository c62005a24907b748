//! Where the rows of a call lie, how long they are, and which of their elements take part by place.

use std::ops::Range;

use super::walk::{BIAS, LENGTHS, Loops, MASK, OPERANDS, Offsets, Run, SCALE, SINKS, X};
use crate::masking::broadcast_strides;
use crate::shape::MAX_AXES;
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
    queries: u64,
    heads: u64,
}

impl<'a> Layout<'a> {
    /// Rows along the axes of a shape.
    pub(super) fn of(shape: Shape, masking: &Masking) -> Self {
        let (dims, rank) = (shape.dims(), shape.rank());
        let mut strides = [[0; MAX_AXES]; OPERANDS];
        strides[X] = shape.strides();
        if let Some(mask) = &masking.mask {
            strides[MASK] = broadcast_strides(mask.dims, rank);
        }
        if let Some(bias) = &masking.bias {
            strides[BIAS] = broadcast_strides(bias.dims, rank);
        }
        let per_row = [
            (LENGTHS, masking.lengths.map(|lengths| lengths.dims)),
            (SINKS, masking.sinks.map(|sinks| sinks.dims)),
            (SCALE, masking.row_scale.map(|scale| scale.dims)),
        ];
        for (operand, given) in per_row {
            strides[operand] = given.map_or([0; MAX_AXES], |given| over_kept(shape, given));
        }
        let axis = |from_end: usize| if rank >= from_end { dims[rank - from_end] } else { 1 };
        Self {
            rows: Loops::new(shape, false, &strides),
            cols: Loops::new(shape, true, &strides),
            len: shape.cols(),
            ragged: None,
            queries: axis(2),
            heads: axis(3),
        }
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
                at[X] = ragged.range(row).start;
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
        self.ragged.is_none() && col.step[X] != 1 && row.step[X] == 1 && row.size > 1
    }

    /// Rows that lie side by side.
    pub(super) fn neighbours(&self) -> u64 {
        self.rows.innermost().size
    }

    /// Whether rows are slices, one after the other.
    pub(super) fn is_contiguous(&self) -> bool {
        let (row, col) = (self.rows.innermost(), self.cols.innermost());
        let one_row = row.size == 1;
        let whole = col.size == self.len && (col.step[X] == 1 || self.len == 1);
        self.ragged.is_none() && whole && (one_row || row.step[X] == self.len)
    }

    /// Query and head of a row.
    pub(super) fn position(&self, row: u64) -> (u64, u64) {
        (row % self.queries.max(1), row / self.queries.max(1) % self.heads.max(1))
    }

    /// [`Layout::visible`] of a row that stands alone.
    pub(super) fn visible_of(&self, masking: &Masking, row: u64) -> Range<u64> {
        let at = if masking.lengths.is_some() { self.rows.at(row) } else { [0; OPERANDS] };
        self.visible(masking, row, &at)
    }

    /// The slope of a row's ALiBi terms, where there are any, and the position of its query among the keys.
    pub(super) fn slope(&self, masking: &Masking, row: u64) -> Option<(f32, i64)> {
        let (query, head) = self.position(row);
        let slopes = masking.alibi?;
        let slope = slopes[if slopes.len() == 1 { 0 } else { head as usize }];
        Some((slope, (query as i64).saturating_add(masking.window.map_or(0, |window| window.offset))))
    }

    /// The elements that neither the window nor the row's length hides.
    pub(super) fn visible(&self, masking: &Masking, row: u64, at: &Offsets) -> Range<u64> {
        let mut seen = 0..self.len(row);
        if let Some(window) = &masking.window {
            seen = window.columns(self.position(row).0, seen.end);
        }
        if let Some(lengths) = &masking.lengths {
            let end = seen.end.min(lengths.data[at[LENGTHS] as usize].into());
            seen = seen.start.min(end)..end;
        }
        seen
    }
}

/// Steps of a per-row operand, which broadcasts against the kept axes, for each axis of the array.
fn over_kept(shape: Shape, dims: &[usize]) -> [u64; MAX_AXES] {
    let kept: Vec<usize> = (0..shape.rank()).filter(|&axis| !shape.is_reduced(axis)).collect();
    let own = broadcast_strides(dims, kept.len());
    let mut strides = [0; MAX_AXES];
    for (place, axis) in kept.into_iter().enumerate() {
        strides[axis] = own[place];
    }
    strides
}
