//! Measuring: one operation by one kernel on one device and one shape, its answer compared with the
//! specification first, then timed over a ring of buffers that no cache holds.
//!
//! ```text
//! let mut gpu = Gpu::open(&entry)?;
//! let mut batch = Batch::new(shape)?;
//! let measured = gpu.measure(options, op, &mut batch, &Effort::default())?;
//! measured.device.median()
//! ```

mod batch;
mod clock;
mod copy;
mod cpu;
mod gpu;
mod memory;
mod ring;
mod samples;

pub use batch::Batch;
pub use cpu::Cpu;
pub use gpu::{Gpu, Runner};
pub use memory::last_level_cache;
pub use samples::{Effort, Samples};

use wgpu_softmax::Error;

/// What a device did with one operation on one batch.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The kernel that ran.
    pub kernel: &'static str,
    /// The computation alone, with the batch on the device.
    pub device: Samples,
    /// From host slice to host slice; none for a copy.
    pub end_to_end: Option<Samples>,
    /// Whether `device` was taken by the device's own clock, rather than by the wall around a submission
    /// and its fence.
    pub device_clock: bool,
    /// Bytes of the inputs and results that took turns.
    pub ring_bytes: u64,
}

/// Why there is no measurement.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The kernel or the device does not take this shape, or failed.
    Cannot(Error),
    /// More memory than can be had: how much, without the way out, which depends on who asks.
    Memory(String),
    /// The answer is not that of the specification.
    Wrong(String),
}

impl Refusal {
    /// The same, with the shape before what it says of memory alone.
    pub fn of_shape(self, shape: &str) -> Self {
        match self {
            Refusal::Memory(what) => Refusal::Memory(format!("{shape}: {what}")),
            other => other,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Cannot(error)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Cannot(error) => error.fmt(f),
            Refusal::Memory(what) => write!(f, "{what}; give fewer rows or columns"),
            Refusal::Wrong(what) => write!(f, "WRONG: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use wgpu_softmax::gpu::adapter::adapters;
    use wgpu_softmax::gpu::{Kernel, Options};
    use wgpu_softmax::{Op, OpKind, Shape, cpu};

    const SHORT: Effort = Effort { time: Duration::ZERO, samples: 50 };

    #[test]
    fn the_cpu_is_measured() {
        let mut batch = Batch::new(Shape::rows(300, 50)).unwrap();
        for kind in OpKind::ALL {
            let measured = Cpu.measure(&cpu::Options::new(), Op::new(kind), &mut batch, &SHORT).unwrap();
            assert_eq!(measured.device.count(), Effort::LEAST);
            assert!(measured.device.least() > 0.0 && measured.ring_bytes > 0);
        }
        assert_eq!(Cpu.copy(&mut batch, &SHORT).unwrap().kernel, "copy");
    }

    #[test]
    fn each_adapter_is_measured() {
        let found = pollster::block_on(adapters());
        assert!(
            !found.is_empty(),
            "no adapter: install a Vulkan driver (mesa-vulkan-drivers on Debian and Ubuntu)"
        );
        for entry in found {
            let mut gpu = Gpu::open(&entry).unwrap();
            for (rows, cols) in [(300, 50), (3, 7), (2, 40_000)] {
                let mut batch = Batch::new(Shape::rows(rows, cols)).unwrap();
                for kind in OpKind::ALL {
                    let op = Op::new(kind);
                    let measured = gpu.measure(&Options::default(), op, &mut batch, &SHORT).unwrap();
                    assert_eq!(measured.kernel, gpu.planned(batch.shape()).unwrap().name());
                    assert!(measured.device.least() > 0.0 && measured.end_to_end.is_some());
                }
                assert!(gpu.copy(&batch, &SHORT).unwrap().device.least() > 0.0);
            }
            let mut long = Batch::new(Shape::rows(1, 5000)).unwrap();
            let refused = gpu.measure(
                &Options::default().force(Kernel::Thread),
                Op::new(OpKind::Softmax),
                &mut long,
                &SHORT,
            );
            assert!(matches!(refused, Err(Refusal::Cannot(Error::Kernel { .. }))));
        }
    }
}
