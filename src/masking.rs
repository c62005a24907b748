//! What stands beside the elements of an operation: which of them take part, what is added to them,
//! and what their rows are scaled by.

use crate::dtype::{Values, values};
use crate::shape::MAX_AXES;
use crate::{DType, Element, Error, Shape};

/// Columns that take part by their distance from a row's own position, without a mask in memory: in an
/// array of queries by keys (the last two axes, rows along the last), query `q` sees the keys from
/// `q + offset - before` to `q + offset + after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Window {
    /// Keys before a query's own position that it sees; all where `None`.
    pub before: Option<u64>,
    /// Keys after it; all where `None`.
    pub after: Option<u64>,
    /// The position of the first query among the keys: 0 where both begin together, the keys less the
    /// queries where both end together, as with a cache of earlier keys.
    pub offset: i64,
}

impl Window {
    /// Every query sees its own position and all before it.
    pub fn causal() -> Self {
        Self { before: None, after: Some(0), offset: 0 }
    }

    /// Every query sees the last `size` positions, its own the last of them.
    pub fn sliding(size: u64) -> Self {
        let before = Some(size.saturating_sub(1));
        Self { before, after: Some(0), offset: 0 }
    }

    /// Every query sees so many keys before its own position and after it; `None` is all.
    pub fn around(before: Option<u64>, after: Option<u64>) -> Self {
        Self { before, after, offset: 0 }
    }

    /// With the first query at this position among the keys.
    #[must_use]
    pub fn offset(mut self, offset: i64) -> Self {
        self.offset = offset;
        self
    }

    /// The columns, of so many, that query `q` sees.
    pub(crate) fn columns(&self, q: u64, cols: u64) -> std::ops::Range<u64> {
        let own = i128::from(q) + i128::from(self.offset);
        let bound = |at: i128| at.clamp(0, i128::from(cols)) as u64;
        let first = self.before.map_or(0, |before| bound(own - i128::from(before)));
        let end = self.after.map_or(cols, |after| bound(own + i128::from(after) + 1));
        first..end.max(first)
    }
}

