//! Small batches that a context gives the CPU although a GPU is open, by what was measured once.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_intrusive::sync::Mutex;

use super::device::OpenDevice;
use super::transfer::Transfer;
use crate::break_even::{Costs, Estimate, Place, break_even, cpu_rate};
use crate::{Error, Op, Shape};

/// Bytes of elements from which on nothing is asked or measured: no device takes so long to start.
const NEVER_SMALL: u64 = 16 << 20;

/// Whether small batches go to the CPU, and the costs that tell which are small.
#[derive(Debug)]
pub(crate) struct SmallOnCpu {
    wanted: bool,
    costs: OnceLock<Costs>,
}

impl SmallOnCpu {
    /// Measures nothing yet.
    pub fn new(wanted: bool) -> Self {
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
    let up = buffer("wgpu_softmax::round_trip::up", Usage::COPY_SRC | Usage::MAP_WRITE);
    let down = buffer("wgpu_softmax::round_trip::down", Usage::COPY_DST | Usage::MAP_READ);
    let mut quickest = Duration::MAX;
    for _ in 0..TRIES {
        let begin = Instant::now();
        open.map(&up, wgpu::MapMode::Write, BYTES).await?;
        up.unmap();
        let mut encoder = open.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&up, 0, &down, 0, BYTES);
        open.queue.submit([encoder.finish()]);
        open.map(&down, wgpu::MapMode::Read, BYTES).await?;
        down.unmap();
        quickest = quickest.min(begin.elapsed());
    }
    Ok(quickest)
}
