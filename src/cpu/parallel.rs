//! Work cut into parts, which the calling thread and rayon's take in turn. The calling thread works
//! too, so that one thread less has to be woken, and nothing waits while another one wakes.

use std::sync::{Mutex, PoisonError};

use fearless_simd::dispatch;

use super::dispatch::dispatch_math;
use super::reference::{self, RowFinish};
use super::rows::{self, Io, Job, long, part::Part};
use super::simd::{MAX_LANES, WideTotal};
use super::special::{from_key, settle_max};
use super::{scratch, stream};
use crate::RowStats;

/// Elements of a part worth a thread's waking: handing one over costs some microseconds.
const PART: usize = 1 << 16;
/// Elements below which the calling thread does all.
const SMALL: usize = 1 << 17;
/// Results larger than this go past the caches: they would not stay there.
pub(crate) const STREAM_BYTES: usize = 8 << 20;

/// How many parts `elements` are worth, in at most `most` pieces.
pub(super) fn part_count(threads: Option<usize>, elements: usize, most: usize) -> usize {
    let parts = match threads {
        Some(threads) => threads,
        None if elements < SMALL => 1,
        None => elements / PART,
    };
    parts.clamp(1, most.max(1))
}

/// Computes a job on as many threads as it is worth.
pub(crate) fn run(job: &Job, mut io: Io, threads: Option<usize>) {
    let elements = io.x().len();
    let row_count = elements / job.cols;
    let workers = threads.unwrap_or_else(rayon::current_num_threads);
    if workers > 1 && row_count < 2 * workers && row_parts(threads, job.cols) > 1 {
        for row in 0..row_count {
            let (_, rest) = io.reborrow().split_at(row * job.cols, row * job.words);
            split_row(job, rest.split_at(job.cols, job.words).0, threads);
        }
        return;
    }
    let parts = part_count(threads, elements, row_count);
    each_part(io, row_count, parts, (job.cols, job.words), &|io| rows::run(job, io));
}

/// Cuts `units` of so many elements of input and output each into parts, and calls `work` with each.
pub(super) fn each_part(
    io: Io,
    units: usize,
    parts: usize,
    (x, y): (usize, usize),
    work: &(impl Fn(Io) + Sync),
) {
    if parts == 1 {
        return work(io);
    }
    share(parts, pieces(io, units, parts, x, y), work);
}

/// Cuts `units` of so many elements of input and output each into parts.
fn pieces<'a>(io: Io<'a>, units: usize, parts: usize, x: usize, y: usize) -> impl Iterator<Item = Io<'a>> {
    let mut rest = Some(io);
    (0..parts).filter_map(move |part| {
        let units = units * (part + 1) / parts - units * part / parts;
        let (piece, others) = rest.take()?.split_at(units * x, units * y);
        rest = Some(others);
        Some(piece)
    })
}

/// Calls `work` with each part, on the calling thread and on as many of rayon's as there are parts for.
fn share<T: Send>(count: usize, parts: impl Iterator<Item = T> + Send, work: &(impl Fn(T) + Sync)) {
    let queue = Mutex::new(parts);
    let run = || {
        loop {
            let part = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            match part {
                Some(part) => work(part),
                None => return,
            }
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..count.min(rayon::current_num_threads()) {
            scope.spawn(|_| run());
        }
        run();
    });
}

/// Calls `work` with each part; on this thread alone where one was asked for.
pub(super) fn share_all<T: Send>(threads: Option<usize>, parts: Vec<T>, work: &(impl Fn(T) + Sync)) {
    if threads == Some(1) || parts.len() == 1 {
        return parts.into_iter().for_each(work);
    }
    share(parts.len(), parts.into_iter(), work);
}

/// Both results; the second one from another thread.
fn both<A, B: Send>(a: impl FnOnce() -> A, b: impl FnOnce() -> B + Send) -> (A, B) {
    let mut second = None;
    let first = rayon::in_place_scope(|scope| {
        scope.spawn(|_| second = Some(b()));
        a()
    });
    (first, second.expect("the scope ends when its work has"))
}

/// One row on several threads: a reduction (in odd rows two), then the result.
fn split_row(job: &Job, io: Io, threads: Option<usize>) {
    let Part { key, mut total, least, .. } = part(job, io.x(), threads);
    if total.is_none() && from_key(key).is_finite() {
        total = Some(sum(job, io.x(), settle_max(key), job.cols as u64, threads));
    }
    match long::result(job, key, total) {
        long::LongResult::Stats(stats) => long::write_stats(io, &stats),
        long::LongResult::Elements(finish) => {
            let parts = if job.op.kind.is_elementwise() { row_parts(threads, job.cols) } else { 1 };
            write(job, io, &finish, least, parts);
        }
    }
}

/// Maximum and sum of a row, or of a part of one.
pub(crate) fn part(job: &Job, x: &[f32], threads: Option<usize>) -> Part {
    let part = |x: &[f32]| scratch::with(long::SCRATCH, |scratch| part_of_row(job, x, scratch));
    reduce(x, row_parts(threads, x.len()), &part, &Part::merge)
}

/// The same on this thread.
fn part_of_row(job: &Job, x: &[f32], scratch: &mut [f32]) -> Part {
    let scale = job.op.scale;
    dispatch_math!(job, of job.cols as u64, M, simd => long::part::<_, M>(simd, x, scale, scratch))
}

/// How many parts one row is worth: no more than workers, since each is one pass.
fn row_parts(threads: Option<usize>, cols: usize) -> usize {
    if cols < SMALL {
        return 1;
    }
    threads.unwrap_or_else(|| part_count(None, cols, rayon::current_num_threads())).max(1)
}

