//! Pooled staging: a ring of reused buffers, each with the plans that were made for it.

use std::time::Duration;

use super::args::SoftmaxArgs;
use super::clock::Clock;
use super::device::{Mapping, OpenDevice};
use super::landing::Landing;
use super::ops::Ops;
use super::options::DTypes;
use super::plan::{Piece, Plan, Stage};
use super::side::{Side, buffer, side};
use super::small::Direct;
use super::window::SCRATCH_BYTES;
use crate::web::Instant;
use crate::{Error, Op, Shape};

/// Plans that a slot keeps: of full and of last chunks or pieces, of the operations used in turn.
const PLANS: usize = 8;
/// Words of a split row's scratch.
pub(crate) const SCRATCH_WORDS: usize = (SCRATCH_BYTES / 4) as usize;

/// Reused buffers of one device.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    ring: Vec<Slot>,
    /// Whether a run has begun and not ended: its mappings may be pending.
    busy: bool,
    /// The way of small batches.
    pub direct: Direct,
}

impl Transfer {
    /// Begins a run with so many slots of so many bytes in and out each. `bound`: whether the ring may
    /// not be much larger than that.
    ///
    /// # Errors
    /// [`Error::Device`] where the device failed before, or has not so much memory.
    pub fn begin(
        &mut self,
        open: &OpenDevice,
        slots: usize,
        sides: (u64, u64),
        bound: bool,
    ) -> Result<(), Error> {
        open.check()?;
        if std::mem::replace(&mut self.busy, true) {
            // An earlier run failed, or its future was dropped.
            self.ring.clear();
        }
        self.reserve(open, slots, sides, bound);
        open.check().inspect_err(|_| self.release())
    }

    /// Gives the buffers' memory back, where the device failed: whoever takes over may need it.
    pub fn release(&mut self) {
        self.ring.clear();
    }

    /// Ends a run, of which nothing is under way any more.
    pub fn end(&mut self) {
        self.busy = false;
    }

    /// Forgets the plans, but keeps the buffers.
    pub fn forget_plans(&mut self) {
        self.ring.iter_mut().for_each(|slot| slot.plans.clear());
        self.direct.forget();
    }

    /// A slot by its number.
    pub fn slot(&mut self, index: usize) -> &mut Slot {
        &mut self.ring[index]
    }

    /// Makes the ring's buffers, unless they are there and fit.
    fn reserve(&mut self, open: &OpenDevice, slots: usize, (input, output): (u64, u64), bound: bool) {
        let fits = |have: u64, need: u64| have >= need && !(bound && have > (2 * need).max(SMALL_BYTES));
        let is_there = |slot: &Slot| fits(slot.input.size(), input) && fits(slot.output.size(), output);
        if self.ring.len() >= slots && self.ring.iter().all(is_there) {
            if bound {
                self.ring.truncate(slots);
            }
            return;
        }
        let have = self.ring.first().filter(|_| !bound).map(|slot| (slot.input.size(), slot.output.size()));
        let (have_in, have_out) = have.unwrap_or_default();
        self.ring.clear();
        self.ring.extend((0..slots).map(|_| Slot::new(open, input.max(have_in), output.max(have_out))));
    }
}

/// Buffers up to here are kept by bound runs too.
const SMALL_BYTES: u64 = 1 << 20;

/// What a slot's plan was made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DeviceWork {
    /// Whole rows.
    Rows(Shape),
    /// A stage of a piece of a row.
    Piece(Piece),
}

/// One chunk's buffers.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its side of the host is mapped whenever no chunk is under way.
    input: Side,
    output: Side,
    /// What a piece is told and tells.
    scratch: Option<Side>,
    plans: Vec<(Op, DeviceWork, Plan)>,
    clock: Option<Clock>,
    /// Reused where there is one chunk at a time.
    landing: Option<Landing>,
}

/// A chunk that was submitted.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub landing: Landing,
    pub kernel: &'static str,
    pub at: Instant,
}

impl Slot {
    fn new(open: &OpenDevice, input: u64, output: u64) -> Self {
        use wgpu::BufferUsages as Usage;
        let (up, down) = (Usage::MAP_WRITE, Usage::MAP_READ);
        let input = side(open, "input", input, up, Usage::COPY_SRC, Usage::COPY_DST);
        let output = side(open, "output", output, down, Usage::COPY_DST, Usage::COPY_SRC);
        let clock = Clock::new(&open.device, &open.queue);
        Self { input, output, scratch: None, plans: Vec::new(), clock, landing: None }
    }

    /// A slot of its own for small batches: one at a time, without timestamps.
    pub fn direct(open: &OpenDevice, bytes: u64) -> Self {
        Self { clock: None, landing: Some(Landing::new(0)), ..Self::new(open, bytes, bytes) }
    }

