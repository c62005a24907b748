//! Batches of any size: rows from a source, through one device or several, to a sink.
//!
//! A batch may be larger than a buffer, the GPU's memory or the host's; a row may be too. The bits are
//! those of the whole batch in memory.
//!
//! ```
//! use wgpu_softmax::stream::{Chunks, Stream, Writer};
//! use wgpu_softmax::{Context, Shape, Softmax};
//!
//! let context = Context::cpu("an example");
//! let batches = (0..1000).map(|i| vec![i as f32, 1.0, 2.0]);
//! let mut probabilities = Vec::new(); // a file, a socket, ...
//! let summary = Stream::new(&context, Softmax::new(), Shape::rows(1000, 3))
//!     .memory(64 << 20)
//!     .progress(|at| eprint!("\r{} of {} rows", at.rows, at.rows_in_all))
//!     .run_blocking(Chunks::new(batches), Writer::new(&mut probabilities))?;
//! assert_eq!(probabilities.len(), 1000 * 3 * 4);
//! assert_eq!(summary.shares[0].elements, 3000);
//! # Ok::<(), wgpu_softmax::Error>(())
//! ```
//!
//! # How it goes
//! Chunks of rows are read into reused memory, computed, and written, in order: while one is computed,
//! the next one is read and the one before is written. A device has up to three chunks under way. A
//! slow sink stalls the stream; memory does not grow.
//!
//! Rows too long for the memory allowed, or for the device's buffers, are cut into pieces, whose exact
//! maxima and sums are merged. Their elements are read two or three times, so the source must be able to
//! go back.
//!
//! A device that fails is left; the chunks it had begun go to the other devices, or to the CPU with
//! [`Fallback::Cpu`]. Bits do not change by that. Else the stream ends with [`Error::Stopped`], which
//! says how many leading rows are finished. Dropping the future cancels the stream after the chunk at
//! hand; its devices remain usable.

mod copy;
mod cpu;
mod crew;
mod engine;
mod io;
mod lane;
mod memory;
mod piece;
mod progress;
mod setup;
mod sink;
mod source;
mod together;
mod walk;

pub use memory::{default_budget, free_memory};
pub use progress::{Progress, Share, Summary};
pub use sink::{Each, Sink, Writer};
pub use source::{Chunks, Positioned, ReadAt, Reader, SharedSource, Source};

pub(crate) use copy::copy_up;
pub(crate) use setup::run_on_gpu;

use crate::web::Instant;
use crate::{Context, Error, Op, Shape};
use engine::Engine;
use io::Output;
use progress::Tell;
use setup::Setting;

/// What happens where a device fails and no other is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// The stream ends with an error.
    #[default]
    Stop,
    /// The CPU does the rest: the same bits, with [`crate::Precision::Reproducible`].
    Cpu,
}

/// An operation on the rows of a batch that is never in memory as a whole.
#[must_use]
pub struct Stream<'a> {
    setting: Setting<'a>,
    // Apart from the rest, which a future may keep across threads: a function need not be `Sync`.
    tell: Option<Box<Tell<'a>>>,
}

/// Bytes of a device's own memory that are used unless told: wgpu does not say how much is free.
const DEVICE_MEMORY: u64 = 1 << 30;

impl<'a> Stream<'a> {
    /// A stream through one device, or the CPU where the context is that.
    pub fn new(context: &'a Context, op: impl Into<Op>, shape: Shape) -> Self {
        let setting = Setting {
            contexts: vec![context],
            op: op.into(),
            shape,
            memory: None,
            device_memory: DEVICE_MEMORY,
            fallback: Fallback::default(),
        };
        Self { setting, tell: None }
    }

    /// Shares the rows with another device, by measured speed. A context that is there already changes
    /// nothing.
    pub fn and(mut self, context: &'a Context) -> Self {
        self.setting.contexts.push(context);
        self
    }

    /// Bytes of the host's memory for chunks under way, of all devices together; by default a quarter of
    /// what is free, from 64 MiB to 1 GiB. A software adapter's buffers are the host's memory. What a
    /// memory map holds in the page cache does not count.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.setting.memory = Some(bytes);
        self
    }

    /// Bytes of each device's own memory, 1 GiB by default.
    pub fn device_memory(mut self, bytes: u64) -> Self {
        self.setting.device_memory = bytes;
        self
    }

    /// What happens where a device fails and no other is left. Where the source cannot go back, the
    /// elements under way are kept, which takes a part of the memory.
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.setting.fallback = fallback;
        self
    }

    /// Calls a function with each chunk that is delivered, in the thread that runs the stream.
    pub fn progress(mut self, tell: impl FnMut(&Progress) + Send + 'a) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// Runs the stream. Between chunks the future lets its executor go on; it computes, reads and writes
    /// when it is polled, so give it a thread that may be busy. Dropping it cancels the stream.
    ///
    /// # Errors
    /// Before anything is read or written: [`Error::Length`] for memory that does not fit the shape,
    /// [`Error::NotFinite`] for the scale, [`Error::Memory`] and [`Error::Limit`] where a chunk cannot be
    /// held, [`Error::Device`] for a device that failed before. Afterwards [`Error::Stopped`] with the
    /// cause: [`Error::Source`], [`Error::Sink`] or [`Error::Device`].
    pub async fn run(self, mut source: impl Source, mut sink: impl Sink) -> Result<Summary, Error> {
        let start = Instant::now();
        let Self { setting, mut tell } = self;
        let rows = setting.shape.row_count();
        let mut output = setting.output(&mut sink)?;
        let mut engine = setup::engine(&setting, &mut source, matches!(output, Output::Memory(_))).await?;
        if let Some(tell) = &mut tell {
            engine.tell = Some(&mut **tell);
        }
        let outcome = engine.run(&mut output).await;
        let finished = if engine.walk.is_done() { rows } else { engine.walk.rows_done() };
        let summary = summary(engine, start);
        let outcome = outcome.and_then(|()| sink.finish().map_err(io::sink_error));
        outcome.map_err(|cause| Error::Stopped { finished, rows, cause: Box::new(cause) })?;
        Ok(summary)
    }

    /// [`Stream::run`] for callers without an executor: blocks this thread. To cancel it, let the source
    /// or the sink fail.
    ///
    /// # Errors
    /// Those of [`Stream::run`].
    pub fn run_blocking(self, source: impl Source, sink: impl Sink) -> Result<Summary, Error> {
        pollster::block_on(self.run(source, sink))
    }
}

fn summary(engine: Engine<'_>, start: Instant) -> Summary {
    let rows_were_cut = engine.walk.pieces.is_some();
    let shares = engine.lanes.into_iter().map(|lane| {
        let timing = crate::Timing { total: start.elapsed(), ..lane.timing };
        let on_cpu = matches!(lane.device, lane::Device::Cpu(_));
        Share { device: lane.name, on_cpu, elements: lane.elements, timing }
    });
    Summary { total: start.elapsed(), shares: shares.collect(), faults: engine.faults, rows_were_cut }
}
