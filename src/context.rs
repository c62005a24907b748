//! Host slices in, results out: on a GPU where there is one, else on the CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_intrusive::sync::Mutex;

use crate::break_even::Estimate;
use crate::error::check_length;
use crate::gpu::adapter::{AdapterEntry, DeviceChoice, adapters, choose};
use crate::gpu::device::OpenDevice;
use crate::gpu::small::SmallOnCpu;
use crate::gpu::transfer::Transfer;
use crate::gpu::{Compiled, Ops, Options};
use crate::stream::{free_memory, run_on_gpu};
use crate::web::Instant;
use crate::{Element, Error, Masking, Op, Shape};

/// What ran where, and how long each part took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// Host to device, as the host saw it; 0 on the CPU.
    pub upload: Duration,
    /// The computation itself; from the device's own clock where it has one and there are more than
    /// 64 KiB of elements or results, else as the host saw it.
    pub compute: Duration,
    /// Device to host; 0 on the CPU.
    pub read_back: Duration,
    /// From call to return.
    pub total: Duration,
    /// The name of the kernel that ran, "cpu" on the CPU.
    pub kernel: &'static str,
    /// Where the CPU computed although a GPU is open: the estimate that decided it
    /// ([`Options::small_on_cpu`]).
    pub small: Option<Estimate>,
}

/// One device, or the CPU, with its reused staging. Calls from several threads take turns.
///
/// ```
/// use wgpu_softmax::{Context, Shape};
///
/// pollster::block_on(async {
///     let context = Context::new().await;
///     let probabilities = context.softmax(&[1.0, 2.0, 3.0], Shape::rows(1, 3)).await?;
///     assert_eq!(probabilities, [0.09003057, 0.24472848, 0.66524094]);
///     Ok::<(), wgpu_softmax::Error>(())
/// })
/// # .unwrap()
/// ```
#[derive(Debug)]
pub struct Context {
    gpu: Option<Gpu>,
    reason: Option<String>,
}

/// A device with what belongs to it.
#[derive(Debug)]
pub(crate) struct Gpu {
    /// Unlike any other's; several devices are locked in this order.
    pub id: u64,
    pub name: Arc<str>,
    entry: AdapterEntry,
    pub open: OpenDevice,
    pub ops: Ops,
    pub transfer: Mutex<Transfer>,
    small: SmallOnCpu,
}