/// A mask's elements.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MaskData<'a> {
    Bytes(&'a [u8]),
    Bits(&'a [u8]),
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
/// scales) broadcasts against the axes that are kept, those of a result with one element per row.
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
        !self.hides() && self.sinks.is_none() && self.row_scale.is_none() && self.alibi.is_none()
    }

    /// Whether elements may be masked, so that empty rows are zero unless told otherwise.
    pub(crate) fn hides(&self) -> bool {
        self.mask.is_some() || self.bias.is_some() || self.window.is_some() || self.lengths.is_some()
    }

    /// Whether everything fits the shape and the input's type.
    ///
    /// # Errors
    /// [`Error::Broadcast`], [`Error::Length`], [`Error::RowLength`], [`Error::DType`], [`Error::Axis`].
    pub fn check(&self, shape: Shape, input: DType) -> Result<(), Error> {
        if let Some(mask) = &self.mask {
            let elements = broadcast("mask", mask.dims, shape.dims())?;
            match mask.data {
                MaskData::Bytes(data) => crate::error::check_length("mask", elements, data.len())?,
                MaskData::Bits(data) => {
                    crate::error::check_length("mask (bytes of 8 bits)", elements.div_ceil(8), data.len())?;
                }
            }
        }
        if let Some(bias) = &self.bias {
            let elements = broadcast("bias", bias.dims, shape.dims())?;
            crate::error::check_length("bias", elements, bias.data.len())?;
            if bias.data.dtype() == DType::F64 && input != DType::F64 {
                let why = format!("an input of {input} takes a bias of f32, f16 or bf16; convert the bias");
                return Err(Error::DType { operand: "bias", dtype: DType::F64, why });
            }
        }
        let kept = shape.kept_dims();
        for (operand, given) in [("sinks", &self.sinks), ("row scale", &self.row_scale)] {
            if let Some(given) = given {
                crate::error::check_length(
                    operand,
                    broadcast(operand, given.dims, &kept)?,
                    given.data.len(),
                )?;
            }
        }
        if let Some(lengths) = &self.lengths {
            crate::error::check_length(
                "lengths",
                broadcast("lengths", lengths.dims, &kept)?,
                lengths.data.len(),
            )?;
            if let Some(index) = lengths.data.iter().position(|&length| u64::from(length) > shape.cols()) {
                let length = u64::from(lengths.data[index]);
                return Err(Error::RowLength { index: index as u64, length, cols: shape.cols() });
            }
        }
        self.check_positions(shape)
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

    /// Windows and ALiBi need rows along the last axis.
    fn check_positions(&self, shape: Shape) -> Result<(), Error> {
        check_positions(shape, self.window.is_some(), self.alibi.map(|slopes| slopes.len() as u64))
    }
}

/// Whether a shape has what windows, and so many slopes of ALiBi, count by.
///
/// # Errors
/// [`Error::Axis`] where rows run along another axis than the last, [`Error::Length`] where the slopes
/// are not as many as the third axis from the end.
pub(crate) fn check_positions(shape: Shape, window: bool, slopes: Option<u64>) -> Result<(), Error> {
    let rank = shape.rank();
    let is_last = rank > 0 && (0..rank).all(|axis| shape.is_reduced(axis) == (axis + 1 == rank));
    if (window || slopes.is_some()) && !is_last {
        let why =
            "causal masks, windows and ALiBi count keys along the last axis; let rows run along it alone"
                .into();
        return Err(Error::Axis { axis: -1, rank, why });
    }
    let heads = if rank >= 3 { shape.dims()[rank - 3] } else { 1 };
    match slopes {
        Some(found) if found != 1 && found != heads => {
            Err(Error::Length { operand: "ALiBi slopes", needed: heads, found })
        }
        _ => Ok(()),
    }
}

/// ALiBi's slopes for so many heads: 2^(-8/n), 2^(-16/n), ... where n is a power of two; else those of
/// the power of two below, then every other one of twice that (Press, Smith, Lewis, 2022).
pub fn alibi_slopes(heads: usize) -> Vec<f32> {
    let series = |n: usize| (1..=n).map(move |i| libm::exp2(-8.0 * i as f64 / n as f64) as f32);
    let below = if heads.is_power_of_two() { heads } else { heads.next_power_of_two() / 2 };
    series(below.max(1)).chain(series(2 * below.max(1)).step_by(2)).take(heads).collect()
}

/// Checks that axes broadcast to others. Returns how many elements they are.
///
/// # Errors
/// [`Error::Broadcast`] where they do not.
pub(crate) fn broadcast(operand: &'static str, dims: &[usize], to: &[u64]) -> Result<u64, Error> {
    let fits = dims.len() <= to.len()
        && dims.iter().rev().zip(to.iter().rev()).all(|(&dim, &to)| dim as u64 == to || dim == 1);
    if !fits {
        let to = to.iter().map(|&dim| dim as usize).collect();
        return Err(Error::Broadcast { operand, dims: dims.to_vec(), to });
    }
    let none = dims.contains(&0);
    Ok(if none { 0 } else { dims.iter().fold(1, |product, &dim| (dim as u64).saturating_mul(product)) })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_cut_at_the_row() {
        assert_eq!(Window::causal().columns(0, 5), 0..1);
        assert_eq!(Window::causal().columns(9, 5), 0..5);
        assert_eq!(Window::causal().offset(-3).columns(1, 5), 0..0);
        assert_eq!(Window::causal().offset(2).columns(1, 5), 0..4);
        assert_eq!(Window::sliding(2).columns(3, 5), 2..4);
        assert_eq!(Window::sliding(2).columns(0, 5), 0..1);
        assert_eq!(Window::around(Some(1), Some(1)).columns(4, 5), 3..5);
        assert_eq!(Window::sliding(1).columns(100, 5), 5..5);
        assert_eq!(Window::around(None, None).columns(u64::MAX, 5), 0..5);
    }

    #[test]
    fn operands_broadcast_as_numpy_has_it() {
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

    #[test]
    fn slopes_are_those_of_the_paper() {
        assert_eq!(
            alibi_slopes(8),
            [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015_625, 0.007_812_5, 0.003_906_25]
        );
        assert_eq!(alibi_slopes(3)[..2], [0.0625, 0.003_906_25]);
        assert_eq!(alibi_slopes(3)[2], 0.25);
        assert_eq!(alibi_slopes(0), [0.0; 0]);
    }
}
