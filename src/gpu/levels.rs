//! The walk over a tensor: the loops over it and its operands, and pieces of them that fit a binding.

use std::ops::Range;

use super::terms::Terms;
use crate::Shape;
use crate::masking::levels::{INPUT, LENGTHS, Level, levels};

/// The loops over a tensor's rows and over a row's columns, outermost first; at least one of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    pub rows: Vec<Level>,
    pub cols: Vec<Level>,
    /// Rows are cut at multiples of so many columns only, so that units stay whole.
    pub unit: u64,
    /// The same for the rows of the innermost level, where a unit may have elements of several.
    pub side: u64,
}

impl Levels {
    /// Of a shape that the terms fit.
    pub fn new(shape: Shape, terms: &Terms) -> Self {
        let (rows, cols) = levels(shape, &terms.form());
        Self { rows, cols, unit: 1, side: 1 }
    }

    /// Of rows that lie one after the other, with offsets in the place of lengths.
    pub fn ragged(shape: Shape, terms: &Terms) -> Self {
        let mut levels = Self::new(shape, terms);
        let mut strides = levels.rows[0].strides;
        (strides[INPUT], strides[LENGTHS]) = (0, 1);
        levels.rows = vec![Level { size: shape.row_count(), strides }];
        levels
    }

    /// What the indices at which a level of the columns may be cut are multiples of.
    fn col_step(&self, at: usize) -> u64 {
        let inner: u64 = self.cols[at + 1..].iter().map(|level| level.size).product();
        if inner.is_multiple_of(self.unit) { 1 } else { self.unit }
    }

    /// Whether all rows are whole units of so many elements, of each operand that has one for every column.
    pub fn are_units_of(&self, unit: u64, operands: &[usize]) -> bool {
        let [cols] = &self.cols[..] else { return false };
        cols.size.is_multiple_of(unit)
            && operands.iter().all(|i| {
                cols.strides[*i] == 1 && self.rows.iter().all(|level| level.strides[*i].is_multiple_of(unit))
            })
    }

    /// Whether rows lie side by side, in whole units of an element of each of so many.
    pub fn are_side_by_side(&self, rows: u64) -> bool {
        let is_whole = |level: &Level| level.strides[INPUT].is_multiple_of(rows);
        let Some((inner, outer)) = self.rows.split_last() else { return false };
        inner.strides[INPUT] == 1
            && inner.size.is_multiple_of(rows)
            && outer.iter().chain(&self.cols).all(is_whole)
    }

    /// What the indices at which a level of the rows may be cut are multiples of.
    fn row_step(&self, at: usize) -> u64 {
        if at + 1 == self.rows.len() { self.side } else { 1 }
    }

    /// Whether a row's elements lie one after the other.
    pub fn ends_in_columns(&self) -> bool {
        self.cols.last().is_some_and(|level| level.strides[INPUT] == 1)
    }
}

/// A part of a walk: a range of each level. Its rows are consecutive, and so are its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub rows: Vec<Range<u64>>,
    pub cols: Vec<Range<u64>>,
}

/// Whether a piece can be dispatched, and what is too large where not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    /// Bytes of an operand.
    Memory,
    /// Workgroups.
    Grid,
}

impl Piece {
    pub fn whole(levels: &Levels) -> Self {
        let all = |levels: &[Level]| levels.iter().map(|level| 0..level.size).collect();
        Self { rows: all(&levels.rows), cols: all(&levels.cols) }
    }

    pub fn row_count(&self) -> u64 {
        self.rows.iter().map(|range| range.end - range.start).product()
    }

    pub fn col_count(&self) -> u64 {
        self.cols.iter().map(|range| range.end - range.start).product()
    }

    /// The number of its first row, and that of its first column.
    pub fn first(&self, levels: &Levels) -> (u64, u64) {
        let number = |levels: &[Level], ranges: &[Range<u64>]| {
            levels.iter().zip(ranges).fold(0, |at, (level, range)| at * level.size + range.start)
        };
        (number(&levels.rows, &self.rows), number(&levels.cols, &self.cols))
    }

    /// The elements of an operand that it reaches: from the first to behind the last.
    pub fn reach(&self, levels: &Levels, operand: usize) -> Range<u64> {
        let (rows, cols) = (levels.rows.iter().zip(&self.rows), levels.cols.iter().zip(&self.cols));
        rows.chain(cols).fold(0..1, |reach, (level, range)| {
            let stride = level.strides[operand];
            reach.start + range.start * stride..reach.end + (range.end - 1) * stride
        })
    }

