//! Which elements of an array form rows, in which order they are computed, and what the results are.

use wgpu_softmax::{Error, Op, Shape};

/// The axes that rows run along, as the command line names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axes {
    /// All of them: the array is one row.
    All,
    /// These, in any order; negative ones count from the last.
    Some(Vec<isize>),
}

impl std::str::FromStr for Axes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::All);
        }
        let axes = text.split(',').map(|axis| axis.trim().parse());
        let wrong =
            |_| "give numbers with commas between them, such as -1 or 0,2, or none for all axes".to_owned();
        axes.collect::<Result<_, _>>().map(Self::Some).map_err(wrong)
    }
}

impl std::fmt::Display for Axes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Axes::All => f.write_str("none"),
            Axes::Some(axes) => {
                let axes: Vec<String> = axes.iter().map(ToString::to_string).collect();
                f.write_str(&axes.join(","))
            }
        }
    }
}

/// What is asked of an array's order.
#[derive(Clone, Copy, Debug)]
pub struct Orders {
    /// Whether its first axis lies together.
    pub fortran: bool,
    /// Whether anything stands beside it: what broadcasts counts axes from the last.
    pub beside: bool,
    /// Whether results may be in such an order too.
    pub may_be_fortran: bool,
}

/// How an array is gone through.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The axes, of an array in C order; those of one in Fortran order, mirrored.
    dims: Vec<usize>,
    /// Those that rows run along, from 0 on.
    axes: Vec<isize>,
    /// The same for the library.
    pub shape: Shape,
    /// Whether elements are put into C order before.
    pub reorders_input: bool,
    /// Whether results are put into the other order afterwards.
    pub reorders_output: bool,
    /// Whether results are in Fortran order in the end.
    pub fortran_output: bool,
    /// The axes of the results.
    pub output_dims: Vec<usize>,
    /// Those of them that rows run along.
    output_axes: Vec<isize>,
}

impl Layout {
    /// Of an array with these axes; without any named, rows run along the last one.
    pub fn new(dims: &[usize], axes: Option<&Axes>, orders: Orders, op: &Op) -> Result<Self, Error> {
        let axes = resolve(dims, axes)?;
        // An array in Fortran order is one in C order with its axes mirrored.
        let mirrored = orders.fortran && !orders.beside;
        let rank = dims.len();
        let (mut own, mut along) = (dims.to_vec(), axes.clone());
        if mirrored {
            own.reverse();
            along.iter_mut().for_each(|axis| *axis = rank as isize - 1 - *axis);
        }
        let kept = |axis: &usize| op.kind.is_elementwise() || !axes.contains(&(*axis as isize));
        let output_dims: Vec<usize> = (0..rank).filter(kept).map(|axis| dims[axis]).collect();
        let has_order = output_dims.iter().filter(|dim| **dim != 1).count() > 1;
        let fortran_output = orders.fortran && orders.may_be_fortran && has_order;
        let shape = Shape::along(&own, &along)?;
        op.kind.output_words(shape)?;
        Ok(Self {
            dims: own,
            axes: along,
            shape,
            reorders_input: orders.fortran && orders.beside,
            reorders_output: has_order && mirrored != fortran_output,
            fortran_output,
            output_dims,
            output_axes: if op.kind.is_elementwise() { axes } else { Vec::new() },
        })
    }

    /// To which row the result of a number belongs, as it lies in the file, and to which element of that.
    pub fn row_and_column(&self, mut number: u64) -> (u64, u64) {
        let mut index = vec![0; self.output_dims.len()];
        let mut take = |axis: usize| {
            let dim = self.output_dims[axis].max(1) as u64;
            (index[axis], number) = (number % dim, number / dim);
        };
        match self.fortran_output {
            true => (0..self.output_dims.len()).for_each(&mut take),
            false => (0..self.output_dims.len()).rev().for_each(&mut take),
        }
        let count = |along: bool| {
            let axes = (0..index.len()).filter(|&axis| self.output_axes.contains(&(axis as isize)) == along);
            axes.fold(0, |number, axis| number * self.output_dims[axis] as u64 + index[axis])
        };
        (count(false), count(true))
    }

    /// Whether rows lie one after the other in the file, and so do their results.
    pub fn is_plain(&self) -> bool {
        self.shape.is_contiguous() && !self.reorders_input && !self.reorders_output
    }

    /// The axis along which the array is cut, where it may be: elements and results of the parts then lie
    /// one after the other. `beside`: whether operands are cut with it, and axes must stay what they are.
    pub fn cut(&self, beside: bool) -> Cut {
        let plain = !beside && self.is_plain();
        let (dims, axes) = match plain {
            true => (vec![self.shape.row_count() as usize, self.shape.cols() as usize], vec![1]),
            false => (self.dims.clone(), self.axes.clone()),
        };
        let first = dims.iter().position(|dim| *dim != 1).filter(|&axis| !axes.contains(&(axis as isize)));
        let may = !self.reorders_input && !self.reorders_output && !self.shape.is_empty();
        Cut { axis: first.filter(|_| may), dims, axes }
    }
}

