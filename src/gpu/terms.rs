//! What stands beside the input of an operation, before there are buffers for it.

use crate::masking::{Form, MaskData, Masking};
use crate::{DType, Error, Shape, Window};

/// How a mask lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MaskKind {
    Bytes,
    Bits,
}

/// Which masks, biases and scales stand beside an operation's input: their axes and types, as in
/// [`Masking`], which says what each of them means. Their elements come as buffers when a
/// [`super::Prepared`] is bound.
///
/// ```
/// use wgpu_softmax::gpu::Terms;
/// use wgpu_softmax::DType;
///
/// // Attention scores of 2 sequences, 8 heads, 100 queries and 100 keys.
/// let terms = Terms::new().causal().lengths(&[2, 1, 1]).bias(DType::F16, &[8, 1, 100]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Terms {
    pub(crate) mask: Option<(MaskKind, Vec<usize>)>,
    pub(crate) bias: Option<(DType, Vec<usize>)>,
    pub(crate) window: Option<Window>,
    pub(crate) lengths: Option<Vec<usize>>,
    pub(crate) sinks: Option<Vec<usize>>,
    pub(crate) row_scale: Option<Vec<usize>>,
    pub(crate) alibi: Option<usize>,
}

impl Terms {
    /// Nothing beside the input.
    pub fn new() -> Self {
        Self::default()
    }

    /// A byte per element: [`Masking::mask_bytes`].
    pub fn mask_bytes(mut self, dims: &[usize]) -> Self {
        self.mask = Some((MaskKind::Bytes, dims.to_vec()));
        self
    }

    /// A bit per element: [`Masking::mask_bits`].
    pub fn mask_bits(mut self, dims: &[usize]) -> Self {
        self.mask = Some((MaskKind::Bits, dims.to_vec()));
        self
    }

    /// Numbers of a type that are added to the scaled elements: [`Masking::bias`].
    pub fn bias(mut self, dtype: DType, dims: &[usize]) -> Self {
        self.bias = Some((dtype, dims.to_vec()));
        self
    }

    /// Columns by their distance from the row's own position: [`Masking::window`].
    pub fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// The row's own position and all columns before it: [`Window::causal`].
    pub fn causal(self) -> Self {
        self.window(Window::causal())
    }

    /// u32 for each row, so many of whose elements take part: [`Masking::lengths`]. What lies in a buffer
    /// cannot be checked: a length beyond the columns counts as all of them.
    pub fn lengths(mut self, dims: &[usize]) -> Self {
        self.lengths = Some(dims.to_vec());
        self
    }

    /// f32 for each row, one more logit: [`Masking::sinks`].
    pub fn sinks(mut self, dims: &[usize]) -> Self {
        self.sinks = Some(dims.to_vec());
        self
    }

    /// f32 for each row, its factor: [`Masking::row_scale`].
    pub fn row_scale(mut self, dims: &[usize]) -> Self {
        self.row_scale = Some(dims.to_vec());
        self
    }

    /// f32 for each head, so many slopes: [`Masking::alibi`].
    pub fn alibi(mut self, slopes: usize) -> Self {
        self.alibi = Some(slopes);
        self
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.form().is_empty()
    }

    /// The same, borrowed.
    pub(crate) fn form(&self) -> Form<'_> {
        Form {
            mask: self.mask.as_ref().map(|(_, dims)| &dims[..]),
            bias: self.bias.as_ref().map(|(dtype, dims)| (*dtype, &dims[..])),
            window: self.window,
            lengths: self.lengths.as_deref(),
            sinks: self.sinks.as_deref(),
            row_scale: self.row_scale.as_deref(),
            slopes: self.alibi.map(|slopes| slopes as u64),
        }
    }

    /// Whether everything fits the shape.
    ///
    /// # Errors
    /// [`Error::Broadcast`], [`Error::Length`], [`Error::DType`], [`Error::Axis`].
    pub(crate) fn check(&self, shape: Shape) -> Result<(), Error> {
        if let Some((DType::F64, _)) = self.bias {
            let why = "the GPU takes a bias of f32, f16 or bf16; convert the bias".into();
            return Err(Error::DType { operand: "bias", dtype: DType::F64, why });
        }
        self.form().check(shape)
    }
}

/// The axes and types of a [`Masking`], without its elements.
impl From<&Masking<'_>> for Terms {
    fn from(masking: &Masking<'_>) -> Self {
        let kind = |data: &MaskData<'_>| match data {
            MaskData::Bytes(_) => MaskKind::Bytes,
            MaskData::Bits(_) => MaskKind::Bits,
        };
        Self {
            mask: masking.mask.map(|mask| (kind(&mask.data), mask.dims.to_vec())),
            bias: masking.bias.map(|bias| (bias.data.dtype(), bias.dims.to_vec())),
            window: masking.window,
            lengths: masking.lengths.map(|given| given.dims.to_vec()),
            sinks: masking.sinks.map(|given| given.dims.to_vec()),
            row_scale: masking.row_scale.map(|given| given.dims.to_vec()),
            alibi: masking.alibi.map(<[f32]>::len),
        }
    }
}
