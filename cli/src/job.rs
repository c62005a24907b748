//! The parts of a run, each timed.

use std::time::{Duration, Instant};

use wgpu_softmax::gpu::Profile;
use wgpu_softmax::stream::{Fallback, Stream};
use wgpu_softmax::{Context, DType, DeviceChoice, Error, Op, Shape};

use crate::check::{Check, Comparison};
use crate::failure::Failure;
use crate::files::Elements;
use crate::layout::Layout;
use crate::memo::Memo;
use crate::output::Array;
use crate::parts::Parts;
use crate::progress::Progress;
use crate::ran::Ran;
use crate::results::Results;
use crate::room::Room;
use crate::store::Store;
use crate::summary::Parts as Times;

/// One operation on one array.
#[derive(Debug)]
pub struct Job {
    /// What is computed.
    pub op: Op,
    /// Of which elements.
    pub layout: Layout,
    /// How many rows.
    pub rows: u64,
    /// The type of the results.
    pub dtype: DType,
    /// Bytes of memory that it may use.
    pub memory: Option<u64>,
    times: Times<Duration>,
    start: Instant,
    /// What is kept from run to run.
    memo: Memo,
}

/// Where an array that is computed in parts has come to.
struct Walk<'a> {
    parts: &'a Parts<'a>,
    contexts: &'a [Context],
    /// What takes over where the device fails.
    spare: Option<Context>,
    ran: Ran,
    is_replaced: bool,
}

impl Walk<'_> {
    fn context(&self) -> &Context {
        match &self.spare {
            Some(spare) if self.is_replaced => spare,
            _ => &self.contexts[0],
        }
    }
}

