//! Pooled staging: host slices through a ring of reused buffers, chunk by chunk.

use std::time::Instant;

use super::clock::Clock;
use super::device::OpenDevice;
use super::ops::{DTypes, Ops};
use super::plan::{Plan, SoftmaxArgs};
use crate::{Error, Op, Shape, Timing};

/// Bytes of a chunk's larger side: big enough to hide a submission, small enough to overlap.
const CHUNK_BYTES: u64 = 32 << 20;
/// Chunks under way at a time: one is written, one computes, one is read.
const RING: usize = 3;

/// Reused buffers of one device.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    ring: Vec<Slot>,
    /// Whether a run has begun and not ended: its mappings may be pending.
    busy: bool,
}

/// One chunk's buffers, and the plans made for them.
#[derive(Debug)]
struct Slot {
    input: Side,
    output: Side,
    plans: Vec<(Op, Shape, Plan)>,
    clock: Option<Clock>,
}

/// A buffer that shaders use, and the one that the host maps: the same where the device allows.
#[derive(Debug)]
struct Side {
    storage: wgpu::Buffer,
    host: Option<wgpu::Buffer>,
}

impl Side {
    fn host(&self) -> &wgpu::Buffer {
        self.host.as_ref().unwrap_or(&self.storage)
    }
}

/// A chunk of the batch under way.
struct Chunk {
    slot: usize,
    first_row: usize,
    rows: usize,
}

impl Transfer {
    /// Computes an operation on host slices, whose lengths were checked. `out` has the operation's
    /// words per row; it may hold the input where `x` is `None`.
    pub async fn run(
        &mut self,
        open: &OpenDevice,
        ops: &Ops,
        op: Op,
        shape: Shape,
        x: Option<&[f32]>,
        out: &mut [f32],
    ) -> Result<Timing, Error> {
        open.check()?;
        let start = Instant::now();
        if std::mem::replace(&mut self.busy, true) {
            // An earlier run failed, or its future was dropped.
            self.ring.clear();
        }
        let cols = shape.cols() as usize;
        let words = op.kind.output_words(Shape::rows(1, cols))? as usize;
        let chunk_rows = self.chunk_rows(open, shape, words as u64)?;
        self.reserve(open, (chunk_rows * cols * 4) as u64, (chunk_rows * words * 4) as u64);
        let mut timing = Timing::default();
        let mut under_way = std::collections::VecDeque::new();
        let rows = shape.row_count() as usize;
        for (index, first_row) in (0..rows).step_by(chunk_rows).enumerate() {
            if under_way.len() == RING {
                self.finish(open, under_way.pop_front(), words, out, &mut timing).await?;
            }
            let chunk = Chunk { slot: index % RING, first_row, rows: chunk_rows.min(rows - first_row) };
            let input = x.unwrap_or(out);
            let input = &input[first_row * cols..][..chunk.rows * cols];
            let shape = Shape::rows(chunk.rows, cols);
            self.start(open, ops, op, shape, input, chunk.slot, &mut timing).await?;
            under_way.push_back(chunk);
        }
        while !under_way.is_empty() {
            self.finish(open, under_way.pop_front(), words, out, &mut timing).await?;
        }
        open.check()?;
        self.busy = false;
        timing.total = start.elapsed();
        Ok(timing)
    }

    /// Forgets the plans, but keeps the buffers.
    pub fn forget_plans(&mut self) {
        self.ring.iter_mut().for_each(|slot| slot.plans.clear());
    }

    /// Rows of a chunk: whole rows, at least one.
    fn chunk_rows(&self, open: &OpenDevice, shape: Shape, words: u64) -> Result<usize, Error> {
        let limit = open.device.limits().max_buffer_size;
        let row_bytes = shape.cols().max(words) * 4;
        if row_bytes > limit {
            let hint = "use the CPU for rows of this length";
            return Err(Error::Limit {
                what: "bytes of a row in one buffer",
                needed: row_bytes,
                limit,
                hint,
            });
        }
        Ok((CHUNK_BYTES / row_bytes).clamp(1, shape.row_count()) as usize)
    }

    /// Makes the ring's buffers, unless they are there and large enough.
    fn reserve(&mut self, open: &OpenDevice, input: u64, output: u64) {
        let fits = |slot: &Slot| slot.input.storage.size() >= input && slot.output.storage.size() >= output;
        if self.ring.len() == RING && self.ring.iter().all(fits) {
            return;
        }
        let least = |have: Option<u64>, need: u64| have.unwrap_or(0).max(need).next_multiple_of(16);
        let input = least(self.ring.first().map(|s| s.input.storage.size()), input);
        let output = least(self.ring.first().map(|s| s.output.storage.size()), output);
        self.ring = (0..RING).map(|_| Slot::new(open, input, output)).collect();
    }

