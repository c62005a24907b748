//! Which elements form a row.

use crate::Error;

/// The most axes a shape tells apart. Of an array with more some are merged; what stands beside it
/// broadcasts to the last ones, which are not.
pub const MAX_AXES: usize = 8;

/// A dense array in C order and the axes that its rows run along. Rows along the last axes lie one
/// after the other; along any other axis their elements are apart, and are used where they lie.
///
/// Rows are numbered in C order of the axes that are kept, and the elements of a row in C order of
/// those it runs along.
///
/// ```
/// use wgpu_softmax::Shape;
///
/// let columns_of_a_matrix = Shape::along(&[3, 5], &[0])?;
/// assert_eq!((columns_of_a_matrix.row_count(), columns_of_a_matrix.cols()), (5, 3));
/// let heads = Shape::along(&[2, 8, 10, 10], &[-1])?;
/// assert_eq!((heads.row_count(), heads.cols()), (160, 10));
/// # Ok::<(), wgpu_softmax::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Shape {
    rows: u64,
    cols: u64,
    dims: [u64; MAX_AXES],
    rank: u8,
    /// Of the axes of the array itself: how many there are, and how many of the last ones were not merged.
    own_rank: usize,
    apart: u8,
    /// A bit for each axis that rows run along.
    reduced: u8,
}

impl Shape {
    /// `rows` rows of `cols` elements, one after the other. Either may be 0; the product is checked
    /// where it is used.
    pub fn rows(rows: usize, cols: usize) -> Self {
        let mut dims = [1; MAX_AXES];
        (dims[0], dims[1]) = (rows as u64, cols as u64);
        Self { rows: dims[0], cols: dims[1], dims, rank: 2, own_rank: 2, apart: 2, reduced: 0b10 }
    }

    /// An N-dimensional array in C order as rows along its last axis; no axis at all is one element.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`] where the leading axes multiply to more than 64 bits.
    pub fn last_axis(dims: &[usize]) -> Result<Self, Error> {
        if dims.is_empty() { Self::all_axes(dims) } else { Self::along(dims, &[-1]) }
    }

    /// An N-dimensional array in C order as one row.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`] where the axes multiply to more than 64 bits.
    pub fn all_axes(dims: &[usize]) -> Result<Self, Error> {
        Self::reduce(dims, &vec![true; dims.len()])
    }

    /// An N-dimensional array in C order as rows along some of its axes, in any order; negative ones
    /// count from the last. No axis at all makes each element a row of its own.
    ///
    /// # Errors
    /// [`Error::Axis`] for an axis that is not there or comes twice, and for more than [`MAX_AXES`]
    /// groups of axes; [`Error::ShapeOverflow`] where the axes multiply to more than 64 bits.
    pub fn along(dims: &[usize], axes: &[isize]) -> Result<Self, Error> {
        let mut reduced = vec![false; dims.len()];
        for &axis in axes {
            let place = if axis < 0 { axis + dims.len() as isize } else { axis };
            let Some(reduced) = usize::try_from(place).ok().and_then(|place| reduced.get_mut(place)) else {
                let way_out = match dims.len() {
                    0 => "it has none".to_owned(),
                    rank => format!("take one of -{rank} to {}", rank - 1),
                };
                return Err(Error::Axis { axis, rank: dims.len(), why: way_out });
            };
            if std::mem::replace(reduced, true) {
                return Err(Error::Axis {
                    axis,
                    rank: dims.len(),
                    why: "it is named twice; name it once".into(),
                });
            }
        }
        Self::reduce(dims, &reduced)
    }

