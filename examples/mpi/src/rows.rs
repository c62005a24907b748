//! Each rank streams some rows of one file into their place in another, a chunk at a time: the file
//! may be larger than any rank's memory.

use std::path::Path;

use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use wgpu_softmax::{Shape, cpu};

use crate::file::{Rows, Unfinished};
use crate::{Result, cut};

/// Bytes of a chunk: a few times what a core's caches hold.
const CHUNK: usize = 8 << 20;

/// Softmax of the rows of `input` into `output`, which gets its name when all ranks are done. What
/// the ranks wrote is merged into one number, and the first rank compares it with its own over the
/// whole input.
pub fn run(world: &SimpleCommunicator, input: &Path, output: &Path) -> Result<()> {
    let rows = Rows::open(input)?;
    if world.rank() == 0 {
        Unfinished::create(output, &rows)?;
    }
    world.barrier();
    let unfinished = Unfinished::open(output, &rows)?;
    let mine = cut::part(rows.shape.row_count() as usize, world.rank() as usize, world.size() as usize);
    let digest = stream(&rows, mine, |row, y| unfinished.write(row, y))?;
    unfinished.sync()?;

    // Unsigned, so the sum wraps: its order matters as little as that of the rows.
    let mut merged = 0u64;
    world.all_reduce_into(&digest, &mut merged, SystemOperation::sum());
    if world.rank() == 0 {
        let whole = stream(&rows, 0..rows.shape.row_count() as usize, |_, _| Ok(()))?;
        if merged != whole {
            return Err(format!("digest {merged:#018x} is not {whole:#018x}, that of one process").into());
        }
        unfinished.finish(output)?;
        let (ranks, count, cols) = (world.size(), rows.shape.row_count(), rows.shape.cols());
        println!("rows: {count} rows of {cols} over {ranks} ranks, digest {merged:#018x} as in one process");
    }
    Ok(())
}

/// Computes some rows chunk by chunk, and a digest of the results.
fn stream(
    rows: &Rows,
    range: std::ops::Range<usize>,
    mut write: impl FnMut(usize, &[f32]) -> Result<()>,
) -> Result<u64> {
    let cols = rows.shape.cols() as usize;
    let chunk_rows = (CHUNK / 4 / cols.max(1)).max(1);
    let (mut x, mut y, mut digest) = (Vec::new(), Vec::new(), 0u64);
    for row in range.clone().step_by(chunk_rows) {
        let count = chunk_rows.min(range.end - row);
        x.resize(count * cols, 0.0);
        y.resize(count * cols, 0.0);
        rows.read(row, &mut x)?;
        cpu::softmax(&x, Shape::rows(count, cols), &mut y)?;
        write(row, &y)?;
        let first = (row * cols) as u64;
        digest = (first..).zip(&y).fold(digest, |sum, (i, y)| sum.wrapping_add(mixed(i, *y)));
    }
    Ok(digest)
}

/// A number that depends on each bit of a result and on its place.
fn mixed(place: u64, y: f32) -> u64 {
    let z = (place << 32 | place >> 32) ^ u64::from(y.to_bits());
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
