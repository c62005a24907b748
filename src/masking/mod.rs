//! What stands beside the elements of an operation: which of them take part, what is added to them,
//! and what their rows are scaled by.

mod form;
pub(crate) mod levels;
mod positions;

pub(crate) use form::{Form, elements};
pub use positions::{Window, alibi_slopes};

use crate::dtype::{Values, values};
use crate::error::check_length;
use crate::{DType, Element, Error, Op, Shape};

/// A mask's elements.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MaskData<'a> {
    Bytes(&'a [u8]),
    Bits(&'a [u8]),
}

impl MaskData<'_> {
    /// Whether its element at a place lets one take part.
    #[inline(always)]
    pub(crate) fn takes_part(&self, at: usize) -> bool {
        match self {
            Self::Bytes(bytes) => bytes[at] != 0,
            Self::Bits(bits) => bits[at / 8] >> (at % 8) & 1 != 0,
        }
    }
}

/// An array that broadcasts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand<'a, T> {
    pub data: T,
    pub dims: &'a [usize],
}

/// Masks, biases and scales beside an operation's input. All of them broadcast as NumPy's arrays do:
/// axes are aligned at the last one, and an axis of 1, or one that is missing in front, is repeated.
/// Masks and biases broadcast against the input's axes; what there is one of per row (lengths, sinks,
/// scales) broadcasts against the axes that are kept, those of a result with one element per row. Beside
/// an array of more than [`crate::MAX_AXES`] axes they reach its last ones only, which are not merged.
///
/// An element x becomes `x * scale`, rounded, plus the bias, rounded, plus the ALiBi term, rounded; an
/// element that does not take part becomes -inf, whatever it was, and so does one whose bias is -inf.
/// Then the row is computed as if it had been given so.
///
/// Where a mask, a bias, a window or lengths are given, a row in which no element takes part is
/// [`crate::EmptyRow::Zero`] unless told otherwise.
///
/// ```
/// use wgpu_softmax::{Masking, Shape, Softmax, cpu};
///
/// let logits = [1.0f32; 9];
/// let mut probabilities = [0.0f32; 9];
/// cpu::run_tensor(Softmax::new(), &logits, Shape::rows(3, 3), &Masking::new().causal(), &mut probabilities)?;
/// assert_eq!(probabilities, [1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]);
/// # Ok::<(), wgpu_softmax::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Masking<'a> {
    pub(crate) mask: Option<Operand<'a, MaskData<'a>>>,
    pub(crate) bias: Option<Operand<'a, Values<'a>>>,
    pub(crate) window: Option<Window>,
    pub(crate) lengths: Option<Operand<'a, &'a [u32]>>,
    pub(crate) sinks: Option<Operand<'a, &'a [f32]>>,
    pub(crate) row_scale: Option<Operand<'a, &'a [f32]>>,
    pub(crate) alibi: Option<&'a [f32]>,
}

impl<'a> Masking<'a> {
    /// Nothing beside the input.
    pub fn new() -> Self {
        Self::default()
    }

    /// A byte per element: those other than 0 take part. A slice of `bool` is one by way of
    /// `bytemuck::cast_slice`.
    pub fn mask_bytes(mut self, mask: &'a [u8], dims: &'a [usize]) -> Self {
        self.mask = Some(Operand { data: MaskData::Bytes(mask), dims });
        self
    }

    /// A bit per element, the least significant of each byte first (NumPy's `packbits` with
    /// `bitorder="little"`), without gaps between rows: those that are set take part.
    pub fn mask_bits(mut self, mask: &'a [u8], dims: &'a [usize]) -> Self {
        self.mask = Some(Operand { data: MaskData::Bits(mask), dims });
        self
    }

    /// Numbers that are added to the scaled elements. -inf masks an element, whatever it is.
    pub fn bias<E: Element>(mut self, bias: &'a [E], dims: &'a [usize]) -> Self {
        self.bias = Some(Operand { data: values(bias), dims });
        self
    }

    /// Columns by their distance from the row's own position.
    pub fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// The row's own position and all columns before it: [`Window::causal`].
    pub fn causal(self) -> Self {
        self.window(Window::causal())
    }

    /// The first so many elements of each row take part.
    pub fn lengths(mut self, lengths: &'a [u32], dims: &'a [usize]) -> Self {
        self.lengths = Some(Operand { data: lengths, dims });
        self
    }

