//! Into how many parts the rows of a tensor's piece are split.

use super::levels::Piece;
use super::planner::Places;
use super::walk::Walk;
use super::window::check_parts;
use crate::Error;

impl Walk<'_> {
    /// Rows of a piece, or so many side by side as one.
    pub(super) fn teams(&self, piece: &Piece) -> u64 {
        piece.row_count() / u64::from(self.choice.rows)
    }

    /// Units of so many columns of a row.
    pub(super) fn units(&self, cols: u64) -> u64 {
        if self.choice.places == Places::Separate { self.choice.units(cols) } else { self.tensor.units(cols) }
    }

    /// Units of a part: by the whole row, since the parts of all of its pieces are added up.
    pub(super) fn part_units(&self) -> u64 {
        self.choice.part_units(self.units(self.tensor.shape.cols()))
    }

    /// Parts of a piece's row.
    pub(super) fn parts(&self, piece: &Piece) -> u64 {
        if self.choice.kernel.is_split() {
            self.units(piece.col_count()).div_ceil(self.part_units())
        } else {
            1
        }
    }

    /// # Errors
    /// [`Error::Limit`] where the digits of a row's sum do not take all of its parts.
    pub(super) fn check_parts(&self, batch: &[Piece]) -> Result<(), Error> {
        if !self.choice.kernel.is_split() {
            return Ok(());
        }
        let row = |piece: &Piece| piece.first(&self.tensor.levels).0;
        let of_first_row = batch.iter().filter(|piece| row(piece) == batch.first().map_or(0, row));
        check_parts(of_first_row.map(|piece| self.parts(piece)).sum())
    }
}
