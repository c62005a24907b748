//! The parts of a run, each timed.

use std::io;
use std::time::{Duration, Instant};

use wgpu_softmax::gpu::Profile;
use wgpu_softmax::stream::{self, Fallback, Stream, Summary};
use wgpu_softmax::{Context, DeviceChoice, Error, Op, Shape};

use crate::check::{self, Check};
use crate::failure::Failure;
use crate::memo::Memo;
use crate::npy::{Elements, Source};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::Store;
use crate::summary::Parts;

/// One operation on one batch.
#[derive(Debug)]
pub struct Job {
    /// What is computed.
    pub op: Op,
    /// Of which rows.
    pub shape: Shape,
    /// Bytes of memory that it may use.
    pub memory: Option<u64>,
    times: Parts<Duration>,
    start: Instant,
    /// What is kept from run to run.
    memo: Memo,
}

impl Job {
    /// Begins now.
    pub fn new(op: Op, shape: Shape, memory: Option<u64>, store: Store) -> Self {
        let memo = Memo::new(store);
        Self { op, shape, memory, times: Parts::default(), start: Instant::now(), memo }
    }

    /// Makes the devices ready, which plan by the profile where one is given. Under `auto` that is the CPU
    /// where it has the batch done before a GPU would have started, unless a profile is given or the two
    /// are to be compared.
    pub fn open(
        &mut self,
        choices: &[DeviceChoice],
        profile: Option<&Profile>,
        compare: bool,
    ) -> Result<Vec<Context>, Failure> {
        let since = Instant::now();
        let may_be_small = *choices == [DeviceChoice::Auto] && !compare && profile.is_none();
        let small = if may_be_small { self.memo.small(&self.op, self.shape) } else { None };
        let mut contexts = match small {
            Some(reason) => vec![Context::cpu(reason)],
            None => self.memo.open(choices)?,
        };
        if let Some(profile) = profile {
            contexts.iter_mut().try_for_each(|context| crate::profile::apply(context, profile))?;
        }
        self.times.open = since.elapsed();
        Ok(contexts)
    }

    /// Finds the way to the elements; reads them all where that cannot be avoided.
    pub fn elements(&mut self, source: Source) -> Result<Elements, Failure> {
        let since = Instant::now();
        let progress = Progress::new("reading", source.bytes() as usize, self.start);
        let elements = source.elements(self.memory, &progress)?;
        self.times.read = since.elapsed();
        Ok(elements)
    }

    /// Bytes of memory that are left for chunks.
    fn left(&self, elements: &Elements) -> Option<u64> {
        self.memory.map(|memory| memory.saturating_sub(elements.bytes_held()))
    }

    /// Computes the rows from `done` on, chunk by chunk.
    pub fn compute(
        &mut self,
        contexts: &[Context],
        fallback: Fallback,
        elements: &mut Elements,
        done: u64,
        output: &mut Output,
    ) -> Result<Summary, Failure> {
        let (rows, cols) = (self.shape.row_count() - done, self.shape.cols());
        let progress = Progress::new("computing", (rows * cols * 4) as usize, self.start);
        let shape = Shape::rows(rows as usize, cols as usize);
        let mut stream = Stream::new(&contexts[0], self.op, shape).fallback(fallback);
        stream = contexts[1..].iter().fold(stream, Stream::and);
        stream = stream.progress(move |at| progress.of(at.bytes, at.bytes_in_all));
        if let Some(memory) = self.left(elements) {
            stream = stream.memory(memory);
        }
        let words_per_row = self.op.kind.output_words(Shape::rows(1, cols as usize))?;
        let mut results = Results::new(output, done, words_per_row);
        let outcome = stream.run_blocking(elements.rows_from(done * cols), &mut results);
        let (time, failure) = (results.time, results.failure);
        let summary = outcome.map_err(|error| cause(error, elements.failure().or(failure)))?;
        self.note(&summary, elements.time(), time);
        Ok(summary)
    }

