//! The library's ways of computing arrays that are no plain rows.

use std::time::Instant;

use wgpu_softmax::{Context, Element, Error, Masking, Op, Shape, Timing, cpu};

/// Computes an array of any axes and types with what stands beside it.
pub fn run<X: Element, Y: Element>(
    context: &Context,
    op: Op,
    x: &[X],
    shape: Shape,
    masking: &Masking<'_>,
    out: &mut [Y],
) -> Result<Timing, Error> {
    context.run_tensor_blocking(op, x, shape, masking, out)
}

/// Computes rows of any lengths, on the CPU.
pub fn ragged<X: Element, Y: Element>(
    op: Op,
    x: &[X],
    offsets: &[u64],
    masking: &Masking<'_>,
    out: &mut [Y],
) -> Result<Timing, Error> {
    let start = Instant::now();
    cpu::run_ragged_with(&cpu::Options::new(), op, x, offsets, masking, out)?;
    let mut timing = Timing::default();
    (timing.compute, timing.total, timing.kernel) = (start.elapsed(), start.elapsed(), "cpu");
    Ok(timing)
}