    /// One more logit for each row, neither scaled nor masked, which takes its share of the sum and has
    /// no result. A sink of 0 is "softmax1" or "off by one". The row counts as one element longer.
    pub fn sinks(mut self, sinks: &'a [f32], dims: &'a [usize]) -> Self {
        self.sinks = Some(Operand { data: sinks, dims });
        self
    }

    /// A slope for each head, the third axis from the end: adds `-slope * |q + offset - k|` for query q
    /// and key k, the second axis from the end and the last one (Press, Smith, Lewis: "Train Short, Test
    /// Long", 2022). The offset is that of the window. One slope serves all heads.
    pub fn alibi(mut self, slopes: &'a [f32]) -> Self {
        self.alibi = Some(slopes);
        self
    }

    /// A factor for each row: its product with the operation's scale, rounded, is the row's scale. A
    /// row whose scale is not finite is NaN, unless nothing of it takes part.
    pub fn row_scale(mut self, scale: &'a [f32], dims: &'a [usize]) -> Self {
        self.row_scale = Some(Operand { data: scale, dims });
        self
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.form().is_empty()
    }

    /// An operation with what its empty rows are settled: where that is left open, it depends on whether
    /// anything here may hide a whole row.
    pub fn settle(&self, op: Op) -> Op {
        op.with_usual_empty_row(self.form().hides())
    }

    /// Axes and types.
    pub(crate) fn form(&self) -> Form<'a> {
        Form {
            mask: self.mask.map(|mask| mask.dims),
            bias: self.bias.map(|bias| (bias.data.dtype(), bias.dims)),
            window: self.window,
            lengths: self.lengths.map(|lengths| lengths.dims),
            sinks: self.sinks.map(|sinks| sinks.dims),
            row_scale: self.row_scale.map(|scale| scale.dims),
            slopes: self.alibi.map(|slopes| slopes.len() as u64),
        }
    }

    /// Whether everything fits the shape and the input's type.
    ///
    /// # Errors
    /// [`Error::Broadcast`], [`Error::Length`], [`Error::RowLength`], [`Error::DType`], [`Error::Axis`];
    /// [`Error::Binding`] where an operand reaches axes that were merged, beside an array of more than
    /// [`crate::MAX_AXES`].
    pub fn check(&self, shape: Shape, input: DType) -> Result<(), Error> {
        self.form().check(shape)?;
        if let Some(mask) = &self.mask {
            match mask.data {
                MaskData::Bytes(data) => check_length("mask", elements(mask.dims), data.len())?,
                MaskData::Bits(data) => {
                    check_length("mask (bytes of 8 bits)", elements(mask.dims).div_ceil(8), data.len())?;
                }
            }
        }
        if let Some(bias) = &self.bias {
            check_length("bias", elements(bias.dims), bias.data.len())?;
            if bias.data.dtype() == DType::F64 && input != DType::F64 {
                let why = format!("an input of {input} takes a bias of f32, f16 or bf16; convert the bias");
                return Err(Error::DType { operand: "bias", dtype: DType::F64, why });
            }
        }
        for (operand, given) in [("sinks", &self.sinks), ("row scale", &self.row_scale)] {
            if let Some(given) = given {
                check_length(operand, elements(given.dims), given.data.len())?;
            }
        }
        self.check_lengths(shape.cols())
    }

    /// Whether there are as many lengths as there must be, none beyond the row.
    fn check_lengths(&self, cols: u64) -> Result<(), Error> {
        let Some(lengths) = &self.lengths else { return Ok(()) };
        check_length("lengths", elements(lengths.dims), lengths.data.len())?;
        match (0..).zip(lengths.data).find(|(_, length)| u64::from(**length) > cols) {
            Some((index, &length)) => Err(Error::RowLength { index, length: length.into(), cols }),
            None => Ok(()),
        }
    }

    /// Whether everything is one per ragged row.
    ///
    /// # Errors
    /// As [`Masking::check`], and [`Error::Binding`] for what belongs to the elements of a row.
    pub(crate) fn check_ragged(&self, rows: Shape) -> Result<(), Error> {
        let others = [
            ("mask", self.mask.is_some()),
            ("bias", self.bias.is_some()),
            ("window", self.window.is_some()),
            ("lengths", self.lengths.is_some()),
            ("ALiBi slopes", self.alibi.is_some()),
        ];
        if let Some((operand, _)) = others.into_iter().find(|(_, given)| *given) {
            let why = "ragged rows take sinks and row scales alone; leave it out, or pad the rows".to_owned();
            return Err(Error::Binding { operand, why });
        }
        self.check(rows, DType::F32)
    }
}
