//! A device's own clock around a computation.

use std::time::Duration;

use crate::Error;

/// The device's own times at the beginning and the end of a compute pass.
///
/// Give [`Clock::writes`] to the pass, record [`Clock::resolve`] behind it, submit, map
/// [`Clock::host`] for reading, and ask for [`Clock::elapsed`].
#[derive(Debug)]
pub struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    host: wgpu::Buffer,
    period: f32,
}

impl Clock {
    /// A clock, where the device was requested with `Features::TIMESTAMP_QUERY`.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Option<Self> {
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("wgpu_softmax::clock"),
                size: 16,
                usage,
                mapped_at_creation: false,
            })
        };
        Some(Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("wgpu_softmax::clock"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            host: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ),
            period: queue.get_timestamp_period(),
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

    /// Where both times arrive: to be mapped for reading once the work was submitted.
    pub fn host(&self) -> &wgpu::Buffer {
        &self.host
    }

    /// The time between both, from the mapped buffer, which is unmapped.
    ///
    /// # Errors
    /// [`Error::Device`] where [`Clock::host`] is not mapped.
    pub fn elapsed(&self) -> Result<Duration, Error> {
        let view = self.host.get_mapped_range(..).map_err(Error::device)?;
        let mut ticks = [0u64; 2];
        bytemuck::cast_slice_mut(&mut ticks).copy_from_slice(&view[..16]);
        drop(view);
        self.host.unmap();
        let ticks = ticks[1].saturating_sub(ticks[0]) as f64;
        Ok(Duration::from_nanos((ticks * f64::from(self.period)) as u64))
    }
}
