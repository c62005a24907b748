//! A plan: validated bindings and grids, ready to be recorded any number of times.

use std::ops::Range;

use super::ops::{Ops, Pipelines, Shared, filled_buffer};
use super::planner::{Choice, Kernel};
use super::prepared::Prepared;
use super::source::Variant;
use super::window::{Params, Window, windows};
use crate::{EmptyRow, Error, Op, OpKind, Shape};

/// Elements in a caller's buffer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TensorRef<'a> {
    /// The buffer.
    pub buffer: &'a wgpu::Buffer,
    /// Bytes before the first element, a multiple of 4. Offsets that are multiples of 16 are faster.
    pub offset: u64,
}

/// Where results go: the same kind of view as [`TensorRef`].
pub type TensorMut<'a> = TensorRef<'a>;

impl<'a> TensorRef<'a> {
    /// Starts this many bytes into the buffer.
    #[must_use]
    pub fn at(self, offset: u64) -> Self {
        Self { offset, ..self }
    }
}

impl<'a> From<&'a wgpu::Buffer> for TensorRef<'a> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, offset: 0 }
    }
}

/// The operands of the softmax family.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct SoftmaxArgs<'a> {
    input: TensorRef<'a>,
    output: TensorMut<'a>,
}

impl<'a> SoftmaxArgs<'a> {
    /// Input, of usage STORAGE, and output, of usage STORAGE; they must not overlap.
    pub fn new(input: impl Into<TensorRef<'a>>, output: impl Into<TensorMut<'a>>) -> Self {
        Self { input: input.into(), output: output.into() }
    }
}

/// One dispatch of a plan.
#[derive(Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    grid: (u32, u32),
}

/// An operation on given buffers. Recording it cannot fail and never submits; it may be recorded
/// again and again, and plans do not see each other's parameters or scratch.
#[derive(Debug)]
#[must_use]
pub struct Plan {
    dispatches: Vec<Dispatch>,
    kernel: Option<Kernel>,
}

impl Plan {
    /// Records the plan as a compute pass of its own.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("wgpu_softmax::plan"),
            timestamp_writes: None,
        });
        self.record(&mut pass);
    }

    /// Records the plan into a pass. It sets a pipeline and bind group 0.
    pub fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        for dispatch in &self.dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.bindings, &[]);
            pass.dispatch_workgroups(dispatch.grid.0, dispatch.grid.1, 1);
        }
    }

    /// The kernel that was chosen; `None` where there is nothing to compute.
    pub fn kernel(&self) -> Option<Kernel> {
        self.kernel
    }

    /// How many dispatches a recording has.
    pub fn dispatches(&self) -> usize {
        self.dispatches.len()
    }

    pub(super) fn new(prepared: &Prepared, args: SoftmaxArgs<'_>) -> Result<Self, Error> {
        let elements = prepared.shape.elements()?;
        let results = prepared.op.kind.output_words(prepared.shape)?;
        check_operand("input", args.input, elements)?;
        check_operand("output", args.output, results)?;
        check_overlap(args, elements * 4, results * 4)?;
        if prepared.shape.is_empty() {
            return Ok(Self { dispatches: Vec::new(), kernel: None });
        }
        let elementwise = prepared.op.kind.is_elementwise();
        let aligned =
            args.input.offset.is_multiple_of(16) && (!elementwise || args.output.offset.is_multiple_of(16));
        let choice = prepared.ops.choice(prepared.shape, aligned)?;
        let variant = Variant::new(&prepared.op, choice, prepared.shape.cols());
        let pipelines = prepared.ops.pipelines(&variant)?;
        let shared = &*prepared.ops.shared;
        let scratch = scratch(shared, prepared.shape, &choice)?;
        let builder = Builder { shared, op: &prepared.op, shape: prepared.shape, args, choice, scratch };
        let dispatches = builder.dispatches(&pipelines, 0..pipelines.stages.len())?;
        Ok(Self { dispatches, kernel: Some(choice.kernel) })
    }

    /// One stage of split rows on a piece of one row; the scratch comes and goes by the host.
    pub(super) fn piece(
        ops: &Ops,
        op: &Op,
        piece: Piece,
        args: SoftmaxArgs<'_>,
        scratch: wgpu::Buffer,
    ) -> Result<Self, Error> {
        let choice = ops.split_choice(piece.len)?;
        let pipelines = ops.pipelines(&Variant::new(op, choice, piece.cols))?;
        let shape = Shape::rows(1, piece.len as usize);
        let builder = Builder { shared: &ops.shared, op, shape, args, choice, scratch: Some(scratch) };
        let stage = piece.stage as usize;
        Ok(Self {
            dispatches: builder.dispatches(&pipelines, stage..stage + 1)?,
            kernel: Some(choice.kernel),
        })
    }
}

/// The stages of split rows that pieces take, by their place among the entry points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Max = 1,
    Sum = 2,
    Write = 3,
}

/// A piece of a row of so many columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub stage: Stage,
    pub cols: u64,
    pub len: u64,
}

/// What the workgroups of split rows share, cleared by the plan's first dispatch.
fn scratch(shared: &Shared, shape: Shape, choice: &Choice) -> Result<Option<wgpu::Buffer>, Error> {
    if choice.kernel != Kernel::Split {
        return Ok(None);
    }
    let size = shape.row_count() * super::window::SCRATCH_BYTES;
    let limit = shared.limits.max_storage_buffer_binding_size.min(shared.limits.max_buffer_size);
    if size > limit {
        let hint = "split the batch into fewer rows";
        return Err(Error::Limit { what: "scratch bytes of the split rows", needed: size, limit, hint });
    }
    Ok(Some(shared.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("wgpu_softmax::split::scratch"),
        size,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    })))
}

