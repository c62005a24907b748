//! An adapter, measured.

mod race;

use std::time::Instant;

use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::planner::{Capabilities, choose};
use wgpu_softmax::gpu::{DTypes, Kernel, Options, Plan, Profile, SoftmaxArgs};
use wgpu_softmax::{Context, Error, Op, Shape, wgpu};

use super::clock::Timer;
use super::copy::CopyKernel;
use super::ring::Ring;
use super::{Batch, Effort, Measured, Refusal, Samples, memory};
use crate::failure::Failure;

pub use race::Runner;

/// An open adapter with its clock, its copy, and the ring of the last shape.
#[derive(Debug)]
pub struct Gpu {
    context: Context,
    device: wgpu::Device,
    queue: wgpu::Queue,
    timer: Timer,
    copy: CopyKernel,
    ring: Option<Ring>,
    ring_bytes: u64,
    profile: Option<Profile>,
    sealed: bool,
}

impl Gpu {
    /// Opens an adapter.
    ///
    /// # Errors
    /// [`Error::Device`] where it refuses.
    pub fn open(entry: &AdapterEntry) -> Result<Self, Error> {
        let context = pollster::block_on(Context::on(entry.clone(), Options::default()))?;
        let (Some(device), Some(queue)) = (context.device().cloned(), context.queue().cloned()) else {
            return Err(Error::Device { why: format!("{entry} gave no device") });
        };
        let (timer, copy) = (Timer::new(&device, &queue), CopyKernel::new(&device)?);
        let ring_bytes = memory::ring_bytes(entry.is_hardware());
        Ok(Self { context, device, queue, timer, copy, ring: None, ring_bytes, profile: None, sealed: false })
    }

    /// Plans by these thresholds from now on.
    ///
    /// # Errors
    /// [`Failure`] where they are for other devices.
    pub fn use_profile(&mut self, profile: &Profile) -> Result<(), Failure> {
        crate::profile::apply(&mut self.context, profile)?;
        self.profile = Some(profile.clone());
        Ok(())
    }

    /// Seals roundings from now on, whatever the device has.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// What the planner knows of the adapter.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities::of(&self.device)
    }

    /// The kernel that the planner takes for a shape.
    ///
    /// # Errors
    /// [`Error::Kernel`] where no kernel takes it.
    pub fn planned(&self, shape: Shape) -> Result<Kernel, Error> {
        let capabilities = Capabilities::of(&self.device);
        let profile = self.profile.as_ref().unwrap_or(Profile::of_device(&capabilities));
        Ok(choose(shape.cols(), shape.cols().is_multiple_of(4), None, &capabilities, profile)?.kernel)
    }

    /// Computes the batch, compares the answer with the specification, then times more runs: by the
    /// device over its ring, and from host slice to host slice.
    ///
    /// # Errors
    /// [`Refusal`] where the kernel does not take the shape, the device fails, or the answer is wrong.
    pub fn measure(
        &mut self,
        options: &Options,
        op: Op,
        batch: &mut Batch,
        effort: &Effort,
    ) -> Result<Measured, Refusal> {
        pollster::block_on(self.context.set_options(self.with_settings(options)))?;
        self.fill_ring(batch)?;
        let plans = self.plans(op, batch.shape())?;
        let kernel = plans.first().and_then(Plan::kernel).map_or("none", Kernel::name);
        self.check(&plans, op, batch)?;
        let device = effort.repeat(|run| {
            let plan = &plans[(run + 1) % plans.len()];
            self.timer.time(|pass| plan.record(pass))
        })?;
        let end_to_end = self.end_to_end(op, batch, effort)?;
        Ok(self.measured(kernel, device, Some(end_to_end)))
    }

    /// Times a copy of the batch by a kernel that reads and writes 16 bytes at a time.
    ///
    /// # Errors
    /// [`Refusal`] where the device fails, or the copy is none.
    pub fn copy(&mut self, batch: &Batch, effort: &Effort) -> Result<Measured, Refusal> {
        self.fill_ring(batch)?;
        let Self { device, queue, timer, copy, ring: Some(ring), .. } = self else {
            return Err(Error::Device { why: "it has no ring".to_owned() }.into());
        };
        let copies: Vec<_> = (0..ring.slots()).map(|slot| copy.bind(device, ring, slot)).collect();
        ring.wipe(device, queue);
        timer.time(|pass| copies[0].record(pass))?;
        if ring.read(device, queue, batch.elements().len())? != batch.elements() {
            return Err(Refusal::Wrong("the copy differs from what was copied".to_owned()));
        }
        let samples = effort.repeat(|run| {
            let copy = &copies[(run + 1) % copies.len()];
            timer.time(|pass| copy.record(pass))
        })?;
        drop(copies);
        Ok(self.measured("copy", samples, None))
    }

    fn with_settings(&self, options: &Options) -> Options {
        let mut options = options.clone();
        options.profiles.extend(self.profile.clone());
        options.sealed |= self.sealed;
        options
    }

    fn fill_ring(&mut self, batch: &Batch) -> Result<(), Error> {
        if self.ring.as_ref().is_none_or(|ring| ring.shape != batch.shape()) {
            // The old one goes first: both may be more than there is room for.
            self.ring = None;
            let ring =
                Ring::new(&self.device, &self.queue, batch.shape(), batch.elements(), self.ring_bytes)?;
            self.ring = Some(ring);
        }
        Ok(())
    }

    /// A plan for each pair of the ring.
    fn plans(&self, op: Op, shape: Shape) -> Result<Vec<Plan>, Error> {
        let (Some(ops), Some(ring)) = (self.context.ops(), &self.ring) else {
            return Ok(Vec::new());
        };
        let prepared = ops.prepare(op, shape, DTypes::F32)?;
        let bind = |slot| {
            let (input, output) = ring.pair(slot);
            prepared.bind(SoftmaxArgs::new(input, output))
        };
        (0..ring.slots()).map(bind).collect()
    }

    /// Compares the first run's answer, which also compiles what drivers compile late.
    fn check(&mut self, plans: &[Plan], op: Op, batch: &mut Batch) -> Result<(), Refusal> {
        let (Some(ring), Some(plan)) = (&self.ring, plans.first()) else {
            return Err(Error::Device { why: "it has no ring".to_owned() }.into());
        };
        ring.wipe(&self.device, &self.queue);
        self.timer.time(|pass| plan.record(pass))?;
        let words = op.kind.output_words(batch.shape())? as usize;
        let answer = ring.read(&self.device, &self.queue, words)?;
        batch.check(op, &answer)
    }

    fn end_to_end(&self, op: Op, batch: &mut Batch, effort: &Effort) -> Result<Samples, Refusal> {
        let shape = batch.shape();
        let (x, y) = batch.slot(0, op)?;
        y.fill(f32::NAN);
        self.context.run_into_blocking(op, x, shape, y)?;
        let answer = memory::copied(y)?;
        batch.check(op, &answer)?;
        let samples = effort.repeat(|run| {
            let (x, y) = batch.slot(run + 1, op)?;
            let begin = Instant::now();
            self.context.run_into_blocking(op, x, shape, y)?;
            Ok::<_, Error>(begin.elapsed())
        })?;
        Ok(samples)
    }

    fn measured(&self, kernel: &'static str, device: Samples, end_to_end: Option<Samples>) -> Measured {
        Measured {
            kernel,
            device,
            end_to_end,
            device_clock: self.timer.has_clock(),
            ring_bytes: self.ring.as_ref().map_or(0, Ring::bytes),
        }
    }
}
