//! A copy of a batch: what an operation on it is measured against.

use super::rows::{DIRECT_COLS, HELD_COLS, Io};
use super::{Options, SimdLevel, job, parallel, stream};
use crate::error::check_length;
use crate::{Error, Op, OpKind, Shape};

/// Floats of a plain copy at a time: so few that the C library uses vector stores, as kernels do, and
/// not its string instructions.
const PIECE: usize = 256;

/// Copies a batch as an operation with one result per element reads and writes it: on as many threads,
/// and past the caches where that operation's results go past them.
///
/// # Errors
/// [`Error::Length`] where a slice does not fit the shape, [`Error::Kernel`] where the CPU lacks the
/// forced level.
pub fn copy_with(options: &Options, x: &[f32], shape: Shape, out: &mut [f32]) -> Result<(), Error> {
    let job = job(options, Op::new(OpKind::Softmax), shape)?;
    check_length("input", shape.elements()?, x.len())?;
    check_length("output", shape.elements()?, out.len())?;
    let in_cache = (DIRECT_COLS..=HELD_COLS).contains(&job.cols);
    let level = (job.stream && !in_cache).then_some(job.level);
    let parts = parallel::part_count(options.threads, x.len(), x.len());
    parallel::each_part(Io::Apart(x, out), shape.elements()? as usize, parts, (1, 1), &|io| {
        if let Io::Apart(x, y) = io {
            copy_part(level, x, y);
        }
    });
    Ok(())
}

fn copy_part(past_caches: Option<SimdLevel>, x: &[f32], y: &mut [f32]) {
    if let Some(level) = past_caches {
        stream::copy(level, x, y);
        return stream::fence();
    }
    for (x, y) in x.chunks(PIECE).zip(y.chunks_mut(PIECE)) {
        y.copy_from_slice(x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_copied() {
        for (rows, cols) in [(0, 3), (1, 1), (3, 5), (1000, 137), (3_000_003, 1), (20, 131_073)] {
            let x: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
            for threads in [None, Some(1), Some(3)] {
                let mut y = vec![-1.0; x.len()];
                let options = Options { threads, ..Options::new() };
                copy_with(&options, &x, Shape::rows(rows, cols), &mut y).unwrap();
                assert!(x == y, "{rows} x {cols}, {threads:?} threads");
            }
        }
    }

    #[test]
    fn lengths_are_checked() {
        let shape = Shape::rows(2, 3);
        assert!(copy_with(&Options::new(), &[0.0; 5], shape, &mut [0.0; 6]).is_err());
        assert!(copy_with(&Options::new(), &[0.0; 6], shape, &mut [0.0; 7]).is_err());
    }
}
