//! What dispatches are told, as it lies in buffers.

use bytemuck::{Pod, Zeroable};

use super::ops::Shared;
use super::pipelines::filled_buffer;
use crate::Error;
use crate::masking::levels::{Level, OPERANDS};

/// A level as in `shaders/table.wgsl`.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct LevelData {
    size: u32,
    padding: [u32; 3],
    strides: [u32; OPERANDS],
}

/// What a dispatch is told of its tensor: the same fields as in `shaders/table.wgsl`.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Table {
    pub zero: u32,
    pub cols: u32,
    pub first_col: u32,
    pub window_first: i32,
    pub window_end: i32,
    pub own: i32,
    pub row_cols: i32,
    pub total: u32,
    pub starts: [u32; OPERANDS],
    pub rows: [LevelData; 8],
    pub columns: [LevelData; 8],
}

/// Levels for a piece, the innermost first.
pub(super) fn level_data(levels: &[Level], ranges: &[std::ops::Range<u64>]) -> [LevelData; 8] {
    let mut data = [LevelData::default(); 8];
    for (data, (level, range)) in data.iter_mut().zip(levels.iter().zip(ranges).rev()) {
        data.size = (range.end - range.start) as u32;
        data.strides = level.strides.map(|stride| stride as u32);
    }
    data
}

/// Blocks of one kind in a buffer, each where the device can bind it.
pub(super) struct Blocks {
    pub buffer: wgpu::Buffer,
    pub stride: u64,
    pub size: u64,
}

pub(super) fn blocks<T: Pod>(
    shared: &Shared,
    label: &str,
    blocks: &[T],
    alignment: u32,
    usage: wgpu::BufferUsages,
) -> Result<Blocks, Error> {
    let stride = size_of::<T>().next_multiple_of(alignment as usize);
    let mut bytes = vec![0u8; stride * blocks.len()];
    for (block, place) in blocks.iter().zip(bytes.chunks_exact_mut(stride)) {
        place[..size_of::<T>()].copy_from_slice(bytemuck::bytes_of(block));
    }
    let buffer = filled_buffer(&shared.device, label, &bytes, usage)?;
    Ok(Blocks { buffer, stride: stride as u64, size: size_of::<T>() as u64 })
}
