//! Which elements form a row.

use crate::Error;

/// A batch of rows that lie one after the other, each of the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Shape {
    rows: u64,
    cols: u64,
}

impl Shape {
    /// `rows` rows of `cols` elements. Either may be 0; the product is checked where it is used.
    pub fn rows(rows: usize, cols: usize) -> Self {
        Self { rows: rows as u64, cols: cols as u64 }
    }

    /// An N-dimensional array in C order as rows along its last axis; no axis at all is one element.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`] where the leading axes multiply to more than 64 bits.
    pub fn last_axis(dims: &[usize]) -> Result<Self, Error> {
        let Some((&cols, leading)) = dims.split_last() else {
            return Ok(Self { rows: 1, cols: 1 });
        };
        if leading.contains(&0) {
            return Ok(Self { rows: 0, cols: cols as u64 });
        }
        let mut rows = 1u64;
        for &dim in leading {
            rows = rows.checked_mul(dim as u64).ok_or(Error::ShapeOverflow { rows, cols: dim as u64 })?;
        }
        Ok(Self { rows, cols: cols as u64 })
    }

    /// How many rows.
    pub fn row_count(self) -> u64 {
        self.rows
    }

    /// Elements in a row.
    pub fn cols(self) -> u64 {
        self.cols
    }

    /// Elements in all.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`] where the product exceeds what 4-byte elements can be addressed by.
    pub fn elements(self) -> Result<u64, Error> {
        self.rows.checked_mul(self.cols).filter(|n| *n <= u64::MAX / 8).ok_or(self.overflow())
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    pub(crate) fn overflow(self) -> Error {
        Error::ShapeOverflow { rows: self.rows, cols: self.cols }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_is_the_row() {
        assert_eq!(Shape::last_axis(&[]).unwrap(), Shape::rows(1, 1));
        assert_eq!(Shape::last_axis(&[5]).unwrap(), Shape::rows(1, 5));
        assert_eq!(Shape::last_axis(&[2, 3, 4]).unwrap(), Shape::rows(6, 4));
        assert_eq!(Shape::last_axis(&[usize::MAX, 0, 4]).unwrap(), Shape::rows(0, 4));
        assert!(Shape::last_axis(&[1 << 40, 1 << 40, 4]).is_err());
    }

    #[test]
    fn a_product_beyond_the_address_space_is_an_error() {
        assert!(Shape::rows(1 << 40, 1 << 40).elements().is_err());
        assert!(Shape::rows(1 << 31, 1 << 31).elements().is_err());
        assert_eq!(Shape::rows(1 << 20, 1 << 20).elements().unwrap(), 1 << 40);
    }
}
