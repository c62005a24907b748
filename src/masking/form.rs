//! The axes and types of what stands beside an input, wherever its elements lie.

use super::positions::{Window, check_positions};
use crate::error::Dims;
use crate::shape::MAX_AXES;
use crate::{DType, Error, Shape};

/// What there is beside an input, without its elements.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form<'a> {
    pub mask: Option<&'a [usize]>,
    pub bias: Option<(DType, &'a [usize])>,
    pub window: Option<Window>,
    pub lengths: Option<&'a [usize]>,
    pub sinks: Option<&'a [usize]>,
    pub row_scale: Option<&'a [usize]>,
    /// How many slopes of ALiBi.
    pub slopes: Option<u64>,
}

impl Form<'_> {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        !self.hides() && self.sinks.is_none() && self.row_scale.is_none() && self.slopes.is_none()
    }

    /// Whether elements may be masked, so that empty rows are zero unless told otherwise.
    pub fn hides(&self) -> bool {
        self.mask.is_some() || self.bias.is_some() || self.window.is_some() || self.lengths.is_some()
    }

    /// Whether what takes part is left as it is: nothing stands beside single elements, or scales rows.
    pub fn is_by_place_alone(&self) -> bool {
        let of_elements = self.mask.is_some() || self.bias.is_some() || self.slopes.is_some();
        !of_elements && self.row_scale.is_none() && self.sinks.is_none()
    }

    /// Whether everything fits the shape.
    ///
    /// # Errors
    /// [`Error::Broadcast`], [`Error::Binding`] for an operand with axes that the shape has merged,
    /// [`Error::Length`] for the slopes, [`Error::Axis`].
    pub fn check(&self, shape: Shape) -> Result<(), Error> {
        let kept = shape.kept_dims();
        let kept_apart = (shape.rank() - shape.apart()..shape.rank()).filter(|&axis| !shape.is_reduced(axis));
        let (apart, kept_apart) = (shape.apart(), kept_apart.count());
        let operands = [
            ("mask", self.mask, shape.dims(), apart),
            ("bias", self.bias.map(|(_, dims)| dims), shape.dims(), apart),
            ("sinks", self.sinks, &kept, kept_apart),
            ("row scale", self.row_scale, &kept, kept_apart),
            ("lengths", self.lengths, &kept, kept_apart),
        ];
        for (operand, dims, to, apart) in operands {
            let Some(dims) = dims else { continue };
            let dims_apart = if shape.own_rank() > shape.rank() {
                check_apart(operand, dims, apart, shape)?
            } else {
                dims
            };
            check_broadcast(operand, dims_apart, to)?;
        }
        check_positions(shape, self.window.is_some(), self.slopes)
    }
}

/// An operand's axes without ones in front, beside an array of which some axes were merged.
///
/// # Errors
/// [`Error::Binding`] where they reach those axes: what they stand beside is not known any more.
fn check_apart<'a>(
    operand: &'static str,
    dims: &'a [usize],
    apart: usize,
    shape: Shape,
) -> Result<&'a [usize], Error> {
    let (before, last) = dims.split_at(dims.len().saturating_sub(apart));
    if before.iter().all(|&dim| dim == 1) {
        return Ok(last);
    }
    let why = format!(
        "its shape {} reaches beyond the last {apart} axes, the only ones told apart beside an array of {} axes; \
         reshape array and {operand} to at most {MAX_AXES} axes",
        Dims(dims),
        shape.own_rank()
    );
    Err(Error::Binding { operand, why })
}

/// Whether axes broadcast to others, as NumPy's do.
///
/// # Errors
/// [`Error::Broadcast`] where they do not.
fn check_broadcast(operand: &'static str, dims: &[usize], to: &[u64]) -> Result<(), Error> {
    let fits = dims.len() <= to.len()
        && dims.iter().rev().zip(to.iter().rev()).all(|(&dim, &to)| dim as u64 == to || dim == 1);
    if fits {
        return Ok(());
    }
    let to = to.iter().map(|&dim| dim as usize).collect();
    Err(Error::Broadcast { operand, dims: dims.to_vec(), to })
}

/// Elements of an operand.
pub(crate) fn elements(dims: &[usize]) -> u64 {
    if dims.contains(&0) {
        return 0;
    }
    dims.iter().fold(1, |product, &dim| (dim as u64).saturating_mul(product))
}

#[cfg(test)]
mod tests {
    use super::super::levels::broadcast_strides;
    use super::*;

    #[test]
    fn operands_broadcast_as_numpy_has_it() {
        let broadcast =
            |operand, dims: &[usize], to: &[u64]| check_broadcast(operand, dims, to).map(|()| elements(dims));
        assert_eq!(broadcast("mask", &[1, 4], &[2, 3, 4]).unwrap(), 4);
        assert_eq!(broadcast("mask", &[], &[2, 3, 4]).unwrap(), 1);
        assert_eq!(broadcast_strides(&[3, 1], 3)[..3], [0, 1, 0]);
        assert_eq!(broadcast_strides(&[2, 1, 4], 3)[..3], [4, 0, 1]);
        let wrong = broadcast("mask", &[3, 5], &[2, 3, 4]).unwrap_err().to_string();
        assert_eq!(
            wrong,
            "mask: its shape (3, 5) does not broadcast to (2, 3, 4); each axis must be equal or 1, from the last one on"
        );
        assert!(broadcast("mask", &[1, 2, 3, 4], &[2, 3, 4]).is_err());
    }
}
