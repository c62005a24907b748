//! A device of a stream, with the slots for the chunks that are under way on it.

use std::sync::Arc;
use std::time::Duration;

use futures_intrusive::sync::MutexGuard;

use super::copy::copy_up;
use super::cpu::{CpuSlot, fit};
use super::io::{Input, Output};
use super::memory::Room;
use super::piece::{found, work_of};
use super::walk::{Found, Task};
use crate::context::Gpu;
use crate::gpu::device::OpenDevice;
use crate::gpu::transfer::{Submitted, Transfer};
use crate::web::Instant;
use crate::{Error, Op, Timing};

/// How long a chunk should take where several devices share the rows: long enough to hide its start,
/// short enough that the last ones end together.
const CHUNK_TIME: Duration = Duration::from_millis(50);
/// Elements of the first chunks of several devices, from which their speed is taken.
const FIRST_CHUNK: usize = 1 << 18;

/// Where a lane computes.
pub(crate) enum Device<'a> {
    Cpu(Vec<CpuSlot>),
    Gpu(&'a Gpu, MutexGuard<'a, Transfer>),
}

/// A device, its slots, and what it has done.
pub(crate) struct Lane<'a> {
    pub device: Device<'a>,
    pub room: Room,
    pub name: Arc<str>,
    free: Vec<usize>,
    /// Elements per second, once it is known.
    rate: Option<f64>,
    last_end: Option<Instant>,
    /// Bytes of a slot's input and output, for a device.
    sides: (u64, u64),
    pub elements: u64,
    pub timing: Timing,
}

impl<'a> Lane<'a> {
    /// The CPU.
    pub fn cpu(room: Room) -> Self {
        let slots = (0..room.slots).map(|_| CpuSlot::default()).collect();
        Self::new(Device::Cpu(slots), room, (0, 0), "the CPU".into())
    }

    /// A device, whose buffers are made unless they are there.
    ///
    /// # Errors
    /// [`Error::Device`] where it failed before, or has not so much memory.
    pub fn gpu(
        gpu: &'a Gpu,
        mut transfer: MutexGuard<'a, Transfer>,
        room: Room,
        sides: (u64, u64),
        bound: bool,
    ) -> Result<Self, Error> {
        transfer.begin(&gpu.open, room.slots, sides, bound)?;
        Ok(Self::new(Device::Gpu(gpu, transfer), room, sides, gpu.name.clone()))
    }

    fn new(device: Device<'a>, room: Room, sides: (u64, u64), name: Arc<str>) -> Self {
        let free = (0..room.slots).rev().collect();
        let mut timing = Timing::default();
        if matches!(device, Device::Cpu(_)) {
            timing.kernel = "cpu";
        }
        Self { device, room, name, free, rate: None, last_end: None, sides, elements: 0, timing }
    }

    /// Slots that a chunk may take.
    pub fn free_slots(&self) -> usize {
        self.free.len()
    }

    /// The most whole rows, and elements of a piece, that the next chunk may have; rows of so many
    /// columns. `shared`: whether other lanes work too.
    pub fn most(&self, cols: u64, shared: bool) -> (usize, usize) {
        if !shared {
            return (self.room.rows, self.room.piece);
        }
        let elements = self.rate.map_or(FIRST_CHUNK, |rate| (rate * CHUNK_TIME.as_secs_f64()) as usize);
        let rows = elements / (cols as usize).max(1);
        (rows.clamp(1, self.room.rows.max(1)), elements.min(self.room.piece))
    }

    /// Takes a slot. There is one that is free.
    pub fn take_slot(&mut self) -> usize {
        self.free.pop().expect("a lane with a free slot was chosen")
    }

    /// Has a device begin a task: elements are written to a slot, and the work is submitted.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails, [`Error::Source`] where the source does.
    pub fn submit(
        &mut self,
        slot: usize,
        op: Op,
        cols: u64,
        task: &Task,
        input: &mut Input<'_>,
        output: &Output<'_>,
    ) -> Result<Submitted, Error> {
        let Device::Gpu(gpu, transfer) = &mut self.device else { unreachable!("the CPU is given jobs") };
        let begin = Instant::now();
        let slot = transfer.slot(slot);
        slot.fill(|buffer| write_elements(task, input, output, &gpu.open, buffer))?;
        self.timing.upload += begin.elapsed();
        let (work, told) = work_of(cols, task);
        let submitted = slot.submit(&gpu.open, &gpu.ops, op, work, told.as_ref())?;
        self.timing.kernel = submitted.kernel;
        Ok(submitted)
    }