    /// Halves of it along the outermost level that can make it fit; `None` where none can.
    fn halves(&self, levels: &Levels, fit: Fit, cut_rows: bool) -> Option<(Self, Self)> {
        let long = |ranges: &[Range<u64>], levels: &[Level]| {
            let at = ranges.iter().position(|range| range.end - range.start > 1)?;
            Some((at, levels[at].strides[INPUT]))
        };
        let (row, col) = (long(&self.rows, &levels.rows), long(&self.cols, &levels.cols));
        let by_row = match (row, col) {
            _ if fit == Fit::Grid => true,
            (Some((_, row)), Some((_, col))) => row > col,
            (row, _) => row.is_some(),
        };
        if !by_row && !cut_rows {
            return None;
        }
        let (at, _) = if by_row { row? } else { col? };
        let step = if by_row { levels.row_step(at) } else { levels.col_step(at) };
        let halved = |range: Range<u64>| {
            let half = ((range.end - range.start) / 2).next_multiple_of(step);
            let middle = range.start + half;
            (middle < range.end).then_some((range.start..middle, middle..range.end))
        };
        let (mut front, mut back) = (self.clone(), self.clone());
        let places = match by_row {
            true => (&mut front.rows[at], &mut back.rows[at]),
            false => (&mut front.cols[at], &mut back.cols[at]),
        };
        (*places.0, *places.1) = halved(places.0.clone())?;
        Some((front, back))
    }
}

/// Pieces that fit, in the order of rows and columns; `cut_rows` where rows may be cut. `Err` is a piece
/// that does not fit and cannot be cut.
pub(super) fn pieces(
    levels: &Levels,
    of: Piece,
    cut_rows: bool,
    fit: &dyn Fn(&Piece) -> Fit,
) -> Result<Vec<Piece>, (Piece, Fit)> {
    let (mut found, mut left) = (Vec::new(), vec![of]);
    while let Some(piece) = left.pop() {
        match fit(&piece) {
            Fit::Fits => found.push(piece),
            why => match piece.halves(levels, why, cut_rows) {
                Some((front, back)) => left.extend([back, front]),
                None => return Err((piece, why)),
            },
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::levels::{QUERY, SLOPES};

    #[test]
    fn axes_that_all_operands_go_through_alike_are_one_level() {
        let shape = Shape::along(&[2, 3, 4, 5], &[2, 3]).unwrap();
        let plain = Levels::new(shape, &Terms::new());
        assert_eq!((plain.rows.len(), plain.cols.len()), (1, 1));
        assert_eq!((plain.rows[0].size, plain.cols[0].size), (6, 20));
        let masked = Levels::new(shape, &Terms::new().mask_bytes(&[3, 1, 5]));
        assert_eq!((masked.rows.len(), masked.cols.len()), (2, 2));
        assert_eq!(masked.cols[1].strides[..3], [1, 1, 0]);
        let causal = Levels::new(Shape::along(&[2, 3, 4], &[-1]).unwrap(), &Terms::new().causal().alibi(2));
        assert_eq!((causal.rows[0].strides[SLOPES], causal.rows[1].strides[QUERY]), (1, 1));
    }

    #[test]
    fn pieces_cover_a_tensor_once_and_fit() {
        for (axes, cut_rows) in
            [(&[-1isize][..], false), (&[0], true), (&[1], false), (&[1], true), (&[0, 2], true)]
        {
            let shape = Shape::along(&[12, 10, 9], axes).unwrap();
            let levels = Levels::new(shape, &Terms::new());
            let most = 100;
            let fit = |piece: &Piece| {
                let reach = piece.reach(&levels, INPUT);
                if reach.end - reach.start > most { Fit::Memory } else { Fit::Fits }
            };
            let found = pieces(&levels, Piece::whole(&levels), cut_rows, &fit).unwrap();
            let elements: u64 = found.iter().map(|piece| piece.row_count() * piece.col_count()).sum();
            assert_eq!(elements, 12 * 10 * 9);
            assert!(found.len() > 10 && found.iter().all(|piece| fit(piece) == Fit::Fits));
        }
    }

    #[test]
    fn a_row_that_may_not_be_cut_is_told() {
        let levels = Levels::new(Shape::along(&[12, 10], &[0]).unwrap(), &Terms::new());
        let fit = |piece: &Piece| if piece.col_count() > 6 { Fit::Memory } else { Fit::Fits };
        let cut = |cut_rows| pieces(&levels, Piece::whole(&levels), cut_rows, &fit);
        assert!(cut(false).is_err() && cut(true).is_ok());
    }
}