    fn reduce(dims: &[usize], reduced: &[bool]) -> Result<Self, Error> {
        let mut axes: Vec<(u64, bool)> =
            dims.iter().map(|&dim| dim as u64).zip(reduced.iter().copied()).collect();
        let product = |kept: bool| {
            let dims = axes.iter().filter(|(_, reduced)| *reduced != kept).map(|(dim, _)| *dim);
            if dims.clone().any(|dim| dim == 0) {
                return Ok(0);
            }
            dims.clone().try_fold(1u64, |product, dim| {
                product.checked_mul(dim).ok_or(Error::ShapeOverflow { rows: product, cols: dim })
            })
        };
        let (rows, cols) = (product(true)?, product(false)?);
        // What is merged can no longer be told apart by an operand that broadcasts.
        let mut apart = dims.len();
        while axes.len() > MAX_AXES {
            // An axis of 1 goes with either kind.
            let alike = |pair: &[(u64, bool)]| pair[0].1 == pair[1].1 || pair[0].0 == 1 || pair[1].0 == 1;
            let Some(at) = axes.windows(2).position(alike) else {
                let why = format!(
                    "axes that rows run along and others take turns more than {MAX_AXES} times; transpose the array, \
                     so that those of a row lie together"
                );
                let axis = reduced.iter().rposition(|reduced| *reduced).unwrap_or(0) as isize;
                return Err(Error::Axis { axis, rank: dims.len(), why });
            };
            let (dim, kind) = axes.remove(at);
            apart = apart.min(axes.len() - 1 - at);
            let next = &mut axes[at];
            *next = (dim.saturating_mul(next.0), if next.0 == 1 { kind } else { next.1 });
        }
        let (rank, apart, own_rank) = (axes.len() as u8, apart as u8, dims.len());
        let mut shape = Self { rows, cols, dims: [1; MAX_AXES], rank, own_rank, apart, reduced: 0 };
        for (axis, (dim, reduced)) in axes.into_iter().enumerate() {
            shape.dims[axis] = dim;
            shape.reduced |= u8::from(reduced) << axis;
        }
        Ok(shape)
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
    /// [`Error::ShapeOverflow`] where the product exceeds what elements of 8 bytes can be addressed by.
    pub fn elements(self) -> Result<u64, Error> {
        self.rows.checked_mul(self.cols).filter(|n| *n <= u64::MAX / 8).ok_or(self.overflow())
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    /// Whether each row is one piece of memory, and the rows lie one after the other.
    pub fn is_contiguous(self) -> bool {
        let reduced = (0..self.rank()).filter(|&axis| self.dims[axis] != 1).map(|axis| self.is_reduced(axis));
        reduced.is_sorted()
    }

    /// The shape, where each row is one piece of memory and the rows lie one after the other.
    ///
    /// # Errors
    /// [`Error::Axis`] where they do not.
    pub(crate) fn contiguous(self) -> Result<Self, Error> {
        let reduced = (0..self.rank()).rev().find(|&axis| self.is_reduced(axis)).unwrap_or(0);
        if self.is_contiguous() {
            return Ok(self);
        }
        let why = "here the elements of a row must lie one after the other; take cpu::run_tensor or \
                   Context::run_tensor, or transpose the array";
        Err(Error::Axis { axis: reduced as isize, rank: self.rank(), why: why.into() })
    }

    /// The same rows as if they lay one after the other.
    pub fn as_rows(self) -> Self {
        Self::rows(self.rows as usize, self.cols as usize)
    }

    /// As many rows, of one element each; what broadcasts to the rows still does.
    pub(crate) fn with_one_column(mut self) -> Self {
        let reduced = self.reduced;
        let dims = self.dims.iter_mut().enumerate().filter(|(axis, _)| reduced >> axis & 1 != 0);
        dims.for_each(|(_, dim)| *dim = 1);
        Self { cols: 1, ..self }
    }

    /// The array's axes; where it has more than [`MAX_AXES`], some are merged.
    pub fn dims(&self) -> &[u64] {
        &self.dims[..self.rank()]
    }

    /// Whether rows run along an axis.
    pub fn is_reduced(self, axis: usize) -> bool {
        self.reduced >> axis & 1 != 0
    }

    /// The axes that are kept: those of a result with one element per row.
    pub fn kept_dims(&self) -> Vec<u64> {
        (0..self.rank()).filter(|&axis| !self.is_reduced(axis)).map(|axis| self.dims[axis]).collect()
    }

    /// Axes of the array itself, of which more than [`MAX_AXES`] were merged.
    pub(crate) fn own_rank(self) -> usize {
        self.own_rank
    }

    /// How many of the last axes are those of the array itself: all of them, unless some were merged.
    pub(crate) fn apart(self) -> usize {
        usize::from(self.apart)
    }

    pub(crate) fn rank(self) -> usize {
        usize::from(self.rank)
    }

    /// Elements from one index of each axis to the next.
    pub(crate) fn strides(self) -> [u64; MAX_AXES] {
        let mut strides = [0; MAX_AXES];
        let mut stride = 1u64;
        for axis in (0..self.rank()).rev() {
            strides[axis] = stride;
            stride = stride.saturating_mul(self.dims[axis]);
        }
        strides
    }

    pub(crate) fn overflow(self) -> Error {
        Error::ShapeOverflow { rows: self.rows, cols: self.cols }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(shape: Result<Shape, Error>) -> (u64, u64, bool) {
        let shape = shape.unwrap();
        (shape.row_count(), shape.cols(), shape.is_contiguous())
    }

    #[test]
    fn the_last_axis_is_the_row() {
        assert_eq!(size(Shape::last_axis(&[])), (1, 1, true));
        assert_eq!(size(Shape::last_axis(&[5])), (1, 5, true));
        assert_eq!(size(Shape::last_axis(&[2, 3, 4])), (6, 4, true));
        assert_eq!(size(Shape::last_axis(&[usize::MAX, 0, 4])), (0, 4, true));
        assert!(Shape::last_axis(&[1 << 40, 1 << 40, 4]).is_err());
    }

    #[test]
    fn rows_run_along_any_axes() {
        let dims = [2, 3, 4];
        assert_eq!(size(Shape::along(&dims, &[0])), (12, 2, false));
        assert_eq!(size(Shape::along(&dims, &[-2])), (8, 3, false));
        assert_eq!(size(Shape::along(&dims, &[2, 1])), (2, 12, true));
        assert_eq!(size(Shape::along(&dims, &[0, -1])), (3, 8, false));
        assert_eq!(size(Shape::along(&dims, &[])), (24, 1, true));
        assert_eq!(size(Shape::all_axes(&dims)), (1, 24, true));
        assert_eq!(size(Shape::along(&[3, 1, 1], &[0])), (1, 3, true));
        assert_eq!(Shape::along(&dims, &[1]).unwrap().kept_dims(), [2, 4]);
    }

    #[test]
    fn many_axes_are_merged_where_they_lie_together() {
        assert_eq!(size(Shape::along(&[2; 12], &[-1, -2])), (1 << 10, 4, true));
        assert!(Shape::along(&[2; 12], &[0, 2, 4, 6, 8, 10]).is_err());
        let ones = [2, 1, 2, 1, 2, 1, 2, 1, 2];
        assert_eq!(size(Shape::along(&ones, &[0, 2, 4, 6, 8])), (1, 32, true));
    }

    #[test]
    fn wrong_axes_are_named() {
        let said = |axes: &[isize]| Shape::along(&[2, 3], axes).unwrap_err().to_string();
        assert_eq!(said(&[2]), "axis 2 of an array of 2 axes: take one of -2 to 1");
        assert_eq!(said(&[-3]), "axis -3 of an array of 2 axes: take one of -2 to 1");
        assert_eq!(said(&[1, -1]), "axis -1 of an array of 2 axes: it is named twice; name it once");
    }

    #[test]
    fn a_product_beyond_the_address_space_is_an_error() {
        assert!(Shape::rows(1 << 40, 1 << 40).elements().is_err());
        assert!(Shape::rows(1 << 31, 1 << 31).elements().is_err());
        assert_eq!(Shape::rows(1 << 20, 1 << 20).elements().unwrap(), 1 << 40);
    }
}