    /// Takes what a device made of a task that has landed.
    ///
    /// # Errors
    /// [`Error::Device`] where the device failed, [`Error::Sink`] where the sink does.
    pub fn collect(
        &mut self,
        slot: usize,
        op: Op,
        cols: u64,
        task: &Task,
        submitted: &Submitted,
        output: &mut Output<'_>,
    ) -> Result<Option<Found>, Error> {
        let Device::Gpu(gpu, transfer) = &mut self.device else { unreachable!("the CPU is given jobs") };
        let landed = submitted.landing.result().map_err(|why| gpu.open.failure(&why))?;
        // What went wrong before it landed may have spoilt it.
        gpu.open.check()?;
        let begin = Instant::now();
        let (work, _) = work_of(cols, task);
        let mut told = None;
        let computed = transfer.slot(slot).read(&gpu.open, op, work, |words| {
            told = found(op, task, words);
            if task.words > 0 { output.put(task.out, words) } else { Ok(()) }
        })?;
        let since = self.last_end.map_or(submitted.at, |end| end.max(submitted.at));
        let worked = landed.saturating_duration_since(since);
        self.timing.compute += computed.unwrap_or(worked);
        self.timing.read_back += begin.elapsed();
        self.end_task(slot, task, worked, landed);
        Ok(told)
    }

    /// Takes note of a task that is complete.
    pub fn end_task(&mut self, slot: usize, task: &Task, worked: Duration, end: Instant) {
        self.free.push(slot);
        self.last_end = Some(end);
        self.elements += task.len as u64;
        let now = task.len as f64 / worked.as_secs_f64().max(1e-6);
        self.rate = Some(self.rate.map_or(now, |rate| 0.5 * (rate + now)));
    }

    /// Forgets what is under way.
    ///
    /// # Errors
    /// [`Error::Device`] where the device cannot go on.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.free = (0..self.room.slots).rev().collect();
        match &mut self.device {
            Device::Cpu(_) => Ok(()),
            Device::Gpu(gpu, transfer) => transfer.begin(&gpu.open, self.room.slots, self.sides, true),
        }
    }

    /// Ends the use of a device that failed.
    pub fn give_up(mut self) {
        if let Device::Gpu(_, transfer) = &mut self.device {
            transfer.release();
        }
    }

    /// Ends the use of the device, with nothing under way.
    ///
    /// # Errors
    /// [`Error::Device`] with the first thing that went wrong meanwhile.
    pub fn end(&mut self) -> Result<(), Error> {
        if let Device::Gpu(gpu, transfer) = &mut self.device {
            gpu.open.check()?;
            transfer.end();
        }
        Ok(())
    }
}

/// Elements that are read at once on their way to a device.
const BOUNCE: usize = 1 << 20;

/// Writes a task's elements to a mapped buffer.
fn write_elements(
    task: &Task,
    input: &mut Input<'_>,
    output: &Output<'_>,
    open: &OpenDevice,
    buffer: &wgpu::Buffer,
) -> Result<(), Error> {
    let range = task.start as usize..task.start as usize + task.len;
    let write = |x: &[f32], at: usize| {
        copy_up(bytemuck::cast_slice(x), buffer, at as u64 * 4).map_err(|why| open.failure(&why))
    };
    match (input, output) {
        (Input::Memory(x), _) => write(&x[range], 0),
        (Input::InPlace, Output::Memory(x)) => write(&x[range], 0),
        (Input::InPlace, Output::Calls(_)) => unreachable!("in place is in memory"),
        (Input::Calls(reading), _) => {
            // Mapped memory can only be written: elements come by way of a buffer that stays in a cache.
            let mut bounce = std::mem::take(&mut reading.bounce);
            fit(&mut bounce, BOUNCE.min(task.len));
            for start in (0..task.len).step_by(BOUNCE) {
                let piece = &mut bounce[..BOUNCE.min(task.len - start)];
                reading.read(task.start + start as u64, piece)?;
                write(piece, start)?;
            }
            reading.bounce = bounce;
            Ok(())
        }
    }
}
