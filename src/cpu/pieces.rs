//! A row in pieces that are never together in memory: what each tells of maximum and sum, and the
//! result of each once those of the whole row are known.

use super::rows::{Io, Job, long};
use super::simd::WideTotal;
use super::special::settle_max;
use super::{Options, job, parallel};
use crate::{Error, Op, Shape};

pub(crate) use super::rows::long::LongResult;
pub(crate) use super::rows::part::Part;

/// An operation on pieces of rows of one length.
#[derive(Clone, Copy)]
pub(crate) struct Pieces {
    job: Job,
}

impl Pieces {
    /// `cols` is the length of the whole rows.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for the scale.
    pub(crate) fn new(op: Op, cols: u64) -> Result<Self, Error> {
        let cols = usize::try_from(cols).map_err(|_| Error::ShapeOverflow { rows: 1, cols })?;
        let mut job = job(&Options::new(), op, Shape::rows(1, cols))?;
        // A piece goes on to somewhere else at once.
        job.stream = false;
        Ok(Self { job })
    }

    /// The maximum of a piece, and its sum where one pass tells it.
    pub(crate) fn first(&self, x: &[f32]) -> Part {
        parallel::part(&self.job, x, None)
    }

    /// The sum of a piece against the whole row's maximum, which is finite.
    pub(crate) fn sum(&self, x: &[f32], key: i32) -> WideTotal {
        parallel::sum(&self.job, x, settle_max(key), self.job.cols as u64, None)
    }

    /// What the row becomes.
    pub(crate) fn result(&self, key: i32, total: Option<WideTotal>) -> LongResult {
        long::result(&self.job, key, total)
    }

    /// The results of a piece.
    pub(crate) fn write(&self, x: &[f32], key: i32, total: Option<WideTotal>, out: &mut [f32]) {
        match self.result(key, total) {
            LongResult::Elements(finish) => {
                parallel::write_row(&self.job, Io::Apart(x, out), &finish, None);
            }
            LongResult::Stats(_) => unreachable!("statistics are one result per row"),
        }
    }
}
