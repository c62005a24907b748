//! One small batch through wgpu by hand: the calls that `Context` cannot do without, and nothing
//! around them. What these allocate and how long they take is wgpu's and the driver's.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{DTypes, Ops, Options, Plan, SoftmaxArgs};
use wgpu_softmax::wgpu::{self, BufferUsages as Usage, Features};
use wgpu_softmax::{Op, Shape};

/// A device with a batch's buffers and its plan.
pub struct Bare {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub plan: Plan,
    input: Side,
    output: Side,
    clock: Option<Clock>,
    mapped: Arc<AtomicUsize>,
    is_begun: Cell<bool>,
}

/// What shaders use, and what the host maps where that is another buffer.
struct Side {
    storage: wgpu::Buffer,
    host: Option<wgpu::Buffer>,
}

struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    host: wgpu::Buffer,
}

impl Bare {
    pub fn new(entry: &AdapterEntry, op: Op, shape: Shape) -> Self {
        let software = entry.info.device_type == wgpu::DeviceType::Cpu;
        let wanted = Features::SUBGROUP
            | Features::PASSTHROUGH_SHADERS
            | Features::TIMESTAMP_QUERY
            | Features::MAPPABLE_PRIMARY_BUFFERS;
        let features = entry.adapter.features() & wanted;
        let (device, queue) = pollster::block_on(entry.adapter.request_device(&wgpu::DeviceDescriptor {
            required_features: features,
            required_limits: entry.adapter.limits(),
            ..Default::default()
        }))
        .expect("the adapter gives a device");
        let buffer = |size, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let bytes = (shape.elements().unwrap() * 4).next_multiple_of(8);
        let mapped = software && features.contains(Features::MAPPABLE_PRIMARY_BUFFERS);
        let side = |storage: Usage, host: Usage, copy: (Usage, Usage)| {
            if mapped {
                return Side { storage: buffer(bytes, storage | host), host: None };
            }
            Side { storage: buffer(bytes, storage | copy.0), host: Some(buffer(bytes, host | copy.1)) }
        };
        let input = side(Usage::STORAGE, Usage::MAP_WRITE, (Usage::COPY_DST, Usage::COPY_SRC));
        let output = side(Usage::STORAGE, Usage::MAP_READ, (Usage::COPY_SRC, Usage::COPY_DST));
        let clock = features.contains(Features::TIMESTAMP_QUERY).then(|| Clock {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(16, Usage::QUERY_RESOLVE | Usage::COPY_SRC),
            host: buffer(16, Usage::COPY_DST | Usage::MAP_READ),
        });
        let ops = pollster::block_on(Ops::new(&device, Options::default())).unwrap();
        let prepared = ops.prepare(op, shape, DTypes::F32).unwrap();
        let plan = prepared.bind(SoftmaxArgs::new(&input.storage, &output.storage)).unwrap();
        Self { device, queue, plan, input, output, clock, mapped: Arc::default(), is_begun: Cell::new(false) }
    }

    /// The same without timestamps.
    pub fn without_clock(mut self) -> Self {
        self.clock = None;
        self
    }

    /// From slice to slice, as `Context::run_into` does.
    pub fn run(&self, x: &[f32], out: &mut [f32]) {
        let up = self.input.host.as_ref().unwrap_or(&self.input.storage);
        if !self.is_begun.replace(true) {
            self.map(&[(up, wgpu::MapMode::Write)]);
        }
        up.get_mapped_range_mut(..).unwrap().slice(..size_of_val(x)).copy_from_slice(bytemuck::cast_slice(x));
        up.unmap();
        self.submit();
        let down = self.output.host.as_ref().unwrap_or(&self.output.storage);
        let (write, read) = (wgpu::MapMode::Write, wgpu::MapMode::Read);
        match &self.clock {
            Some(clock) => self.map(&[(up, write), (down, read), (&clock.host, read)]),
            None => self.map(&[(up, write), (down, read)]),
        }
        take(down, bytemuck::cast_slice_mut(out));
        if let Some(clock) = &self.clock {
            take(&clock.host, &mut [0; 16]);
        }
    }

    fn submit(&self) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        if let Some(up) = &self.input.host {
            encoder.copy_buffer_to_buffer(up, 0, &self.input.storage, 0, up.size());
        }
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("wgpu_softmax::chunk"),
                timestamp_writes: self.clock.as_ref().map(|clock| wgpu::ComputePassTimestampWrites {
                    query_set: &clock.queries,
                    beginning_of_pass_write_index: Some(0),
                    end_of_pass_write_index: Some(1),
                }),
            });
            self.plan.record(&mut pass);
        }
        if let Some(down) = &self.output.host {
            encoder.copy_buffer_to_buffer(&self.output.storage, 0, down, 0, down.size());
        }
        if let Some(clock) = &self.clock {
            encoder.resolve_query_set(&clock.queries, 0..2, &clock.resolved, 0);
            encoder.copy_buffer_to_buffer(&clock.resolved, 0, &clock.host, 0, 16);
        }
        self.queue.submit([encoder.finish()]);
    }

    /// Maps buffers once all is done. Each callback has something to tell and someone to tell it to, so
    /// wgpu puts it in a box: an allocation that no caller who learns of the result can do without.
    fn map(&self, buffers: &[(&wgpu::Buffer, wgpu::MapMode)]) {
        self.mapped.store(0, Ordering::Relaxed);
        for (buffer, mode) in buffers {
            let mapped = self.mapped.clone();
            let tell = move |result: Result<(), _>| {
                mapped.fetch_add(usize::from(result.is_ok()), Ordering::Release);
            };
            buffer.map_async(*mode, .., tell);
        }
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        assert_eq!(self.mapped.load(Ordering::Acquire), buffers.len());
    }
}

fn take(buffer: &wgpu::Buffer, out: &mut [u8]) {
    out.copy_from_slice(&buffer.get_mapped_range(..).unwrap()[..out.len()]);
    buffer.unmap();
}
