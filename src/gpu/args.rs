//! Buffers for an operation, and whether they fit it.

use crate::Error;

/// Elements in a caller's buffer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TensorRef<'a> {
    /// The buffer.
    pub buffer: &'a wgpu::Buffer,
    /// Bytes before the first element, a multiple of 4, of whatever type. Offsets that are multiples of 16
    /// are faster.
    pub offset: u64,
    /// Bytes from there that belong to it; the rest of the buffer where `None`.
    pub size: Option<u64>,
}

/// Where results go: the same kind of view as [`TensorRef`].
pub type TensorMut<'a> = TensorRef<'a>;

impl<'a> TensorRef<'a> {
    /// Starts this many bytes into the buffer.
    #[must_use]
    pub fn at(self, offset: u64) -> Self {
        Self { offset, ..self }
    }

    /// Ends this many bytes after its start. Of ragged rows no more than that is bound, so that they may lie
    /// in a buffer larger than a binding.
    #[must_use]
    pub fn with_size(self, bytes: u64) -> Self {
        Self { size: Some(bytes), ..self }
    }

    /// Bytes that belong to it.
    pub(super) fn bytes(self) -> u64 {
        let rest = self.buffer.size().saturating_sub(self.offset);
        self.size.map_or(rest, |bytes| bytes.min(rest))
    }
}

impl<'a> From<&'a wgpu::Buffer> for TensorRef<'a> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, offset: 0, size: None }
    }
}

/// What may stand beside the input in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Mask,
    Bias,
    /// Or the offsets of ragged rows.
    Lengths,
    Sinks,
    RowScale,
    Alibi,
}

impl Beside {
    pub const ALL: [Beside; 6] =
        [Beside::Mask, Beside::Bias, Beside::Lengths, Beside::Sinks, Beside::RowScale, Beside::Alibi];

    /// The name that errors use.
    pub fn name(self, ragged: bool) -> &'static str {
        match self {
            Beside::Mask => "mask",
            Beside::Bias => "bias",
            Beside::Lengths if ragged => "offsets",
            Beside::Lengths => "lengths",
            Beside::Sinks => "sinks",
            Beside::RowScale => "row scale",
            Beside::Alibi => "ALiBi slopes",
        }
    }
}

/// The operands of the softmax family.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct SoftmaxArgs<'a> {
    pub(super) input: TensorRef<'a>,
    pub(super) output: TensorMut<'a>,
    pub(super) in_place: bool,
    pub(super) beside: [Option<TensorRef<'a>>; 6],
}

impl<'a> SoftmaxArgs<'a> {
    /// Input, of usage STORAGE, and output, of usage STORAGE; they must not overlap.
    pub fn new(input: impl Into<TensorRef<'a>>, output: impl Into<TensorMut<'a>>) -> Self {
        Self { input: input.into(), output: output.into(), in_place: false, beside: [None; 6] }
    }

    /// A buffer of usage STORAGE whose elements become their results.
    pub fn in_place(elements: impl Into<TensorMut<'a>>) -> Self {
        let elements = elements.into();
        Self { input: elements, output: elements, in_place: true, beside: [None; 6] }
    }

    /// The mask, bytes or bits as [`super::Terms`] has it.
    pub fn mask(self, mask: impl Into<TensorRef<'a>>) -> Self {
        self.with(Beside::Mask, mask.into())
    }

    /// The bias.
    pub fn bias(self, bias: impl Into<TensorRef<'a>>) -> Self {
        self.with(Beside::Bias, bias.into())
    }

    /// u32 for each row.
    pub fn lengths(self, lengths: impl Into<TensorRef<'a>>) -> Self {
        self.with(Beside::Lengths, lengths.into())
    }

    /// Where ragged rows begin and end: u32, one more than there are rows.
    pub fn offsets(self, offsets: impl Into<TensorRef<'a>>) -> Self {
        self.with(Beside::Lengths, offsets.into())
    }