/// Calls `f` with the number, the elements and the result of each row.
pub(crate) fn each_row<T: Send>(
    job: &Job,
    x: &[f32],
    out: &mut [T],
    threads: Option<usize>,
    f: &(impl Fn(usize, &[f32], &mut T) + Sync),
) {
    if x.is_empty() || part_count(threads, x.len(), out.len()) == 1 {
        return some_rows(0, job.cols, x, out, f);
    }
    let rows = out.len().div_ceil(part_count(threads, x.len(), out.len()));
    let parts = x.chunks(rows * job.cols).zip(out.chunks_mut(rows)).enumerate();
    share(parts.len(), parts, &|(part, (x, out))| some_rows(part * rows, job.cols, x, out, f));
}

fn some_rows<T>(first: usize, cols: usize, x: &[f32], out: &mut [T], f: &impl Fn(usize, &[f32], &mut T)) {
    for (row, out) in out.iter_mut().enumerate() {
        f(first + row, &x[row * cols..][..cols], out);
    }
}

/// The results of as many parts, merged in the same order each time.
fn reduce<T: Send>(
    x: &[f32],
    parts: usize,
    part: &(impl Fn(&[f32]) -> T + Sync),
    merge: &(impl Fn(T, T) -> T + Sync),
) -> T {
    if parts == 1 {
        return part(x);
    }
    let (left, right) = x.split_at(x.len() / parts * (parts / 2));
    let (left, right) =
        both(|| reduce(left, parts / 2, part, merge), || reduce(right, parts - parts / 2, part, merge));
    merge(left, right)
}

/// The least element of a row where only its statistics are known.
const UNKNOWN: f32 = f32::NEG_INFINITY;

/// Writes parts of rows, given the statistics of the whole ones, of `total_cols` elements.
pub(crate) fn finish(job: &Job, io: Io, stats: &[RowStats], total_cols: u64, threads: Option<usize>) {
    let parts = part_count(threads, io.x().len(), stats.len());
    let row_parts = row_parts(threads, job.cols);
    if parts == 1 {
        return finish_rows(job, io, stats, total_cols, row_parts);
    }
    let rows = stats.len().div_ceil(parts);
    let mut rest = Some(io);
    let parts = stats.chunks(rows).map(move |stats| {
        let at = stats.len() * job.cols;
        let (part, others) = rest.take().expect("as many rows as statistics").split_at(at, at);
        rest = Some(others);
        (part, stats)
    });
    share(parts.len(), parts, &|(io, stats)| finish_rows(job, io, stats, total_cols, row_parts));
}

fn finish_rows(job: &Job, mut io: Io, stats: &[RowStats], total_cols: u64, row_parts: usize) {
    for (row, stats) in stats.iter().enumerate() {
        let (_, rest) = io.reborrow().split_at(row * job.cols, row * job.cols);
        let (row, _) = rest.split_at(job.cols, job.cols);
        write(job, row, &reference::finish(&job.op, stats, total_cols), UNKNOWN, row_parts);
    }
}

/// Writes a row, or a part of one, with one result per element.
pub(crate) fn write_row(job: &Job, io: Io, finish: &RowFinish, threads: Option<usize>) {
    let parts = row_parts(threads, io.x().len());
    write(job, io, finish, UNKNOWN, parts);
}

/// Parts of a row that its result is written in, for each thread.
const WRITES: usize = 8;

/// Writes a row, or a part of one; `least` is the whole row's least element.
fn write(job: &Job, io: Io, finish: &RowFinish, least: f32, parts: usize) {
    if parts == 1 {
        return write_part(job, io, finish, least);
    }
    let len = io.x().len();
    let parts = (parts * WRITES).min(len / long::PIECE).max(1);
    each_part(io, len, parts, (1, 1), &|io| write_part(job, io, finish, least));
}

fn write_part(job: &Job, io: Io, finish: &RowFinish, least: f32) {
    if io.x().len() < MAX_LANES {
        return write_short(job, io, finish);
    }
    scratch::with(long::SCRATCH, |scratch| {
        dispatch_math!(job, of job.cols as u64, M, simd => long::write::<_, M>(simd, job, io, finish, least, scratch));
    });
    if job.stream {
        stream::fence();
    }
}

/// A part that may be shorter than a vector.
fn write_short(job: &Job, mut io: Io, finish: &RowFinish) {
    for i in 0..io.x().len() {
        io.y()[i] = reference::element(io.x()[i], job.op.scale, finish);
    }
}

/// The key of the maximum of a row, or of a part of one.
pub(crate) fn max_key(job: &Job, x: &[f32], threads: Option<usize>) -> i32 {
    let part = |x: &[f32]| {
        scratch::with(
            long::SCRATCH,
            |scratch| dispatch!(job.token, simd => long::max_key(simd, x, job.op.scale, scratch)),
        )
    };
    reduce(x, row_parts(threads, x.len()), &part, &i32::max)
}

/// The sum of a row, or of a part of one, against a finite maximum; the whole row's length decides
/// the bins.
pub(crate) fn sum(job: &Job, x: &[f32], max: f32, total_cols: u64, threads: Option<usize>) -> WideTotal {
    let part = |x: &[f32]| scratch::with(long::SCRATCH, |scratch| sum_part(job, x, max, total_cols, scratch));
    reduce(x, row_parts(threads, x.len()), &part, &WideTotal::merge)
}

fn sum_part(job: &Job, x: &[f32], max: f32, total_cols: u64, scratch: &mut [f32]) -> WideTotal {
    let scale = job.op.scale;
    dispatch_math!(job, of total_cols, M, simd => long::sum::<_, M>(simd, x, scale, max, scratch))
}