fn check_operand(operand: &'static str, tensor: TensorRef<'_>, words: u64) -> Result<(), Error> {
    let TensorRef { buffer, offset } = tensor;
    if !buffer.usage().contains(wgpu::BufferUsages::STORAGE) && words > 0 {
        let why = format!("its buffer has usage {:?}; create it with BufferUsages::STORAGE", buffer.usage());
        return Err(Error::Binding { operand, why });
    }
    if offset % 4 != 0 {
        let why = format!("it starts {offset} bytes into its buffer; that must be a multiple of 4");
        return Err(Error::Binding { operand, why });
    }
    let found = buffer.size().saturating_sub(offset) / 4;
    if found < words {
        return Err(Error::Length { operand, needed: words, found });
    }
    Ok(())
}

fn check_overlap(args: SoftmaxArgs<'_>, input: u64, output: u64) -> Result<(), Error> {
    if args.input.buffer != args.output.buffer || input == 0 || output == 0 {
        return Ok(());
    }
    // Even disjoint ranges of one buffer cannot be read and written in one dispatch.
    let why = "input and output lie in one buffer, which WebGPU does not allow in a dispatch; \
               use a second buffer";
    Err(Error::Binding { operand: "output", why: why.into() })
}

struct Builder<'a> {
    shared: &'a Shared,
    op: &'a Op,
    shape: Shape,
    args: SoftmaxArgs<'a>,
    choice: Choice,
    scratch: Option<wgpu::Buffer>,
}

impl Builder<'_> {
    fn dispatches(&self, pipelines: &Pipelines, stages: Range<usize>) -> Result<Vec<Dispatch>, Error> {
        let words_per_row = match self.op.kind {
            OpKind::Softmax | OpKind::LogSoftmax => None,
            OpKind::LogSumExp => Some(1),
            OpKind::RowStats => Some(crate::RowStats::WORDS),
        };
        let windows = windows(
            self.shape,
            words_per_row,
            (self.args.input.offset, self.args.output.offset),
            &self.choice,
            &self.shared.caps,
            &self.shared.limits,
        )?;
        let (params, stride) = self.parameters(&windows)?;
        let groups: Vec<_> = windows
            .iter()
            .enumerate()
            .map(|(i, w)| self.bindings(w, pipelines, &params, i as u64 * stride))
            .collect();
        let mut dispatches = Vec::new();
        for stage in stages {
            let pipeline = &pipelines.stages[stage];
            for (window, bindings) in windows.iter().zip(&groups) {
                // The scratch is cleared once for all windows of a row.
                if self.choice.kernel == Kernel::Split && stage == 0 && !window.starts_row() {
                    continue;
                }
                let grid = window.grid(stage, &self.choice, &self.shared.caps);
                dispatches.push(Dispatch { pipeline: pipeline.clone(), bindings: bindings.clone(), grid });
            }
        }
        Ok(dispatches)
    }

    /// One buffer with the parameters of each window, and the bytes from one to the next.
    fn parameters(&self, windows: &[Window]) -> Result<(wgpu::Buffer, u64), Error> {
        let op = self.op;
        let empty_fill = match (op.empty_row, op.kind) {
            (EmptyRow::Usual | EmptyRow::Nan, _) => crate::numerics::NAN_BITS,
            (EmptyRow::Zero, OpKind::Softmax) => 0,
            (EmptyRow::Zero, _) => crate::numerics::NEG_INF_BITS,
        };
        let alignment = self.shared.limits.min_uniform_buffer_offset_alignment as usize;
        let stride = size_of::<Params>().next_multiple_of(alignment);
        let mut bytes = vec![0u8; stride * windows.len()];
        for (window, block) in windows.iter().zip(bytes.chunks_exact_mut(stride)) {
            let params = window.params(op.scale, empty_fill);
            block[..size_of::<Params>()].copy_from_slice(bytemuck::bytes_of(&params));
        }
        let (device, usage) = (&self.shared.device, wgpu::BufferUsages::UNIFORM);
        Ok((filled_buffer(device, "wgpu_softmax::params", &bytes, usage)?, stride as u64))
    }

    fn bindings(
        &self,
        window: &Window,
        pipelines: &Pipelines,
        params: &wgpu::Buffer,
        at: u64,
    ) -> wgpu::BindGroup {
        let bind =
            |buffer, offset, size| wgpu::BufferBinding { buffer, offset, size: wgpu::BufferSize::new(size) };
        let mut operands = vec![
            bind(params, at, size_of::<Params>() as u64),
            bind(self.args.input.buffer, window.input.offset, window.input.size),
            bind(self.args.output.buffer, window.output.offset, window.output.size),
            bind(&self.shared.seal, 0, 4),
        ];
        operands.extend(self.scratch.as_ref().map(|buffer| bind(buffer, 0, buffer.size())));
        let entries: Vec<_> = operands
            .into_iter()
            .enumerate()
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource: wgpu::BindingResource::Buffer(buffer),
            })
            .collect();
        self.shared.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("wgpu_softmax::bindings"),
            layout: &pipelines.layout,
            entries: &entries,
        })
    }
}