    /// f32 for each row.
    pub fn sinks(self, sinks: impl Into<TensorRef<'a>>) -> Self {
        self.with(Beside::Sinks, sinks.into())
    }

    /// f32 for each row.
    pub fn row_scale(self, scale: impl Into<TensorRef<'a>>) -> Self {
        self.with(Beside::RowScale, scale.into())
    }

    /// ALiBi's slopes, f32.
    pub fn alibi(self, slopes: impl Into<TensorRef<'a>>) -> Self {
        self.with(Beside::Alibi, slopes.into())
    }

    /// Of rows without columns: `zero`, a word of 0, stands for their elements and lengths.
    pub(super) fn without_columns(&self, zero: &'a wgpu::Buffer) -> Self {
        let mut beside = [None; 6];
        beside[Beside::Sinks as usize] = self.beside[Beside::Sinks as usize];
        Self { input: zero.into(), beside, ..*self }.lengths(zero)
    }

    fn with(mut self, what: Beside, tensor: TensorRef<'a>) -> Self {
        self.beside[what as usize] = Some(tensor);
        self
    }
}

/// Whether a buffer can be bound from where an operand in it starts.
///
/// # Errors
/// [`Error::Binding`], naming the operand.
pub(super) fn check_view(operand: &'static str, tensor: TensorRef<'_>) -> Result<(), Error> {
    let (usage, size, offset) = (tensor.buffer.usage(), tensor.buffer.size(), tensor.offset);
    let refused = |why: String| Err(Error::Binding { operand, why });
    if !usage.contains(wgpu::BufferUsages::STORAGE) {
        return refused(format!("its buffer has usage {usage:?}; create it with BufferUsages::STORAGE"));
    }
    if offset > size {
        return refused(format!(
            "it starts {offset} bytes into its buffer of {size}; let it start within it"
        ));
    }
    if let Some(bytes) = tensor.size.filter(|bytes| *bytes > size - offset) {
        return refused(format!(
            "its {bytes} bytes from {offset} on end behind its buffer of {size}; let it end within it"
        ));
    }
    Ok(())
}

/// Whether a buffer holds so many elements of so many bits each, and can be bound where there is one.
///
/// # Errors
/// [`Error::Binding`] and [`Error::Length`], naming the operand.
pub(super) fn check_operand(
    operand: &'static str,
    tensor: TensorRef<'_>,
    elements: u64,
    bits: u64,
) -> Result<(), Error> {
    let offset = tensor.offset;
    let refused = |why: String| Err(Error::Binding { operand, why });
    if elements > 0 {
        check_view(operand, tensor)?;
    }
    if !offset.is_multiple_of(4) {
        return refused(format!("it starts {offset} bytes into its buffer; that must be a multiple of 4"));
    }
    let there = tensor.bytes();
    let found = there.saturating_mul(8) / bits;
    if found < elements {
        return Err(Error::Length { operand, needed: elements, found });
    }
    let bound = (elements * bits).div_ceil(32) * 4;
    if there < bound {
        return refused(format!(
            "its {there} bytes are bound in whole words, {bound} bytes; make the buffer {} bytes longer",
            bound - there
        ));
    }
    Ok(())
}

/// Whether two operands can be bound beside each other, the second to be written.
///
/// # Errors
/// [`Error::Binding`] where they lie in one buffer.
pub(super) fn check_apart(
    (name, tensor): (&'static str, TensorRef<'_>),
    output: TensorMut<'_>,
) -> Result<(), Error> {
    if tensor.buffer != output.buffer {
        return Ok(());
    }
    // Even disjoint ranges of one buffer cannot be read and written in one dispatch.
    let (operand, why) = match name {
        "input" => (
            "output",
            "input and output lie in one buffer, which WebGPU does not allow in a dispatch; use a second \
             buffer, or SoftmaxArgs::in_place to overwrite the input",
        ),
        _ => (
            name,
            "it lies in the buffer of the output, which WebGPU does not allow in a dispatch; use another \
             buffer",
        ),
    };
    Err(Error::Binding { operand, why: why.into() })
}