    /// Writes a chunk's elements and submits its computation.
    #[allow(clippy::too_many_arguments)]
    async fn start(
        &mut self,
        open: &OpenDevice,
        ops: &Ops,
        op: Op,
        shape: Shape,
        x: &[f32],
        slot: usize,
        timing: &mut Timing,
    ) -> Result<(), Error> {
        let slot = &mut self.ring[slot];
        let begin = Instant::now();
        let bytes = size_of_val(x) as u64;
        let padded = bytes.next_multiple_of(8);
        open.map(slot.input.host(), wgpu::MapMode::Write, padded).await?;
        let range = slot.input.host().get_mapped_range_mut(0..padded);
        range
            .map_err(|e| open.failure(&e.to_string()))?
            .slice(..bytes as usize)
            .copy_from_slice(bytemuck::cast_slice(x));
        slot.input.host().unmap();
        timing.upload += begin.elapsed();
        timing.kernel = slot.submit(open, ops, op, shape, bytes)?;
        Ok(())
    }

    /// Waits for a chunk and copies its results out.
    async fn finish(
        &mut self,
        open: &OpenDevice,
        chunk: Option<Chunk>,
        words: usize,
        out: &mut [f32],
        timing: &mut Timing,
    ) -> Result<(), Error> {
        let Some(chunk) = chunk else { return Ok(()) };
        let slot = &self.ring[chunk.slot];
        let part = &mut out[chunk.first_row * words..][..chunk.rows * words];
        let bytes = size_of_val(part) as u64;
        let begin = Instant::now();
        open.map(slot.output.host(), wgpu::MapMode::Read, bytes.next_multiple_of(8)).await?;
        let waited = begin.elapsed();
        let computed = match &slot.clock {
            Some(clock) => clock.read(open).await?,
            None => waited,
        };
        let begin = Instant::now();
        let view = slot.output.host().get_mapped_range(0..bytes.next_multiple_of(8));
        let view = view.map_err(|e| open.failure(&e.to_string()))?;
        bytemuck::cast_slice_mut(part).copy_from_slice(&view[..bytes as usize]);
        drop(view);
        slot.output.host().unmap();
        timing.compute += computed;
        timing.read_back += begin.elapsed() + waited.saturating_sub(computed);
        Ok(())
    }
}

impl Slot {
    fn new(open: &OpenDevice, input: u64, output: u64) -> Self {
        use wgpu::BufferUsages as Usage;
        let buffer = |label, size, usage| {
            open.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let (input, output) = if open.maps_storage() {
            let input = buffer("wgpu_softmax::input", input, Usage::STORAGE | Usage::MAP_WRITE);
            let output = buffer("wgpu_softmax::output", output, Usage::STORAGE | Usage::MAP_READ);
            (Side { storage: input, host: None }, Side { storage: output, host: None })
        } else {
            let up = buffer("wgpu_softmax::upload", input, Usage::COPY_SRC | Usage::MAP_WRITE);
            let down = buffer("wgpu_softmax::read_back", output, Usage::COPY_DST | Usage::MAP_READ);
            let input = buffer("wgpu_softmax::input", input, Usage::STORAGE | Usage::COPY_DST);
            let output = buffer("wgpu_softmax::output", output, Usage::STORAGE | Usage::COPY_SRC);
            (Side { storage: input, host: Some(up) }, Side { storage: output, host: Some(down) })
        };
        Self { input, output, plans: Vec::new(), clock: Clock::new(&open.device, &open.queue) }
    }

    /// Records copies and computation, submits them, and names the kernel.
    fn submit(
        &mut self,
        open: &OpenDevice,
        ops: &Ops,
        op: Op,
        shape: Shape,
        bytes: u64,
    ) -> Result<&'static str, Error> {
        let at = self.plan(ops, op, shape)?;
        let plan = &self.plans[at].2;
        let mut encoder = open.device.create_command_encoder(&Default::default());
        if let Some(up) = &self.input.host {
            encoder.copy_buffer_to_buffer(up, 0, &self.input.storage, 0, bytes);
        }
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("wgpu_softmax::chunk"),
                timestamp_writes: self.clock.as_ref().map(Clock::writes),
            });
            plan.record(&mut pass);
        }
        if let Some(down) = &self.output.host {
            let size = op.kind.output_words(shape)? * 4;
            encoder.copy_buffer_to_buffer(&self.output.storage, 0, down, 0, size);
        }
        if let Some(clock) = &self.clock {
            clock.resolve(&mut encoder);
        }
        open.queue.submit([encoder.finish()]);
        Ok(plan.kernel().map_or("none", |kernel| kernel.name()))
    }

    /// The place of this chunk's plan: one of the last few, or a new one.
    fn plan(&mut self, ops: &Ops, op: Op, shape: Shape) -> Result<usize, Error> {
        if let Some(at) = self.plans.iter().position(|(o, s, _)| *o == op && *s == shape) {
            return Ok(at);
        }
        let args = SoftmaxArgs::new(&self.input.storage, &self.output.storage);
        let plan = ops.prepare(op, shape, DTypes::F32)?.bind(args)?;
        // A full chunk and a last one, of two operations in turn.
        if self.plans.len() == 4 {
            drop(self.plans.remove(0));
        }
        self.plans.push((op, shape, plan));
        Ok(self.plans.len() - 1)
    }
}
