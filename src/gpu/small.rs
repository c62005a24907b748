//! Small batches: those that a context gives the CPU although a GPU is open, by what was measured once,
//! and the short way of the others through the device.

use std::sync::OnceLock;
use std::time::Duration;

use futures_intrusive::sync::Mutex;

use super::device::OpenDevice;
use super::ops::Ops;
use super::options::Options;
use super::transfer::{DeviceWork, Slot, Transfer};
use crate::break_even::{Costs, Estimate, Place, break_even, cpu_rate};
use crate::stream::copy_up;
use crate::web::Instant;
use crate::{Error, Op, Shape, Timing};

/// Bytes of elements from which on nothing is asked or measured: no device takes so long to start.
const NEVER_SMALL: u64 = 16 << 20;

/// Whether small batches go to the CPU, and the costs that tell which are small.
#[derive(Debug)]
pub(crate) struct SmallOnCpu {
    wanted: bool,
    costs: OnceLock<Costs>,
}

impl SmallOnCpu {
    /// Measures nothing yet. A forced kernel is taken for every batch.
    pub fn new(options: &Options) -> Self {
        let wanted = options.small_on_cpu && options.force.is_none();
        Self { wanted, costs: OnceLock::new() }
    }

    /// The estimate by which a batch goes to the CPU; `None` where it does not. The first small batch
    /// has the device measured.
    pub async fn estimate(
        &self,
        open: &OpenDevice,
        transfer: &Mutex<Transfer>,
        op: &Op,
        shape: Shape,
    ) -> Option<Estimate> {
        let bytes = shape.elements().ok()?.checked_mul(4)?;
        if !self.wanted || bytes >= NEVER_SMALL {
            return None;
        }
        let costs = match self.costs.get() {
            Some(costs) => *costs,
            None => self.measure(open, transfer).await?,
        };
        (break_even(bytes, op, &costs) == Place::Cpu).then(|| costs.estimate(bytes))
    }

    /// `None` where the device fails, which the batch itself will tell.
    async fn measure(&self, open: &OpenDevice, transfer: &Mutex<Transfer>) -> Option<Costs> {
        // Other work on the device would be measured too.
        let _turn = transfer.lock().await;
        open.check().ok()?;
        let gpu_start = round_trip(open).await.ok()?.as_secs_f64();
        let costs = Costs { cpu_rate: cpu_rate(), gpu_start, gpu_rate: None };
        Some(*self.costs.get_or_init(|| costs))
    }
}

/// Round trips that are made; the quickest counts, and the first ones warm up.
const TRIES: usize = 8;
/// Bytes that go through the device.
const BYTES: u64 = 16;

/// The time from a host slice to a host slice of a copy that takes no time itself: what every batch
/// pays, however small. Nothing is compiled for it.
async fn round_trip(open: &OpenDevice) -> Result<Duration, Error> {
    use wgpu::BufferUsages as Usage;
    let buffer = |label, usage| {
        open.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: BYTES,
            usage,
            mapped_at_creation: false,
        })
    };
    let up = buffer("wgpu_softmax::round_trip::up", Usage::COPY_SRC);
    let down = buffer("wgpu_softmax::round_trip::down", Usage::COPY_DST | Usage::MAP_READ);
    let mut quickest = Duration::MAX;
    for _ in 0..TRIES {
        let begin = Instant::now();
        let mut encoder = open.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&up, 0, &down, 0, BYTES);
        let submission = open.queue.submit([encoder.finish()]);
        let landing = open.land(submission, &[(&down, wgpu::MapMode::Read, BYTES)]);
        landing.wait().await;
        landing.result().map_err(|why| open.failure(&why))?;
        down.unmap();
        quickest = quickest.min(begin.elapsed());
    }
    Ok(quickest)
}

/// Bytes up to which elements and results go through a slot of their own: without the stream's loop, and
/// without timestamps, which take as long as the rest of so small a call (docs/performance-start.md).
const DIRECT_BYTES: u64 = 64 << 10;

/// The same on a device whose buffers may be smaller.
fn direct_bytes(open: &OpenDevice) -> u64 {
    DIRECT_BYTES.min(open.max_buffer / 16 * 16)
}

/// Whether a batch goes that way.
pub(crate) fn is_direct(open: &OpenDevice, op: Op, shape: Shape) -> bool {
    let bytes = |words: Result<u64, Error>| words.map_or(u64::MAX, |words| words.saturating_mul(4));
    bytes(shape.elements()).max(bytes(op.kind.output_words(shape))) <= direct_bytes(open)
}

/// The slot of small batches. A call in the steady state allocates nothing of its own
/// (`tests/gpu_alloc.rs`).
#[derive(Debug, Default)]
pub(crate) struct Direct {
    slot: Option<Slot>,
    /// Whether a call has begun and not ended: its mappings may be pending.
    busy: bool,
}

impl Direct {
    /// Forgets the plans.
    pub fn forget(&mut self) {
        self.slot = None;
    }

    /// Computes a small batch, whose lengths were checked. `out` holds the elements where `x` is `None`.
    pub async fn run(
        &mut self,
        open: &OpenDevice,
        ops: &Ops,
        op: Op,
        shape: Shape,
        x: Option<&[f32]>,
        out: &mut [f32],
    ) -> Result<Timing, Error> {
        let start = Instant::now();
        open.check()?;
        if std::mem::replace(&mut self.busy, true) {
            // An earlier call failed, or its future was dropped.
            self.slot = None;
        }
        let slot = self.slot.get_or_insert_with(|| Slot::direct(open, direct_bytes(open)));
        open.check()?;
        let elements = bytemuck::cast_slice(x.unwrap_or(out));
        slot.fill(|buffer| copy_up(elements, buffer, 0).map_err(|why| open.failure(&why)))?;
        let upload = start.elapsed();
        let work = DeviceWork::Rows(shape);
        let submitted = slot.submit(open, ops, op, work, None)?;
        submitted.landing.wait().await;
        let landed = submitted.landing.result().map_err(|why| open.failure(&why))?;
        open.check()?;
        let begin = Instant::now();
        slot.read(open, op, work, |words| {
            out.copy_from_slice(words);
            Ok(())
        })?;
        self.busy = false;
        Ok(Timing {
            upload,
            compute: landed.saturating_duration_since(submitted.at),
            read_back: begin.elapsed(),
            total: start.elapsed(),
            kernel: submitted.kernel,
            small: None,
        })
    }
}
