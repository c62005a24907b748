//! Each rank holds some columns of every row: log-softmax of a batch whose rows no rank has whole.
//!
//! Two reductions finish it: the maxima of all parts, then the sums against them. Each is a handful
//! of bytes per row, however long the rows are.

use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use wgpu_softmax::{LogSoftmax, LogSumExp, RowMax, RowStats, RowSum, Shape, cpu};

use crate::{Result, cut};

/// Computes log-softmax and log-sum-exp of `rows` rows of `cols` columns; the first rank gathers
/// them and compares with what it computes alone.
pub fn run(world: &SimpleCommunicator, rows: usize, cols: usize) -> Result<()> {
    let mine = cut::part(cols, world.rank() as usize, world.size() as usize);
    let shape = Shape::rows(rows, mine.len());
    let x: Vec<f32> = (0..rows).flat_map(|row| mine.clone().map(move |col| logit(row, col))).collect();

    let stats = statistics(world, &x, shape, cols as u64)?;
    let mut y = vec![0.0; x.len()];
    cpu::finish(LogSoftmax::new(), &x, shape, &stats, cols as u64, &mut y)?;
    let lse: Vec<f32> = stats.iter().map(|row| row.logsumexp(cols as u64)).collect();

    if let Some(parts) = gather(world, &y, rows, cols) {
        compare(&parts, &lse, rows, cols, world.size() as usize)?;
        let ranks = world.size();
        println!("columns: {rows} rows of {cols} over {ranks} ranks, bit-identical to one process");
    }
    Ok(())
}

/// The statistics of the whole rows, on every rank.
fn statistics(world: &SimpleCommunicator, x: &[f32], shape: Shape, cols: u64) -> Result<Vec<RowStats>> {
    let rows = shape.row_count() as usize;
    let mut max = vec![RowMax::EMPTY; rows];
    cpu::row_max(1.0, x, shape, &mut max)?;
    let mine: Vec<i32> = max.iter().map(|max| max.to_lane()).collect();
    let mut all = vec![0i32; rows];
    world.all_reduce_into(&mine[..], &mut all[..], SystemOperation::max());
    let max: Vec<RowMax> = all.into_iter().map(RowMax::from_lane).collect();

    let mut sum = vec![RowSum::default(); rows];
    cpu::row_sum(1.0, x, shape, &max, cols, &mut sum)?;
    let mine: Vec<u64> = sum.iter().flat_map(|sum| sum.to_lanes()).collect();
    let mut all = vec![[0u64; RowSum::LANES]; rows];
    world.all_reduce_into(&mine[..], bytemuck::cast_slice_mut::<_, u64>(&mut all), SystemOperation::sum());
    Ok(max.into_iter().zip(all).map(|(max, sum)| RowStats::new(max, RowSum::from_lanes(sum))).collect())
}

/// The parts of all ranks one after the other, on the first rank.
fn gather(world: &SimpleCommunicator, y: &[f32], rows: usize, cols: usize) -> Option<Vec<f32>> {
    let root = world.process_at_rank(0);
    if world.rank() != 0 {
        root.gather_varcount_into(y);
        return None;
    }
    let ranks = world.size() as usize;
    let parts: Vec<_> = (0..ranks).map(|rank| cut::part(cols, rank, ranks)).collect();
    let counts: Vec<i32> = parts.iter().map(|part| (rows * part.len()) as i32).collect();
    let places: Vec<i32> = parts.iter().map(|part| (rows * part.start) as i32).collect();
    let mut all = vec![0.0f32; rows * cols];
    root.gather_varcount_into_root(y, &mut PartitionMut::new(&mut all[..], counts, places));
    Some(all)
}

fn compare(parts: &[f32], lse: &[f32], rows: usize, cols: usize, ranks: usize) -> Result<()> {
    let x: Vec<f32> = (0..rows).flat_map(|row| (0..cols).map(move |col| logit(row, col))).collect();
    let (shape, mut whole, mut sums) = (Shape::rows(rows, cols), vec![0.0; x.len()], vec![0.0; rows]);
    cpu::run(LogSoftmax::new(), &x, shape, &mut whole)?;
    cpu::run(LogSumExp::new(), &x, shape, &mut sums)?;
    for rank in 0..ranks {
        let part = cut::part(cols, rank, ranks);
        let found = &parts[rows * part.start..rows * part.end];
        for row in 0..rows {
            let found = &found[row * part.len()..][..part.len()];
            let expected = &whole[row * cols..][part.clone()];
            let same = found.iter().zip(expected).all(|(a, b)| a.to_bits() == b.to_bits());
            if !same || lse[row].to_bits() != sums[row].to_bits() {
                return Err(format!("row {row}, the part of rank {rank}: not the bits of one process").into());
            }
        }
    }
    Ok(())
}

/// An element of a made-up batch, by integers alone: mostly within 16 of 0, one of a few thousand
/// far above, some -inf, and whole rows that are masked or hold a NaN.
fn logit(row: usize, col: usize) -> f32 {
    let mut z = ((row as u64) << 32 | col as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^= z >> 29;
    match (row % 16, z % 4096) {
        (13, _) => f32::NEG_INFINITY,
        (14, 77) => f32::NAN,
        (_, 0) => 40.0 + (z >> 60) as f32,
        (_, 1..30) => f32::NEG_INFINITY,
        _ => ((z >> 40) as i32 - (1 << 23)) as f32 / (1 << 19) as f32,
    }
}
