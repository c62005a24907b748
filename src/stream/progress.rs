//! What a stream says of itself.

use std::sync::Arc;
use std::time::Duration;

use super::walk::Walk;
use crate::{Error, Timing};

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Leading rows whose results the sink has.
    pub rows: u64,
    /// Rows in all.
    pub rows_in_all: u64,
    /// Bytes of elements that are done with. Rows longer than the memory allowed are gone over several
    /// times, and count as often.
    pub bytes: u64,
    /// Bytes of elements in all, likewise; an estimate where there are such rows.
    pub bytes_in_all: u64,
}

impl Progress {
    pub(crate) fn of(walk: &Walk) -> Self {
        Self {
            rows: walk.rows_done(),
            rows_in_all: walk.shape.row_count(),
            bytes: walk.bytes,
            bytes_in_all: walk.bytes_in_all,
        }
    }
}

/// What is called with each step of the progress.
pub(crate) type Tell<'a> = dyn FnMut(&Progress) + Send + 'a;

/// What a stream did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// From call to return.
    pub total: Duration,
    /// The devices that computed, and what each did.
    pub shares: Vec<Share>,
    /// Devices that failed, and how; others, or the CPU, did their part.
    pub faults: Vec<(Arc<str>, Error)>,
    /// Whether rows were cut into pieces, since they were too long for the memory allowed or a buffer.
    pub rows_were_cut: bool,
}

/// What a device did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Share {
    /// The device's name.
    pub device: Arc<str>,
    /// Whether it is the library's CPU implementation, and no adapter.
    pub on_cpu: bool,
    /// Elements that it computed; those of rows that were cut count once for each pass.
    pub elements: u64,
    /// How long each part took; the parts of several chunks overlap, so their sum may exceed the total.
    pub timing: Timing,
}
