//! What stands beside an array, read from files, and what of it belongs to a part of the array.

mod args;
mod load;

use std::ops::Range;
use std::path::PathBuf;

use wgpu_softmax::{DType, Error, Masking, Op, Shape, Window, bf16, f16};

pub use args::Args;

use crate::layout::Cut;
use crate::room::Room;

/// An array that broadcasts.
#[derive(Clone, Debug)]
pub struct Operand<T> {
    data: T,
    dims: Vec<usize>,
}

/// All that stands beside an array.
#[derive(Debug, Default)]
pub struct Beside {
    mask: Option<Operand<Vec<u8>>>,
    mask_is_bits: bool,
    bias: Option<Operand<Room>>,
    bias_dtype: DType,
    window: Option<Window>,
    lengths: Option<Operand<Vec<u32>>>,
    sinks: Option<Operand<Vec<f32>>>,
    row_scale: Option<Operand<Vec<f32>>>,
    alibi: Option<Vec<f32>>,
    /// Where ragged rows begin and end.
    pub offsets: Option<Vec<u64>>,
    /// Where they were read.
    pub offsets_file: Option<PathBuf>,
    /// Each of them in a few words.
    pub names: Vec<String>,
    /// The same with a hash of what it holds: equal for equal bits.
    pub identity: String,
    /// Bytes of memory that they take.
    pub bytes: u64,
    /// Whether that is more than is allowed: what was to be read after that is counted, and empty.
    pub is_too_large: bool,
}

impl Beside {
    /// Whether there is nothing that broadcasts.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// An operation with what its empty rows are settled.
    pub fn settle(&self, op: Op) -> Op {
        Part::whole(self).masking().settle(op)
    }

    /// Whether all of it fits an array.
    pub fn check(&self, shape: Shape, dtype: DType) -> Result<(), Error> {
        Part::whole(self).masking().check(shape, dtype)
    }

    /// How many parts of a cut array go together at least: bits cannot be cut within a byte.
    pub fn parts_together(&self) -> usize {
        if self.mask_is_bits { 8 } else { 1 }
    }

    /// What belongs to some parts of an array.
    pub fn part(&self, cut: &Cut, range: Range<usize>) -> Part<'_> {
        let rank = cut.dims.len();
        // The axis as elements and as rows count it, from the last one on.
        let Some(axis) = cut.axis else { return Part::whole(self) };
        let of_elements = Place { behind: rank - axis, range: range.clone() };
        let kept = (axis..rank).filter(|axis| !cut.axes.contains(&(*axis as isize))).count();
        let of_rows = Place { behind: kept, range: range.clone() };
        let mut part = Part::whole(self);
        part.mask_dims = self.mask.as_ref().map_or(Vec::new(), |mask| of_elements.dims(&mask.dims));
        part.bias_dims = self.bias.as_ref().map_or(Vec::new(), |bias| of_elements.dims(&bias.dims));
        part.row_dims = self.row_operands().map(|dims| dims.map_or(Vec::new(), |dims| of_rows.dims(dims)));
        part.window = self.moved(rank - axis, range.start);
        part.places = Some((of_elements, of_rows));
        part
    }

    fn row_operands(&self) -> [Option<&[usize]>; 3] {
        [
            self.lengths.as_ref().map(|lengths| &lengths.dims[..]),
            self.sinks.as_ref().map(|sinks| &sinks.dims[..]),
            self.row_scale.as_ref().map(|scale| &scale.dims[..]),
        ]
    }

    /// The window as queries count that begin later: where the axis that is cut is theirs.
    fn moved(&self, behind: usize, start: usize) -> Option<Window> {
        let by = if behind == 2 { start as i64 } else { 0 };
        match self.window {
            Some(window) => Some(window.offset(window.offset.saturating_add(by))),
            None if self.alibi.is_some() && by != 0 => Some(Window::around(None, None).offset(by)),
            None => None,
        }
    }
}

/// Which elements of an axis belong to a part.
#[derive(Clone, Debug)]
struct Place {
    /// The axis, counted from the last one, which is 1.
    behind: usize,
    range: Range<usize>,
}

impl Place {
    /// The axis among those of an operand, if it does not repeat along it.
    fn axis(&self, dims: &[usize]) -> Option<usize> {
        dims.len().checked_sub(self.behind).filter(|&axis| dims[axis] != 1)
    }

