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
    check_size(shared, size_of::<T>() as u64, bytes.len() as u64, usage)?;
    let buffer = filled_buffer(&shared.device, label, &bytes, usage)?;
    Ok(Blocks { buffer, stride: stride as u64, size: size_of::<T>() as u64 })
}

/// Whether the device can bind a block, and hold them all.
///
/// # Errors
/// [`Error::Limit`] where it cannot.
fn check_size(shared: &Shared, block: u64, all: u64, usage: wgpu::BufferUsages) -> Result<(), Error> {
    let limits = &shared.limits;
    let (what, bound, hint) = match usage.contains(wgpu::BufferUsages::UNIFORM) {
        true => (
            "bytes of a dispatch's parameters",
            limits.max_uniform_buffer_binding_size,
            "request a larger max_uniform_buffer_binding_size",
        ),
        false => (
            "bytes of the table of a tensor",
            limits.max_storage_buffer_binding_size,
            "request a larger max_storage_buffer_binding_size",
        ),
    };
    if block > bound {
        return Err(Error::Limit { what, needed: block, limit: bound, hint });
    }
    let limit = limits.max_buffer_size;
    if all > limit {
        let hint = "request a larger max_buffer_size, or split the batch into fewer rows";
        return Err(Error::Limit { what: "bytes of what dispatches are told", needed: all, limit, hint });
    }
    Ok(())
}
