//! The parts of a run, each timed.

use std::time::{Duration, Instant};

use wgpu_softmax::gpu::Profile;
use wgpu_softmax::{Context, DeviceChoice, Op, Shape, Timing};

use crate::check::{self, Check};
use crate::device;
use crate::failure::Failure;
use crate::npy::{Array, Source, header_bytes};
use crate::output::Output;
use crate::progress::Progress;
use crate::steps::Steps;
use crate::summary::Parts;

/// One operation on one batch.
#[derive(Debug)]
pub struct Job {
    /// What is computed.
    pub op: Op,
    /// Of which rows.
    pub shape: Shape,
    /// The kernel that ran.
    pub kernel: &'static str,
    times: Parts<Duration>,
    start: Instant,
}

impl Job {
    /// Begins now.
    pub fn new(op: Op, shape: Shape) -> Self {
        Self {
            op,
            shape,
            times: Parts::default(),
            kernel: "none: there is nothing to compute",
            start: Instant::now(),
        }
    }

    /// Makes the device ready, which plans by the profile where one is given.
    pub fn open(&mut self, choice: &DeviceChoice, profile: Option<&Profile>) -> Result<Context, Failure> {
        let since = Instant::now();
        let mut context = device::open(choice)?;
        if let Some(profile) = profile {
            crate::profile::apply(&mut context, profile)?;
        }
        self.times.open = since.elapsed();
        Ok(context)
    }

    /// Reads or maps the input.
    pub fn read(&mut self, source: Source) -> Result<Array, Failure> {
        let since = Instant::now();
        let progress = Progress::new("reading", source.bytes(), self.start);
        let array = source.data(&progress)?;
        if !array.is_mapped() {
            self.times.read = Some(since.elapsed());
        }
        Ok(array)
    }

    /// Computes. In steps where someone watches the bar, else at once: the bits are the same.
    pub fn compute(&mut self, context: &Context, x: &[f32], y: &mut [f32]) -> Result<(), Failure> {
        let step = if Progress::is_watched() { Progress::STEP } else { usize::MAX };
        let progress = Progress::new("computing", size_of_val(x), self.start);
        for step in Steps::of_bytes(&self.op, self.shape, step) {
            let (elements, results) = (&x[step.elements.clone()], &mut y[step.results]);
            let timing = pollster::block_on(context.run_into(self.op, elements, step.shape, results))?;
            self.add(&timing, context.adapter().is_some());
            self.kernel = timing.kernel;
            progress.advance_to(step.elements.end * size_of::<f32>());
        }
        Ok(())
    }

    fn add(&mut self, timing: &Timing, on_gpu: bool) {
        self.times.kernel += timing.compute;
        if on_gpu {
            let parts = timing.upload + timing.compute + timing.read_back;
            // Parts that ran at the same time add up to more than the whole.
            *self.times.prepare.get_or_insert_default() += timing.total.saturating_sub(parts);
            *self.times.upload.get_or_insert_default() += timing.upload;
            *self.times.read_back.get_or_insert_default() += timing.read_back;
        }
    }

    /// Compares with the CPU.
    pub fn check(&mut self, x: &[f32], y: &[f32]) -> Result<Check, Failure> {
        let since = Instant::now();
        let progress = Progress::new("checking", size_of_val(x), self.start);
        let check = check::check(self.op, x, self.shape, y, &progress)?;
        self.times.check = Some(since.elapsed());
        Ok(check)
    }

    /// How long each part took; all of it ends now.
    pub fn end(&mut self) -> Parts<f64> {
        self.times.total = self.start.elapsed();
        self.times.seconds()
    }

    /// Writes the result under its name.
    pub fn write(&mut self, mut output: Output, dims: &[usize], y: &[f32]) -> Result<(), Failure> {
        let since = Instant::now();
        let header = header_bytes(dims).map_err(|e| Failure::Cannot(format!("the output's header: {e}")))?;
        output.write(&header)?;
        let progress = Progress::new("writing", size_of_val(y), self.start);
        let mut done = 0;
        for bytes in bytemuck::cast_slice(y).chunks(Progress::STEP) {
            output.write(bytes)?;
            done += bytes.len();
            progress.advance_to(done);
        }
        output.finish()?;
        self.times.write = Some(since.elapsed());
        Ok(())
    }
}