    fn dims(&self, dims: &[usize]) -> Vec<usize> {
        let mut part = dims.to_vec();
        if let Some(axis) = self.axis(dims) {
            part[axis] = self.range.len();
        }
        part
    }

    /// Which elements of an operand those are: all axes before are of length 1.
    fn elements(&self, dims: &[usize]) -> Range<usize> {
        let all: usize = dims.iter().product();
        match self.axis(dims) {
            None => 0..all,
            Some(axis) => {
                let stride: usize = dims[axis + 1..].iter().product();
                self.range.start * stride..self.range.end * stride
            }
        }
    }
}

/// What belongs to a part of an array.
pub struct Part<'a> {
    beside: &'a Beside,
    mask_dims: Vec<usize>,
    bias_dims: Vec<usize>,
    /// Of lengths, sinks and scales.
    row_dims: [Vec<usize>; 3],
    window: Option<Window>,
    /// `None`: the part is the whole. Else where it lies among elements, and among rows.
    places: Option<(Place, Place)>,
}

impl<'a> Part<'a> {
    fn whole(beside: &'a Beside) -> Self {
        let all = |dims: Option<&[usize]>| dims.map_or(Vec::new(), <[usize]>::to_vec);
        Self {
            beside,
            mask_dims: all(beside.mask.as_ref().map(|mask| &mask.dims[..])),
            bias_dims: all(beside.bias.as_ref().map(|bias| &bias.dims[..])),
            row_dims: beside.row_operands().map(all),
            window: beside.window,
            places: None,
        }
    }

    /// The same as the library takes it.
    pub fn masking(&self) -> Masking<'_> {
        let mut masking = Masking::new();
        if let Some(mask) = &self.beside.mask {
            masking = self.masked(masking, mask);
        }
        if let Some(bias) = &self.beside.bias {
            masking = self.biased(masking, bias);
        }
        if let Some(window) = self.window {
            masking = masking.window(window);
        }
        let [lengths, sinks, scales] = &self.row_dims;
        if let Some(given) = &self.beside.lengths {
            masking = masking.lengths(self.of_rows(given), lengths);
        }
        if let Some(given) = &self.beside.sinks {
            masking = masking.sinks(self.of_rows(given), sinks);
        }
        if let Some(given) = &self.beside.row_scale {
            masking = masking.row_scale(self.of_rows(given), scales);
        }
        match &self.beside.alibi {
            Some(slopes) => masking.alibi(self.slopes(slopes)),
            None => masking,
        }
    }

    fn elements(&self, dims: &[usize], there: usize) -> Range<usize> {
        self.places.as_ref().map_or(0..there, |(elements, _)| elements.elements(dims))
    }

    fn masked<'b>(&'b self, masking: Masking<'b>, mask: &'b Operand<Vec<u8>>) -> Masking<'b> {
        if !self.beside.mask_is_bits {
            return masking
                .mask_bytes(&mask.data[self.elements(&mask.dims, mask.data.len())], &self.mask_dims);
        }
        let Range { start, end } = self.elements(&mask.dims, 8 * mask.data.len());
        masking.mask_bits(&mask.data[start / 8..end.div_ceil(8)], &self.mask_dims)
    }

    fn biased<'b>(&'b self, masking: Masking<'b>, bias: &'b Operand<Room>) -> Masking<'b> {
        let (dtype, dims) = (self.beside.bias_dtype, &self.bias_dims);
        let there = bias.data.bytes().len() / dtype.bytes() as usize;
        let range = self.elements(&bias.dims, there);
        match dtype {
            DType::F16 => masking.bias(&bias.data.of::<f16>()[range], dims),
            DType::BF16 => masking.bias(&bias.data.of::<bf16>()[range], dims),
            DType::F64 => masking.bias(&bias.data.of::<f64>()[range], dims),
            _ => masking.bias(&bias.data.of::<f32>()[range], dims),
        }
    }

    fn of_rows<'b, T>(&self, operand: &'b Operand<Vec<T>>) -> &'b [T] {
        match &self.places {
            None => &operand.data,
            Some((_, rows)) => &operand.data[rows.elements(&operand.dims)],
        }
    }

    /// Heads are the third axis from the end.
    fn slopes<'b>(&self, slopes: &'b [f32]) -> &'b [f32] {
        match &self.places {
            Some((elements, _)) if elements.behind == 3 && slopes.len() > 1 => {
                &slopes[elements.range.clone()]
            }
            _ => slopes,
        }
    }
}
