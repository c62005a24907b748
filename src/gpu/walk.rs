//! Plans of tensors: pieces of their walks that fit bindings and grids, and the tables that shaders find
//! their elements by.

use super::args::SoftmaxArgs;
use super::levels::{self, Fit, Piece};
use super::ops::Shared;
use super::pipelines::Pipelines;
use super::plan::{Dispatch, Plan, empty_fill, scratch};
use super::planner::{Choice, Kernel};
use super::prepared::Prepared;
use super::reach::{Bytes, place};
use super::source::Slots;
use super::table::{Blocks, Table, blocks, level_data};
use super::tensor::Tensor;
use super::window::{Params, SCRATCH_BYTES, grid};
use crate::masking::levels::{INPUT, OPERANDS, QUERY};
use crate::{Error, Window};

/// Bytes of a binding that the shaders' indices reach.
pub(super) const MOST_BYTES: u64 = 1 << 31;
/// Positions that stand for all: more than those of any element.
const ALL_POSITIONS: i128 = 1 << 30;

/// A tensor with its buffers.
pub(super) struct Walk<'a> {
    pub shared: &'a Shared,
    pub prepared: &'a Prepared,
    pub tensor: &'a Tensor,
    pub args: &'a SoftmaxArgs<'a>,
    pub slots: Slots,
    pub choice: Choice,
}

/// Binds buffers to a tensor's operation.
pub(super) fn bind(prepared: &Prepared, tensor: &Tensor, args: &SoftmaxArgs<'_>) -> Result<Plan, Error> {
    tensor.check_args(&prepared.op, args)?;
    let Some(choice) = prepared.choice else { return Ok(Plan::of(Vec::new(), None)) };
    if !tensor.is_without_columns(args) {
        return bind_columns(prepared, tensor, args, choice);
    }
    if prepared.op.kind.is_elementwise() {
        return Ok(Plan::of(Vec::new(), None));
    }
    let bare = tensor.without_columns(&prepared.op)?;
    let args = args.without_columns(&prepared.ops.shared.seal);
    bind_columns(prepared, &bare, &args, prepared.ops.choose(&bare.rows(), None)?)
}

/// The same where there is an element to read.
fn bind_columns(
    prepared: &Prepared,
    tensor: &Tensor,
    args: &SoftmaxArgs<'_>,
    mut choice: Choice,
) -> Result<Plan, Error> {
    let narrow = (!tensor.takes(args)).then(|| tensor.narrow());
    let tensor = narrow.as_ref().unwrap_or(tensor);
    if narrow.is_some() {
        choice = prepared.ops.choose(&tensor.rows(), None)?;
    }
    let (shared, slots) = (&*prepared.ops.shared, Tensor::slots(args));
    let mut walk = Walk { shared, prepared, tensor, args, slots, choice };
    let pieces = match walk.pieces() {
        Err(_) if shared.force.is_none() && !choice.kernel.is_split() && !tensor.ragged => {
            let by = if tensor.levels.ends_in_columns() { Kernel::Split } else { Kernel::SplitColumns };
            walk.choice = prepared.ops.choose(&tensor.rows(), Some(by))?;
            walk.pieces()?
        }
        found => found?,
    };
    pieces.iter().flatten().try_for_each(|piece| walk.check_indices(piece))?;
    pieces.iter().try_for_each(|batch| walk.check_parts(batch))?;
    let variant = tensor.variant(&prepared.op, walk.choice, &slots, args.in_place);
    shared.check_bindings(&variant)?;
    let pipelines = prepared.ops.pipelines(&variant)?;
    Ok(Plan::of(walk.dispatches(&pieces, &pipelines)?, Some(walk.choice.kernel)))
}