    /// Has `fill` write elements to the mapped buffer.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn fill(&mut self, fill: impl FnOnce(&wgpu::Buffer) -> Result<(), Error>) -> Result<(), Error> {
        fill(self.input.host())?;
        self.input.host().unmap();
        Ok(())
    }

    /// Submits a chunk whose elements were written. `told` is a piece's scratch.
    pub fn submit(
        &mut self,
        open: &OpenDevice,
        ops: &Ops,
        op: Op,
        work: DeviceWork,
        told: Option<&[u32; SCRATCH_WORDS]>,
    ) -> Result<Submitted, Error> {
        let scratch = told.map(|told| self.scratch(open, told));
        let at = self.plan(ops, op, work, scratch)?;
        let plan = &self.plans[at].2;
        let kernel = plan.kernel().map_or("none", |kernel| kernel.name());
        let (read, read_bytes) = self.result(op, work)?;
        let mut encoder = open.device.create_command_encoder(&Default::default());
        if let Some(up) = &self.input.host {
            let bytes = input_bytes(work)?;
            encoder.copy_buffer_to_buffer(up, 0, &self.input.storage, 0, bytes);
        }
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("wgpu_softmax::chunk"),
                timestamp_writes: self.clock.as_ref().map(Clock::writes),
            });
            plan.record(&mut pass);
        }
        if let Some(down) = &read.host {
            encoder.copy_buffer_to_buffer(&read.storage, 0, down, 0, read_bytes);
        }
        if let Some(clock) = &self.clock {
            clock.resolve(&mut encoder);
        }
        let at = Instant::now();
        let submission = open.queue.submit([encoder.finish()]);
        let up: Mapping<'_> = (self.input.host(), wgpu::MapMode::Write, self.input.size());
        let down: Mapping<'_> = (read.host(), wgpu::MapMode::Read, read_bytes);
        let landing = match (self.clock.as_ref().map(Clock::host), &self.landing) {
            (Some(clock), _) => {
                open.land(submission, &[up, down, (clock, wgpu::MapMode::Read, clock.size())])
            }
            (None, Some(landing)) => open.land_again(landing, submission, &[up, down]),
            (None, None) => open.land(submission, &[up, down]),
        };
        Ok(Submitted { landing, kernel, at })
    }

    /// Once the chunk has landed: hands its words to `take`, and says how long the device worked, where
    /// it has a clock.
    pub fn read(
        &mut self,
        open: &OpenDevice,
        op: Op,
        work: DeviceWork,
        take: impl FnOnce(&[f32]) -> Result<(), Error>,
    ) -> Result<Option<Duration>, Error> {
        let computed = self.clock.as_ref().map(Clock::elapsed).transpose()?;
        let (side, bytes) = self.result(op, work)?;
        let view = side.host().get_mapped_range(0..bytes).map_err(|e| open.failure(&e.to_string()))?;
        let result = take(bytemuck::cast_slice(&view));
        drop(view);
        side.host().unmap();
        result.map(|()| computed)
    }

    /// Where the host finds what the work made, and its bytes.
    fn result(&self, op: Op, work: DeviceWork) -> Result<(&Side, u64), Error> {
        match (work, &self.scratch) {
            (DeviceWork::Rows(shape), _) => Ok((&self.output, op.kind.output_words(shape)? * 4)),
            (DeviceWork::Piece(Piece { stage: Stage::Write, len, .. }), _) => Ok((&self.output, len * 4)),
            (DeviceWork::Piece(_), Some(scratch)) => Ok((scratch, SCRATCH_BYTES)),
            (DeviceWork::Piece(_), None) => unreachable!("a piece is told what it needs"),
        }
    }

    /// The scratch with what it is told; made when it is first needed.
    fn scratch(&mut self, open: &OpenDevice, told: &[u32; SCRATCH_WORDS]) -> wgpu::Buffer {
        let scratch = self.scratch.get_or_insert_with(|| {
            use wgpu::BufferUsages as Usage;
            let buffer = |label, usage, size| buffer(open, label, size, usage, false);
            let storage = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
            Side {
                storage: buffer("wgpu_softmax::piece", storage, SCRATCH_BYTES),
                host: Some(buffer("wgpu_softmax::piece", Usage::COPY_DST | Usage::MAP_READ, SCRATCH_BYTES)),
            }
        });
        open.queue.write_buffer(&scratch.storage, 0, bytemuck::cast_slice(told));
        scratch.storage.clone()
    }

    /// The place of this chunk's plan: one of the last few, or a new one.
    fn plan(
        &mut self,
        ops: &Ops,
        op: Op,
        work: DeviceWork,
        scratch: Option<wgpu::Buffer>,
    ) -> Result<usize, Error> {
        if let Some(at) = self.plans.iter().position(|(o, w, _)| *o == op && *w == work) {
            return Ok(at);
        }
        let args = SoftmaxArgs::new(&self.input.storage, &self.output.storage);
        let plan = match (work, scratch) {
            (DeviceWork::Piece(piece), Some(scratch)) => Plan::piece(ops, &op, piece, args, scratch)?,
            (DeviceWork::Rows(shape), _) => ops.prepare(op, shape, DTypes::F32)?.bind(args)?,
            (DeviceWork::Piece(_), None) => unreachable!("a piece is told what it needs"),
        };
        if self.plans.len() == PLANS {
            drop(self.plans.remove(0));
        }
        self.plans.push((op, work, plan));
        Ok(self.plans.len() - 1)
    }
}

fn input_bytes(work: DeviceWork) -> Result<u64, Error> {
    match work {
        DeviceWork::Rows(shape) => Ok(shape.elements()? * 4),
        DeviceWork::Piece(piece) => Ok(piece.len * 4),
    }
}

#[cfg(test)]
mod refused;
