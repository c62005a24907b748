//! A plan: validated bindings and grids, ready to be recorded any number of times.

use std::ops::Range;

use super::args::{Beside, SoftmaxArgs, check_operand};
use super::ops::{Ops, Shared};
use super::options::DTypes;
use super::pipelines::Pipelines;
use super::planner::{Choice, Kernel};
use super::prepared::Prepared;
use super::source::Variant;
use super::table::{Blocks, blocks};
use super::tensor::check_in_place;
use super::window::{Params, Window, windows};
use crate::{EmptyRow, Error, Op, OpKind, Shape};

/// One dispatch of a plan.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub pipeline: wgpu::ComputePipeline,
    pub bindings: wgpu::BindGroup,
    pub grid: (u32, u32),
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

    pub(super) fn of(dispatches: Vec<Dispatch>, kernel: Option<Kernel>) -> Self {
        Self { dispatches, kernel }
    }

    /// Of f32 rows that lie one after the other.
    pub(super) fn plain(prepared: &Prepared, args: SoftmaxArgs<'_>) -> Result<Self, Error> {
        let elements = prepared.shape.elements()?;
        let results = prepared.op.kind.output_words(prepared.shape)?;
        check_operand("input", args.input, elements, 32)?;
        check_operand("output", args.output, results, 32)?;
        if let Some(what) = Beside::ALL.into_iter().find(|what| args.beside[*what as usize].is_some()) {
            let why = "it was not prepared for; add it to the terms, or leave it out";
            return Err(Error::Binding { operand: what.name(false), why: why.into() });
        }
        check_in_place(prepared.op.kind, DTypes::F32, elements != 0, &args)?;
        if results == 0 {
            return Ok(Self { dispatches: Vec::new(), kernel: None });
        }
        let elementwise = prepared.op.kind.is_elementwise();
        let aligned =
            args.input.offset.is_multiple_of(16) && (!elementwise || args.output.offset.is_multiple_of(16));
        let choice = prepared.ops.choice(prepared.shape, aligned)?;
        let in_place = args.in_place;
        let variant = Variant { in_place, ..Variant::new(&prepared.op, choice, prepared.shape.cols()) };
        let pipelines = prepared.ops.pipelines(&variant)?;
        let shared = &*prepared.ops.shared;
        let scratch = scratch(shared, prepared.shape.row_count(), &choice)?;
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
pub(super) fn scratch(shared: &Shared, rows: u64, choice: &Choice) -> Result<Option<wgpu::Buffer>, Error> {
    if !choice.kernel.is_split() {
        return Ok(None);
    }
    let size = rows * super::window::SCRATCH_BYTES;
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

/// The bits that a row of -inf is filled with.
pub(super) fn empty_fill(op: &Op) -> u32 {
    match (op.empty_row, op.kind) {
        (EmptyRow::Usual | EmptyRow::Nan, _) => crate::numerics::NAN_BITS,
        (EmptyRow::Zero, OpKind::Softmax) => 0,
        (EmptyRow::Zero, _) => crate::numerics::NEG_INF_BITS,
    }
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
        let params: Vec<Params> =
            windows.iter().map(|window| window.params(self.op.scale, empty_fill(self.op))).collect();
        let alignment = self.shared.limits.min_uniform_buffer_offset_alignment;
        let params =
            blocks(self.shared, "wgpu_softmax::params", &params, alignment, wgpu::BufferUsages::UNIFORM)?;
        let groups: Vec<_> = windows
            .iter()
            .enumerate()
            .map(|(i, window)| self.bindings(window, pipelines, &params, i as u64 * params.stride))
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

    fn bindings(&self, window: &Window, pipelines: &Pipelines, params: &Blocks, at: u64) -> wgpu::BindGroup {
        let bind =
            |buffer, offset, size| wgpu::BufferBinding { buffer, offset, size: wgpu::BufferSize::new(size) };
        let mut operands = vec![
            (0, bind(&params.buffer, at, params.size)),
            (2, bind(self.args.output.buffer, window.output.offset, window.output.size)),
            (3, bind(&self.shared.seal, 0, 4)),
        ];
        if !self.args.in_place {
            operands.push((1, bind(self.args.input.buffer, window.input.offset, window.input.size)));
        }
        operands.extend(self.scratch.as_ref().map(|buffer| (4, bind(buffer, 0, buffer.size()))));
        pipelines.bind(&self.shared.device, "wgpu_softmax::bindings", operands)
    }
}
