//! Elements that are read and computed by the same thread, a few rows at a time: it computes what it has
//! just read from its own cache. What that gains over reading a whole chunk first is in
//! `docs/performance-stream.md`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rayon::prelude::*;

use super::SharedSource;
use super::cpu::Job;
use super::io::source_error;
use super::source::read_parallel;
use super::walk::{Found, Work};
use crate::cpu::{Options, run_with};
use crate::web::Instant;
use crate::{Error, Op, Shape};

/// Elements that a thread reads before it computes them: 256 KiB, half of a usual L2 cache with their
/// results.
const ELEMENTS: usize = 1 << 16;

/// Reads a job's elements into `x`, and computes; says how much of the time was `reading`.
///
/// # Errors
/// [`Error::Source`].
pub(crate) fn run(
    job: &Job<'_>,
    source: &dyn SharedSource,
    x: &mut [f32],
    out: &mut [f32],
    reading: &mut Duration,
) -> Result<Option<Found>, Error> {
    let (start, cols) = (Instant::now(), job.cols as usize);
    if matches!(job.task.work, Work::Rows(_)) && (1..=ELEMENTS).contains(&cols) {
        let share = some_rows_at_a_time(job.op, cols, source, job.task.start, x, out)?;
        *reading = start.elapsed().mul_f64(share);
        return Ok(None);
    }
    // A row is shared by all threads: they need all of it.
    read_parallel(source, job.task.start, x).map_err(source_error)?;
    *reading = start.elapsed();
    job.run(x, out)
}

/// Says which share of the threads' time was reading.
fn some_rows_at_a_time(
    op: Op,
    cols: usize,
    source: &dyn SharedSource,
    first: u64,
    x: &mut [f32],
    out: &mut [f32],
) -> Result<f64, Error> {
    let (rows, words) = (ELEMENTS / cols, out.len() / (x.len() / cols));
    let [reading, computing] = [const { AtomicU64::new(0) }; 2];
    let pieces = x.par_chunks_mut(rows * cols).zip(out.par_chunks_mut(rows * words)).enumerate();
    pieces.try_for_each(|(i, (x, out))| {
        let start = Instant::now();
        source.read_shared(first + (i * rows * cols) as u64, x).map_err(source_error)?;
        let read = Instant::now();
        run_with(&Options::new().threads(1), op, x, Shape::rows(x.len() / cols, cols), out)?;
        reading.fetch_add((read - start).as_nanos() as u64, Ordering::Relaxed);
        computing.fetch_add(read.elapsed().as_nanos() as u64, Ordering::Relaxed);
        Ok(())
    })?;
    let [reading, computing] = [reading, computing].map(|time| time.into_inner() as f64);
    Ok(reading / (reading + computing).max(1.0))
}