fn resolve(dims: &[usize], axes: Option<&Axes>) -> Result<Vec<isize>, Error> {
    let rank = dims.len() as isize;
    match axes {
        Some(Axes::Some(axes)) => {
            // Says what is wrong with them.
            Shape::along(dims, axes)?;
            Ok(axes.iter().map(|&axis| if axis < 0 { axis + rank } else { axis }).collect())
        }
        None if rank > 0 => Ok(vec![rank - 1]),
        _ => Ok((0..rank).collect()),
    }
}

/// An array that may be cut along an axis.
#[derive(Clone, Debug)]
pub struct Cut {
    /// Along which; `None` where it is computed as a whole.
    pub axis: Option<usize>,
    /// The axes of the whole.
    pub dims: Vec<usize>,
    /// Those that rows run along.
    pub axes: Vec<isize>,
}

impl Cut {
    /// How many parts there may be at most.
    pub fn count(&self) -> usize {
        self.axis.map_or(1, |axis| self.dims[axis])
    }

    /// The axes of a part that has so many of the parts.
    pub fn dims_of(&self, count: usize) -> Vec<usize> {
        let mut dims = self.dims.clone();
        if let Some(axis) = self.axis {
            dims[axis] = count;
        }
        dims
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu_softmax::{LogSumExp, Softmax};

    const C: Orders = Orders { fortran: false, beside: false, may_be_fortran: true };
    const F: Orders = Orders { fortran: true, ..C };

    fn layout(axes: &str, orders: Orders, op: impl Into<Op>) -> Layout {
        Layout::new(&[2, 3, 4], Some(&axes.parse().unwrap()), orders, &op.into()).unwrap()
    }

    #[test]
    fn axes_are_read_as_they_are_written() {
        for text in ["-1", "0", "0,2", "none"] {
            assert_eq!(text.parse::<Axes>().unwrap().to_string(), text);
        }
        assert_eq!(" 0, -2".parse(), Ok(Axes::Some(vec![0, -2])));
        for wrong in ["", "a", "0,", "1.5", "None"] {
            assert!(wrong.parse::<Axes>().unwrap_err().contains("0,2"), "{wrong}");
        }
    }

    #[test]
    fn an_array_in_fortran_order_is_a_mirrored_one() {
        let first = layout("0", F, Softmax::new());
        assert_eq!((first.shape.row_count(), first.shape.cols()), (12, 2));
        assert!(first.is_plain() && first.fortran_output);
        let last = layout("-1", F, LogSumExp::new());
        assert_eq!((last.dims.as_slice(), last.axes.as_slice()), (&[4, 3, 2][..], &[0][..]));
        assert_eq!(last.output_dims, [2, 3]);
        assert!(!last.is_plain() && last.fortran_output && !last.reorders_output);
        // What cannot be written so is put into C order; what broadcasts needs it before.
        let c = layout("-1", Orders { may_be_fortran: false, ..F }, Softmax::new());
        assert!(c.reorders_output && !c.fortran_output && !c.reorders_input);
        let beside = layout("-1", Orders { beside: true, ..F }, Softmax::new());
        assert!(beside.reorders_input && beside.reorders_output && beside.fortran_output);
        // One axis has no order.
        let row = layout("0,1", Orders { may_be_fortran: false, ..F }, LogSumExp::new());
        assert!(!row.reorders_output && !row.fortran_output);
    }

    #[test]
    fn results_are_found_in_their_rows() {
        // Element (1, 2, 3) of rows along the middle axis: row (1, 3), place 2.
        assert_eq!(layout("1", C, Softmax::new()).row_and_column(12 + 8 + 3), (4 + 3, 2));
        assert_eq!(layout("1", F, Softmax::new()).row_and_column(1 + 2 * 2 + 6 * 3), (4 + 3, 2));
        assert_eq!(layout("1", C, LogSumExp::new()).row_and_column(7), (7, 0));
        assert_eq!(layout("-1", C, Softmax::new()).row_and_column(7), (1, 3));
    }

    #[test]
    fn an_array_is_cut_along_its_first_axis() {
        let cut = |axes: &str, beside| layout(axes, C, Softmax::new()).cut(beside);
        assert_eq!(cut("1", true).axis, Some(0));
        assert_eq!(cut("1", false).dims_of(1), [1, 3, 4]);
        assert_eq!(cut("0", false).axis, None);
        assert_eq!((cut("-1", false).dims, cut("-1", false).count()), (vec![6, 4], 6));
        assert_eq!((cut("-1", true).dims, cut("-1", true).count()), (vec![2, 3, 4], 2));
        let one = Layout::new(&[1, 5, 4], None, C, &Softmax::new().into()).unwrap();
        assert_eq!(one.cut(true).axis, Some(1));
        assert_eq!(
            Layout::new(&[1, 5], Some(&Axes::All), C, &Softmax::new().into()).unwrap().cut(true).count(),
            1
        );
    }
}