    /// The parts overlap, so they may add up to more than the whole.
    fn note(&mut self, summary: &Summary, read: Duration, write: Duration) {
        self.times.read += read;
        self.times.write = write;
        for share in &summary.shares {
            self.times.kernel += share.timing.compute;
            if !share.on_cpu {
                *self.times.upload.get_or_insert_default() += share.timing.upload;
                *self.times.read_back.get_or_insert_default() += share.timing.read_back;
            }
        }
        if let (Some(upload), Some(read_back)) = (self.times.upload, self.times.read_back) {
            let parts = upload + self.times.kernel + read_back + write;
            self.times.prepare = Some(summary.total.saturating_sub(parts));
        }
    }

    /// Leaves for later runs what this one, which is over, compiled and measured of so many rows.
    pub fn remember(&self, contexts: &[Context], streamed: &Summary, rows: u64) {
        let bytes = rows.saturating_mul(self.shape.cols()).saturating_mul(4);
        self.memo.keep_compiled(contexts);
        if let [context] = contexts
            && streamed.faults.is_empty()
        {
            // Without the files' time, which is the same on every device.
            let Parts { open, upload, kernel, read_back, .. } = self.times;
            let took = upload.unwrap_or_default() + kernel + read_back.unwrap_or_default();
            self.memo.keep_measured(context, bytes, open, took);
        }
    }

    /// Compares what was written, from byte `offset` of the output on, with the CPU.
    pub fn check(&mut self, elements: &mut Elements, output: &Output, offset: u64) -> Result<Check, Failure> {
        let since = Instant::now();
        let Some(file) = output.written() else {
            return Err(Failure::Cannot("--check: the output is gone; name a file".to_owned()));
        };
        let progress = Progress::new("checking", 0, self.start);
        let memory = self.left(elements);
        let check = check::check(self.op, elements, self.shape, (file, offset), memory, progress)?;
        self.times.check = Some(since.elapsed());
        Ok(check)
    }

    /// Gives the output its name.
    pub fn finish(&mut self, output: Output) -> Result<(), Failure> {
        let since = Instant::now();
        output.finish()?;
        self.times.write += since.elapsed();
        Ok(())
    }

    /// How long each part took; all of it ends now.
    pub fn end(&mut self) -> Parts<f64> {
        self.times.total = self.start.elapsed();
        self.times.seconds()
    }
}

/// What the reader or the writer said where it was one of them, else what the library says.
fn cause(error: Error, told: Option<Failure>) -> Failure {
    match (&error, told) {
        (Error::Stopped { cause, .. }, Some(told))
            if matches!(**cause, Error::Source { .. } | Error::Sink { .. }) =>
        {
            told
        }
        _ => error.into(),
    }
}

/// Results on their way to the output.
struct Results<'a> {
    output: &'a mut Output,
    rows_before: u64,
    words_per_row: u64,
    words: u64,
    time: Duration,
    failure: Option<Failure>,
}

impl<'a> Results<'a> {
    fn new(output: &'a mut Output, rows_before: u64, words_per_row: u64) -> Self {
        Self { output, rows_before, words_per_row, words: 0, time: Duration::ZERO, failure: None }
    }

    fn put(&mut self, words: &[f32]) -> Result<(), Failure> {
        self.output.write(bytemuck::cast_slice(words))?;
        self.words += words.len() as u64;
        // A row that was cut comes in pieces.
        match self.words.checked_rem(self.words_per_row) {
            Some(0) => self.output.rows_done(self.rows_before + self.words / self.words_per_row),
            _ => Ok(()),
        }
    }
}

impl stream::Sink for Results<'_> {
    fn write(&mut self, words: &[f32]) -> io::Result<()> {
        let since = Instant::now();
        let put = self.put(words);
        self.time += since.elapsed();
        put.map_err(|failure| {
            self.failure = Some(failure);
            io::Error::other("the output")
        })
    }
}