impl Job {
    /// Begins now.
    pub fn new(op: Op, layout: Layout, rows: u64, dtype: DType, memory: Option<u64>, store: Store) -> Self {
        let memo = Memo::new(store);
        Self { op, layout, rows, dtype, memory, times: Times::default(), start: Instant::now(), memo }
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
        let small = if may_be_small { self.memo.small(&self.op, self.layout.shape) } else { None };
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

    /// Computes the rows from `done` on, which lie one after the other, chunk by chunk.
    pub fn stream(
        &mut self,
        contexts: &[Context],
        fallback: Fallback,
        elements: &mut Elements,
        done: u64,
        output: &mut Array,
    ) -> Result<Ran, Failure> {
        let (rows, cols) = (self.rows - done, self.layout.shape.cols());
        let progress = Progress::new("computing", (rows * cols * 4) as usize, self.start);
        let shape = Shape::rows(rows as usize, cols as usize);
        let mut stream = Stream::new(&contexts[0], self.op, shape).fallback(fallback);
        stream = contexts[1..].iter().fold(stream, Stream::and);
        stream = stream.progress(move |at| progress.of(at.bytes, at.bytes_in_all));
        if let Some(memory) = self.memory {
            stream = stream.memory(memory);
        }
        let per_row = self.op.kind.output_words(Shape::rows(1, cols as usize))?;
        let mut results = Results::new(output, self.dtype, done, per_row);
        let outcome = stream.run_blocking(elements.rows_from(done * cols), &mut results);
        let (time, failure) = (results.time, results.failure);
        let streamed = outcome.map_err(|error| cause(error, elements.failure().or(failure)))?;
        self.times.write = time;
        let ran = Ran::from(streamed);
        self.note(&ran, elements.time());
        Ok(ran)
    }

    /// Computes the rows from `done` on, part by part, on the one device there is.
    pub fn parts(
        &mut self,
        parts: &Parts<'_>,
        contexts: &[Context],
        fallback: Fallback,
        elements: &mut Elements,
        done: u64,
        output: &mut Array,
    ) -> Result<Ran, Failure> {
        let since = Instant::now();
        let falls_back = fallback == Fallback::Cpu && contexts[0].adapter().is_some();
        let spare = falls_back.then(|| Context::cpu("a device failed"));
        let mut walk = Walk { parts, contexts, spare, ran: Ran::default(), is_replaced: false };
        let progress = Progress::new("computing", 0, self.start);
        let (mut x, mut out) = parts.rooms()?;
        let (mut bytes, all) = (0, parts.elements_of(&(0..parts.indices())));
        for range in parts.ranges(done) {
            parts.read(elements, &range, &mut x)?;
            self.part(&mut walk, &range, (&x, &mut out))?;
            let written = Instant::now();
            output.write(out.bytes())?;
            output.rows_done(parts.rows_until(&range))?;
            self.times.write += written.elapsed();
            bytes += parts.elements_of(&range);
            progress.of(bytes, all);
        }
        walk.ran.total = since.elapsed();
        self.note(&walk.ran, elements.time());
        Ok(walk.ran)
    }

    fn part(
        &self,
        walk: &mut Walk<'_>,
        range: &std::ops::Range<usize>,
        (x, out): (&Room, &mut Room),
    ) -> Result<(), Failure> {
        let mut computed = walk.parts.compute(walk.context(), self.op, range, x, out);
        if let (Err(error @ Error::Device { .. }), Some(_), false) =
            (&computed, &walk.spare, walk.is_replaced)
        {
            let name = walk.context().adapter().map(ToString::to_string).unwrap_or_default();
            walk.ran.faults.push(format!("{name}: {error}"));
            walk.is_replaced = true;
            computed = walk.parts.compute(walk.context(), self.op, range, x, out);
        }
        let timing = computed.map_err(|error| walk.parts.told(error))?;
        let elements = walk.parts.elements_of(range);
        let ran = &mut walk.ran;
        match &walk.spare {
            Some(spare) if walk.is_replaced => ran.add(spare, elements, &timing),
            _ => ran.add(&walk.contexts[0], elements, &timing),
        }
        walk.parts.finish(out)
    }

    /// The parts overlap, so they may add up to more than the whole.
    fn note(&mut self, ran: &Ran, read: Duration) {
        self.times.read += read;
        for share in &ran.shares {
            self.times.kernel += share.timing.compute;
            if share.adapter.is_some() {
                *self.times.upload.get_or_insert_default() += share.timing.upload;
                *self.times.read_back.get_or_insert_default() += share.timing.read_back;
            }
        }
        if let (Some(upload), Some(read_back)) = (self.times.upload, self.times.read_back) {
            let parts = upload + self.times.kernel + read_back + self.times.write;
            self.times.prepare = Some(ran.total.saturating_sub(parts));
        }
    }

    /// Leaves for later runs what this one, which is over, compiled and measured of so many rows.
    pub fn remember(&self, contexts: &[Context], ran: &Ran, rows: u64) {
        let bytes = rows.saturating_mul(self.layout.shape.cols()).saturating_mul(4);
        self.memo.keep_compiled(contexts);
        if let [context] = contexts
            && ran.faults.is_empty()
        {
            // Without the files' time, which is the same on every device.
            let Times { open, upload, kernel, read_back, .. } = self.times;
            let took = upload.unwrap_or_default() + kernel + read_back.unwrap_or_default();
            self.memo.keep_measured(context, bytes, open, took);
        }
    }

    /// Compares what was written with the CPU.
    pub fn check(
        &mut self,
        parts: Option<&Parts<'_>>,
        elements: &mut Elements,
        output: &Array,
    ) -> Result<Check, Failure> {
        let since = Instant::now();
        let Some(found) = output.written() else {
            return Err(Failure::Cannot("--check: the output is gone; name a file".to_owned()));
        };
        let progress = Progress::new("checking", 0, self.start);
        let comparison = Comparison { op: self.op, layout: &self.layout, dtype: self.dtype, found };
        let check = match parts {
            Some(parts) => comparison.parts(parts, elements, &progress)?,
            None => comparison.stream(elements, self.memory, progress)?,
        };
        self.times.check = Some(since.elapsed());
        Ok(check)
    }

    /// Gives the output its name.
    pub fn finish(&mut self, output: Array) -> Result<(), Failure> {
        let since = Instant::now();
        output.finish()?;
        self.times.write += since.elapsed();
        Ok(())
    }

    /// How long each part took; all of it ends now.
    pub fn end(&mut self) -> Times<f64> {
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
