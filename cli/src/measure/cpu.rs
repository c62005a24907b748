//! The library's own CPU implementation, measured.

use std::time::Instant;

use wgpu_softmax::cpu::{self, Options, SimdLevel};
use wgpu_softmax::{Error, Op, OpKind};

use super::{Batch, Effort, Measured, Refusal, Samples, memory};

/// The CPU. Its kernels are the sets of vector instructions that it has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

impl Cpu {
    /// Computes the batch, compares the answer with the specification, then times more runs. There is
    /// nothing to transfer, so a run is timed from end to end.
    ///
    /// # Errors
    /// [`Refusal`] where the CPU lacks the instructions, or the answer is wrong.
    pub fn measure(
        self,
        options: &Options,
        op: Op,
        batch: &mut Batch,
        effort: &Effort,
    ) -> Result<Measured, Refusal> {
        let shape = batch.shape();
        let (x, y) = batch.slot(0, op)?;
        y.fill(f32::NAN);
        cpu::run_with(options, op, x, shape, y)?;
        let answer = memory::copied(y)?;
        batch.check(op, &answer)?;
        let samples = effort.repeat(|run| {
            let (x, y) = batch.slot(run + 1, op)?;
            let begin = Instant::now();
            cpu::run_with(options, op, x, shape, y)?;
            Ok::<_, Error>(begin.elapsed())
        })?;
        let kernel = options.level.unwrap_or_else(SimdLevel::best).name();
        Ok(measured(kernel, samples.clone(), Some(samples), batch))
    }

    /// Times a copy of the batch on the same threads and with the same kind of stores.
    ///
    /// # Errors
    /// [`Refusal::Wrong`] where the copy is none.
    pub fn copy(self, batch: &mut Batch, effort: &Effort) -> Result<Measured, Refusal> {
        let (shape, op) = (batch.shape(), Op::new(OpKind::Softmax));
        let (options, (x, y)) = (Options::new(), batch.slot(0, op)?);
        y.fill(f32::NAN);
        cpu::copy_with(&options, x, shape, y)?;
        if x != y {
            return Err(Refusal::Wrong("the copy differs from what was copied".to_owned()));
        }
        let samples = effort.repeat(|run| {
            let (x, y) = batch.slot(run + 1, op)?;
            let begin = Instant::now();
            cpu::copy_with(&options, x, shape, y)?;
            Ok::<_, Error>(begin.elapsed())
        })?;
        Ok(measured("copy", samples, None, batch))
    }
}

fn measured(kernel: &'static str, device: Samples, end_to_end: Option<Samples>, batch: &Batch) -> Measured {
    Measured { kernel, device, end_to_end, device_clock: false, ring_bytes: batch.ring_bytes() }
}