impl Walk<'_> {
    /// Pieces by the rows that share a scratch.
    fn pieces(&self) -> Result<Vec<Vec<Piece>>, Error> {
        let (levels, is_split) = (&self.tensor.levels, self.choice.kernel.is_split());
        let fits = |piece: &Piece| !is_split || piece.row_count() * SCRATCH_BYTES <= self.most_bytes();
        let by_scratch = |piece: &Piece| if fits(piece) { Fit::Fits } else { Fit::Grid };
        let fit = |piece: &Piece| self.fit(piece);
        let of = |batch| levels::pieces(levels, batch, is_split, &fit);
        let batches = levels::pieces(levels, Piece::whole(levels), false, &by_scratch);
        let found = batches.and_then(|batches| batches.into_iter().map(of).collect::<Result<_, _>>());
        found.map_err(|(piece, fit)| match fit {
            Fit::Grid => Error::Limit {
                what: "workgroups of one row",
                needed: self.parts(&piece),
                limit: self.most_groups(),
                hint: "use the CPU",
            },
            _ if self.tensor.ragged => Error::Limit {
                what: "bytes of ragged rows in a binding",
                needed: self.largest(&piece),
                limit: self.most_bytes(),
                hint: "say by TensorRef::with_size which part of the buffer the rows have, split the batch into \
                       fewer rows, or request a larger max_storage_buffer_binding_size",
            },
            _ => Error::Limit {
                what: "bytes of one row's operands in a binding",
                needed: self.largest(&piece),
                limit: self.most_bytes(),
                hint: "request a larger max_storage_buffer_binding_size, or leave the kernel to the planner, \
                       which splits such rows where that helps",
            },
        })
    }

    fn most_bytes(&self) -> u64 {
        self.shared.limits.max_storage_buffer_binding_size.min(MOST_BYTES)
    }

    fn most_groups(&self) -> u64 {
        u64::from(self.shared.limits.max_compute_workgroups_per_dimension).pow(2).min(1 << 31)
    }

    fn fit(&self, piece: &Piece) -> Fit {
        if self.largest(piece) > self.most_bytes() {
            return Fit::Memory;
        }
        let groups = self.teams(piece).div_ceil(self.choice.rows_per_group(&self.shared.caps));
        let fits =
            groups.saturating_mul(self.parts(piece)) <= self.most_groups() && piece.row_count() < 1 << 31;
        if fits { Fit::Fits } else { Fit::Grid }
    }

    fn dispatches(&self, batches: &[Vec<Piece>], pipelines: &Pipelines) -> Result<Vec<Dispatch>, Error> {
        let limits = &self.shared.limits;
        let first_row = |piece: &Piece| piece.first(&self.tensor.levels).0;
        let params = |batch: &Vec<Piece>| {
            let base = batch.first().map_or(0, first_row);
            batch.iter().map(|piece| self.params(piece, base)).collect::<Vec<_>>()
        };
        let params: Vec<_> = batches.iter().flat_map(params).collect();
        let tables: Vec<_> = batches.iter().flatten().map(|piece| self.table(piece)).collect();
        let (usage, alignment) = (wgpu::BufferUsages::UNIFORM, limits.min_uniform_buffer_offset_alignment);
        let params = blocks(self.shared, "wgpu_softmax::params", &params, alignment, usage)?;
        let (usage, alignment) = (wgpu::BufferUsages::STORAGE, limits.min_storage_buffer_offset_alignment);
        let tables = blocks(self.shared, "wgpu_softmax::tables", &tables, alignment, usage)?;
        let rows = |batch: &Vec<Piece>| {
            let base = batch.first().map_or(0, first_row);
            batch.iter().map(|piece| first_row(piece) + piece.row_count() - base).max()
        };
        let rows = batches.iter().filter_map(rows).max().unwrap_or(0);
        let scratch = scratch(self.shared, rows, &self.choice)?;
        let mut block = 0;
        let mut dispatches = Vec::new();
        for batch in batches {
            let groups: Vec<_> = (block..)
                .zip(batch)
                .map(|(i, piece)| {
                    self.bindings(piece, pipelines, [(&params, i), (&tables, i)], scratch.as_ref())
                })
                .collect();
            block += batch.len() as u64;
            self.record(batch, &groups, pipelines, &mut dispatches);
        }
        Ok(dispatches)
    }

    /// The stages on rows that share a scratch.
    fn record(
        &self,
        batch: &[Piece],
        groups: &[wgpu::BindGroup],
        pipelines: &Pipelines,
        dispatches: &mut Vec<Dispatch>,
    ) {
        let most_x = self.shared.limits.max_compute_workgroups_per_dimension;
        for (stage, pipeline) in pipelines.stages.iter().enumerate() {
            for (piece, bindings) in batch.iter().zip(groups) {
                // The scratch is cleared once for all pieces of a row.
                if self.choice.kernel.is_split() && stage == 0 && piece.first(&self.tensor.levels).1 != 0 {
                    continue;
                }
                let (rows, parts) = (self.teams(piece), self.parts(piece));
                let grid = grid(stage, &self.choice, &self.shared.caps, (rows, parts), most_x);
                dispatches.push(Dispatch { pipeline: pipeline.clone(), bindings: bindings.clone(), grid });
            }
        }
    }

    /// What a piece is told; `base` is the first row of those that share its scratch.
    fn params(&self, piece: &Piece, base: u64) -> Params {
        let (op, units) = (&self.prepared.op, self.units(piece.col_count()));
        let bits = self.tensor.types.output.bytes() * 8;
        let (first_row, first_col) = piece.first(&self.tensor.levels);
        Params {
            rows: self.teams(piece) as u32,
            units: units as u32,
            in_base: 0,
            out_base: self.base(self.args.output, self.results(piece).start, bits, self.output(piece)),
            grid_x: self.shared.limits.max_compute_workgroups_per_dimension,
            scale: op.scale,
            empty_fill: empty_fill(op),
            parts: self.parts(piece) as u32,
            part_units: self.part_units() as u32,
            scratch_base: (first_row - base) as u32,
            starts_row: u32::from(first_col == 0),
            cols: piece.col_count() as u32,
        }
    }

    fn table(&self, piece: &Piece) -> Table {
        let tensor = self.tensor;
        let mut starts = [0; OPERANDS];
        let input = self.reach(piece, INPUT).start;
        starts[INPUT] = self.base(self.args.input, input, tensor.types.input.bytes() * 8, self.input(piece));
        starts[QUERY] = self.reach(piece, QUERY).start as u32;
        for (what, operand, bits) in self.beside() {
            let (at, bound) = (place(what), self.slot(piece, self.slots.of[what as usize]));
            starts[at] = self.base(operand, self.reach(piece, at).start, bits, bound);
        }
        let window = tensor.terms.window.unwrap_or(Window::around(None, None));
        let clamped = |at: i128| at.clamp(-ALL_POSITIONS, ALL_POSITIONS) as i32;
        let own = i128::from(window.offset);
        Table {
            zero: 0,
            cols: piece.col_count() as u32,
            first_col: piece.first(&tensor.levels).1 as u32,
            window_first: clamped(window.before.map_or(-ALL_POSITIONS, |before| own - i128::from(before))),
            window_end: clamped(window.after.map_or(ALL_POSITIONS, |after| own + i128::from(after) + 1)),
            own: clamped(own),
            row_cols: tensor.shape.cols() as i32,
            total: if tensor.ragged { tensor.total(self.args) as u32 } else { 0 },
            starts,
            rows: level_data(&tensor.levels.rows, &piece.rows),
            columns: level_data(&tensor.levels.cols, &piece.cols),
        }
    }

    fn bindings(
        &self,
        piece: &Piece,
        pipelines: &Pipelines,
        [params, tables]: [(&Blocks, u64); 2],
        scratch: Option<&wgpu::Buffer>,
    ) -> wgpu::BindGroup {
        let bind = |buffer, bytes: Bytes| wgpu::BufferBinding {
            buffer,
            offset: bytes.start,
            size: wgpu::BufferSize::new(bytes.size()),
        };
        let block = |(blocks, i): (&'_ Blocks, u64)| Bytes {
            start: i * blocks.stride,
            end: i * blocks.stride + blocks.size,
        };
        let mut entries = vec![
            (0, bind(&params.0.buffer, block(params))),
            (2, bind(self.args.output.buffer, self.output(piece))),
            (3, bind(&tables.0.buffer, block(tables))),
        ];
        if !self.args.in_place {
            entries.push((1, bind(self.args.input.buffer, self.input(piece))));
        }
        entries.extend(scratch.map(|buffer| (4, bind(buffer, Bytes { start: 0, end: buffer.size() }))));
        for slot in 0..self.slots.buffers {
            let tensor = self.beside().find(|(what, ..)| self.slots.of[*what as usize] == slot);
            let (_, tensor, _) = tensor.expect("a slot has an operand");
            entries.push((5 + u32::from(slot), bind(tensor.buffer, self.slot(piece, slot))));
        }
        pipelines.bind(&self.shared.device, "wgpu_softmax::tensor", entries)
    }
}