impl Gpu {
    /// The estimate by which a batch goes to the CPU; `None` where it does not.
    async fn small(&self, op: Op, shape: Shape) -> Option<Estimate> {
        self.small.estimate(&self.open, &self.transfer, &op, shape).await
    }
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
        if *choice == DeviceChoice::Cpu {
            return Ok(Self::cpu("the CPU was asked for"));
        }
        match choose(choice, &adapters().await)? {
            // A device that was named is taken for every batch.
            Ok(entry) => {
                Self::on(entry, Options::default().small_on_cpu(*choice == DeviceChoice::Auto)).await
            }
            Err(reason) => Ok(Self::cpu(reason)),
        }
    }

    /// The GPU of a listed adapter.
    ///
    /// # Errors
    /// [`Error::Device`] where it refuses.
    pub async fn on(entry: AdapterEntry, options: Options) -> Result<Self, Error> {
        let limits = entry.adapter.limits();
        Self::on_limited(entry, options, limits).await
    }

    /// The GPU of a listed adapter, with limits that are lower than the adapter's: a smaller
    /// `max_buffer_size` or `max_storage_buffer_binding_size` cuts batches as on a smaller device.
    ///
    /// # Errors
    /// [`Error::Device`] where it refuses.
    pub async fn on_limited(
        entry: AdapterEntry,
        options: Options,
        limits: wgpu::Limits,
    ) -> Result<Self, Error> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let open = OpenDevice::new(&entry, limits).await?;
        let small = SmallOnCpu::new(&options);
        let ops = Ops::new(&open.device, options).await?;
        let transfer = Mutex::new(Transfer::default(), true);
        let (id, name) = (NEXT_ID.fetch_add(1, Ordering::Relaxed), entry.to_string().into());
        Ok(Self { gpu: Some(Gpu { id, name, entry, open, ops, transfer, small }), reason: None })
    }

    /// The CPU, and why it is used.
    pub fn cpu(reason: impl Into<String>) -> Self {
        Self { gpu: None, reason: Some(reason.into()) }
    }

    pub(crate) fn gpu(&self) -> Option<&Gpu> {
        self.gpu.as_ref()
    }

    /// The adapter in use; `None` on the CPU.
    pub fn adapter(&self) -> Option<&AdapterEntry> {
        self.gpu.as_ref().map(|gpu| &gpu.entry)
    }

    /// The device in use; `None` on the CPU.
    pub fn device(&self) -> Option<&wgpu::Device> {
        self.gpu.as_ref().map(|gpu| &gpu.open.device)
    }

    /// The queue that goes with [`Context::device`].
    pub fn queue(&self) -> Option<&wgpu::Queue> {
        self.gpu.as_ref().map(|gpu| &gpu.open.queue)
    }

    /// The pipelines of [`Context::device`]; `None` on the CPU.
    pub fn ops(&self) -> Option<&Ops> {
        self.gpu.as_ref().map(|gpu| &gpu.ops)
    }

    /// Chooses kernels by other options from now on; staging stays as it is. Nothing changes on the CPU.
    ///
    /// # Errors
    /// Those of [`Ops::new`].
    pub async fn set_options(&mut self, options: Options) -> Result<(), Error> {
        if let Some(gpu) = &mut self.gpu {
            let small = SmallOnCpu::new(&options);
            gpu.ops = Ops::new(&gpu.open.device, options).await?;
            gpu.small = small;
            gpu.transfer.lock().await.forget_plans();
        }
        Ok(())
    }

    /// The pipelines compiled so far, to be kept for the next process: see [`Ops::compiled`].
    pub fn compiled(&self) -> Option<Compiled> {
        self.gpu.as_ref().and_then(|gpu| gpu.ops.compiled())
    }

    /// Why the CPU is used, where it is.
    pub fn fallback_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Computes an operation on the rows of a shape, along whichever axes, into `out`, which has as many elements as the operation has results
    /// (for [`crate::RowStatistics`] eight words per row, see [`Context::row_statistics`]).
    ///
    /// # Errors
    /// [`Error::Length`] for slices that do not fit the shape, [`Error::NotFinite`] for the scale,
    /// [`Error::Kernel`] for a forced kernel that cannot run, [`Error::Device`] where the device fails.
    pub async fn run_into(
        &self,
        op: impl Into<Op>,
        x: &[f32],
        shape: Shape,
        out: &mut [f32],
    ) -> Result<Timing, Error> {
        let op = op.into().checked()?;
        check_length("input", shape.elements()?, x.len())?;
        check_length("output", op.kind.output_words(shape)?, out.len())?;
        if !shape.is_contiguous() {
            return Box::pin(self.run_tensor(op, x, shape, &Masking::new(), out)).await;
        }
        let shape = shape.as_rows();
        match &self.gpu {
            Some(gpu) if !shape.is_empty() => match gpu.small(op, shape).await {
                small @ Some(_) => on_cpu(small, || crate::cpu::run(op, x, shape, out)),
                None => run_on_gpu(gpu, op, shape, Some(x), out).await,
            },
            _ => on_cpu(None, || crate::cpu::run(op, x, shape, out)),
        }
    }

    /// Computes an operation with one result per element over its own input.
    ///
    /// # Errors
    /// [`Error::NotInPlace`] for an operation with one result per row, and those of
    /// [`Context::run_into`]. Where the device fails in the middle, leading rows may be done.
    pub async fn run_in_place(
        &self,
        op: impl Into<Op>,
        data: &mut [f32],
        shape: Shape,
    ) -> Result<Timing, Error> {
        let op = op.into().checked()?;
        if !op.kind.is_elementwise() {
            return Err(Error::NotInPlace { op: op.kind.name() });
        }
        check_length("data", shape.elements()?, data.len())?;
        if !shape.is_contiguous() {
            return Box::pin(self.run_tensor_in_place(op, data, shape, &Masking::new())).await;
        }
        let shape = shape.as_rows();
        match &self.gpu {
            Some(gpu) if !shape.is_empty() => match gpu.small(op, shape).await {
                small @ Some(_) => on_cpu(small, || crate::cpu::run_in_place(op, data, shape)),
                None => run_on_gpu(gpu, op, shape, None, data).await,
            },
            _ => on_cpu(None, || crate::cpu::run_in_place(op, data, shape)),
        }
    }

    /// Computes an operation into a new vector.
    ///
    /// # Errors
    /// Those of [`Context::run_into`], and [`Error::Memory`] where the vector cannot be had.
    pub async fn run(&self, op: impl Into<Op>, x: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        let op = op.into();
        check_length("input", shape.elements()?, x.len())?;
        let mut out = results(op.kind.output_words(shape)?)?;
        self.run_into(op, x, shape, &mut out).await?;
        Ok(out)
    }
}

/// So many results, all 0.
///
/// # Errors
/// [`Error::Memory`] where they cannot be had.
pub(crate) fn results<Y: Element>(count: u64) -> Result<Vec<Y>, Error> {
    let is_there = usize::try_from(count).is_ok_and(|count| Vec::<Y>::new().try_reserve_exact(count).is_ok());
    if !is_there {
        let needed = count.saturating_mul(size_of::<Y>() as u64);
        let budget = free_memory().unwrap_or(isize::MAX as u64);
        let hint = "split the batch into fewer rows, or stream it";
        return Err(Error::Memory { what: "results", needed, budget, hint });
    }
    // Asked for once more, since memory that comes as zeros is not written here.
    Ok(vec![Y::zeroed(); count as usize])
}

pub(crate) fn on_cpu(
    small: Option<Estimate>,
    work: impl FnOnce() -> Result<(), Error>,
) -> Result<Timing, Error> {
    let start = Instant::now();
    work()?;
    let total = start.elapsed();
    Ok(Timing { compute: total, total, kernel: "cpu", small, ..Timing::default() })
}
