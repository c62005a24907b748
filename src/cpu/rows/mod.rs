//! The kernels, by row length, and the choice between them.
//!
//! All of them read from the input, work in scratch and write to the output, so that each also runs
//! in place. All but `long` look at several rows at once; the result of a row never depends on its
//! neighbours.

mod columns;
mod few;
mod finish;
mod group;
mod groups;
mod io;
pub(crate) mod long;
mod narrow;
pub(crate) mod part;
mod pass;
mod past;
mod spans;
mod strips;
mod sums;
mod to;
mod windows;

pub(crate) use columns::Lines;
pub(crate) use io::Io;
pub(crate) use spans::{BEYOND, Spans};

use fearless_simd::Level;

use super::options::SimdLevel;
use super::{dispatch::dispatch_math, scratch, stream};
use crate::numerics::NEG_INF_BITS;
use crate::{Op, OpKind, Precision};
use few::FEW_COLS;
use strips::STRIP_COLS;

/// Up to here a lane may hold a row of its own.
pub const NARROW_COLS: usize = 48;
/// The same for `Precision::Fast`, where turning rows costs more than it saves sooner.
pub const NARROW_COLS_FAST: usize = 24;
/// The same where all of each row takes part: groups of longer ones are faster.
const NARROW_COLS_WHOLE: usize = 40;
/// The same where results go past the caches: a block of longer ones, as they are and turned, fills the L1 cache.
const NARROW_COLS_PAST: usize = 27;
/// Up to here near rows are taken two at a time. Their sums are less than 256, as `lane_reciprocals` needs it.
pub const SHORT_COLS: usize = 180;
/// Up to here a row's exponentials are kept; longer rows compute them twice.
pub const HELD_COLS: usize = 131_072;
/// Floats that a group of rows may fill, so that input, exponentials and the input of the next group stay in an
/// L1 cache of 32 KiB.
pub const GROUP: usize = 2048;
/// Floats of a block of rows with spans, of which one row is at most as long.
pub(crate) const SPANS_BLOCK: usize = 4096;

/// From here on a row's exponentials wait in the result, not in scratch.
pub(super) const DIRECT_COLS: usize = 8192;

/// What the parts of a call share.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    pub(crate) op: Op,
    pub(crate) cols: usize,
    /// Floats of the result per row.
    pub(crate) words: usize,
    pub(crate) level: SimdLevel,
    pub(crate) token: Level,
    /// Whether the result goes past the caches.
    pub(crate) stream: bool,
    /// Floats from an element to what is asked for while it is computed; 0 for what follows the rows at
    /// hand.
    pub(crate) ahead: usize,
    /// Whether elements may be masked. Rows that are near but for such ones are told apart then, which
    /// costs a little where there are none.
    pub(crate) holes: bool,
}

impl Job {
    /// Whether each lane holds a row of its own.
    pub(crate) fn is_narrow(&self) -> bool {
        self.cols <= if self.is_fast() { NARROW_COLS_FAST } else { NARROW_COLS }
    }

    /// Whether a row's exponentials are computed twice.
    pub(crate) fn is_long(&self) -> bool {
        self.cols > HELD_COLS
    }

    pub(crate) fn is_fast(&self) -> bool {
        self.op.precision == Precision::Fast && self.op.kind != OpKind::RowStats
    }

    /// Floats from an element to what is asked for while it is computed; `following` to what follows the rows at
    /// hand.
    #[inline(always)]
    pub(crate) fn ahead_or(&self, following: usize) -> usize {
        if self.ahead == 0 { following } else { self.ahead }
    }

    /// The result of an element that does not take part, in a row that others make finite.
    pub(crate) fn outside(&self) -> f32 {
        if self.op.kind == OpKind::Softmax { 0.0 } else { f32::from_bits(NEG_INF_BITS) }
    }

    /// Writes a part of the result from scratch.
    #[inline(always)]
    pub(crate) fn copy_out(&self, from: &[f32], to: &mut [f32]) {
        if self.stream {
            stream::copy(self.level, from, to);
        } else {
            to.copy_from_slice(from);
        }
    }
}

/// Computes whole rows on the calling thread.
pub(crate) fn run(job: &Job, io: Io) {
    run_unfenced(job, io);
    if job.stream {
        stream::fence();
    }
}

/// The same where more rows follow: [`stream::fence`] must come after the last.
pub(crate) fn run_unfenced(job: &Job, io: Io) {
    let most = if job.stream { NARROW_COLS_PAST } else { NARROW_COLS_WHOLE };
    let is_narrow = job.is_narrow() && job.cols <= most;
    match (is_narrow, job.is_long()) {
        (true, _) if are_few(job, io.x().len()) => {
            let compute =
                if job.holes { few::compute::<{ few::HOLES }> } else { few::compute::<{ few::ALL }> };
            compute(job, io, Spans::NONE);
        }
        (true, _) => narrow::compute(job, io),
        (_, true) => by_long(job, io),
        _ => group::compute(job, io),
    }
}

/// Whether kernel `few` takes the rows, where short ones are taken by lanes.
fn are_few(job: &Job, floats: usize) -> bool {
    (2..=FEW_COLS).contains(&job.cols) && job.op.kind == OpKind::Softmax && floats >= few::ROWS * job.cols
}

/// As [`run_unfenced`] for rows of at most [`SPANS_BLOCK`] elements, of which only some take part.
pub(crate) fn run_spans(job: &Job, io: Io, spans: Spans) {
    if are_few(job, io.x().len()) {
        return few::compute::<{ few::SPANS }>(job, io, spans);
    }
    if job.is_narrow() && job.cols < NARROW_COLS {
        return narrow::compute_spans(job, io, spans);
    }
    match io {
        Io::Apart(x, y) => windows::compute(job, x, y, spans),
        Io::Through(z, y) => spans::compute(job, z, Some(y), spans),
        Io::Same(z) => spans::compute(job, z, None, spans),
    }
}

/// Computes rows that lie side by side, of at most [`crate::numerics::TWO_BIN_COLS`] elements: see
/// `strips` and `columns`. A line is at least as long as the rows need vectors of 16 lanes.
pub(crate) fn run_columns(
    job: &Job,
    lines: &mut [f32],
    pitch: usize,
    rows: usize,
    y: &mut [f32],
    io: &mut dyn Lines,
) {
    let compute = if job.cols <= STRIP_COLS { strips::compute } else { columns::compute };
    compute(job, lines, pitch, rows, y, io);
}

/// Long rows.
fn by_long(job: &Job, io: Io) {
    scratch::with(long::SCRATCH, |scratch| {
        dispatch_math!(job, of job.cols as u64, M, simd => long::run::<_, M>(simd, job, io, scratch));
    });
}
