//! A device's own clock around a computation.

use std::time::Duration;

use super::device::OpenDevice;
use crate::Error;

/// Timestamps around a chunk's computation.
#[derive(Debug)]
pub(super) struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    host: wgpu::Buffer,
}

impl Clock {
    /// A clock, where the device has timestamps.
    pub fn new(open: &OpenDevice) -> Option<Self> {
        if !open.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let buffer = |usage| {
            let descriptor = wgpu::BufferDescriptor {
                label: Some("wgpu_softmax::clock"),
                size: 16,
                usage,
                mapped_at_creation: false,
            };
            open.device.create_buffer(&descriptor)
        };
        Some(Self {
            queries: open.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("wgpu_softmax::clock"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            host: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ),
        })
    }

    /// What a compute pass is given, to be timed.
    pub fn writes(&self) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    /// Records the copy of both times to where the host can map them.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.host, 0, 16);
    }

    /// The buffer that the host maps for [`Clock::read`], and its size.
    pub fn host(&self) -> (&wgpu::Buffer, u64) {
        (&self.host, 16)
    }

    /// The time between both, once the work is done and the buffer mapped; it is unmapped.
    pub fn read(&self, open: &OpenDevice) -> Result<Duration, Error> {
        let view = self.host.get_mapped_range(..).map_err(|e| open.failure(&e.to_string()))?;
        let mut ticks = [0u64; 2];
        bytemuck::cast_slice_mut(&mut ticks).copy_from_slice(&view[..16]);
        drop(view);
        self.host.unmap();
        let ticks = ticks[1].saturating_sub(ticks[0]) as f64;
        Ok(Duration::from_nanos((ticks * f64::from(open.queue.get_timestamp_period())) as u64))
    }
}
