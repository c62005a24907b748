//! The loops over an array and over everything beside it: nested, and as few as reach all operands.

use super::form::Form;
use crate::Shape;
use crate::shape::MAX_AXES;

/// Operands that a level has strides for.
pub(crate) const OPERANDS: usize = 8;
/// The places of those that differ between columns, and of a query's position.
pub(crate) const INPUT: usize = 0;
pub(crate) const MASK: usize = 1;
pub(crate) const BIAS: usize = 2;
pub(crate) const QUERY: usize = 3;
/// The places of those with one element per row: lengths or offsets, sinks, scales, slopes.
pub(crate) const LENGTHS: usize = 4;
pub(crate) const SINKS: usize = 5;
pub(crate) const SCALES: usize = 6;
pub(crate) const SLOPES: usize = 7;

/// One loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub size: u64,
    /// Elements of each operand from one index to the next.
    pub strides: [u64; OPERANDS],
}

/// The loops over the rows of a shape, and those over a row's columns, outermost first; at least one of
/// each. The form must fit the shape.
pub(crate) fn levels(shape: Shape, form: &Form) -> (Vec<Level>, Vec<Level>) {
    let (dims, rank) = (shape.dims(), shape.dims().len());
    let input = shape.strides();
    let of = |dims: Option<&[usize]>, rank| dims.map_or([0; _], |dims| broadcast_strides(dims, rank));
    let (mask, bias) = (of(form.mask, rank), of(form.bias.map(|(_, dims)| dims), rank));
    let kept = shape.kept_dims().len();
    let of_rows = [form.lengths, form.sinks, form.row_scale].map(|dims| of(dims, kept));
    let by_position = form.window.is_some() || form.slopes.is_some();
    let many_slopes = form.slopes.is_some_and(|slopes| slopes != 1);
    let (mut rows, mut cols) = (Vec::new(), Vec::new());
    for axis in 0..rank {
        let mut strides = [0; OPERANDS];
        (strides[INPUT], strides[MASK], strides[BIAS]) = (input[axis], mask[axis], bias[axis]);
        if shape.is_reduced(axis) {
            cols.push(Level { size: dims[axis], strides });
            continue;
        }
        strides[QUERY] = u64::from(by_position && axis + 2 == rank);
        strides[SLOPES] = u64::from(many_slopes && axis + 3 == rank);
        for (place, strides_of) in (LENGTHS..).zip(&of_rows) {
            strides[place] = strides_of[rows.len()];
        }
        rows.push(Level { size: dims[axis], strides });
    }
    (coalesced(rows), coalesced(cols))
}

/// Without levels of one index, and with levels merged that all operands go through as through one.
fn coalesced(axes: Vec<Level>) -> Vec<Level> {
    let mut found: Vec<Level> = Vec::new();
    for axis in axes.into_iter().filter(|axis| axis.size != 1) {
        let is_one = |outer: &Level| {
            (0..OPERANDS).all(|i| outer.strides[i] == axis.strides[i].saturating_mul(axis.size))
        };
        match found.last_mut() {
            Some(outer) if is_one(outer) => {
                *outer = Level { size: outer.size.saturating_mul(axis.size), strides: axis.strides };
            }
            _ => found.push(axis),
        }
    }
    if found.is_empty() {
        found.push(Level { size: 1, strides: [0; OPERANDS] });
    }
    found
}

/// Elements of an operand from one index of each of the axes it broadcasts to, to the next; 0 where it
/// repeats.
pub(crate) fn broadcast_strides(dims: &[usize], rank: usize) -> [u64; MAX_AXES] {
    let mut strides = [0; MAX_AXES];
    let mut stride = 1;
    for (axis, &dim) in (0..rank).rev().zip(dims.iter().rev()) {
        if dim != 1 {
            strides[axis] = stride;
        }
        stride = (dim as u64).saturating_mul(stride);
    }
    strides
}
