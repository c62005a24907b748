//! Ours on a GPU: a plan on resident buffers, and a context for host slices.

use anyhow::{Context as _, Result};
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{DTypes, Ops, Options, Plan, SoftmaxArgs};
use wgpu_softmax::{Context, Op, Precision, Shape, wgpu};

use crate::protocol::{Hello, Library, Place, Sample, timed};

pub struct Gpu {
    op: Op,
    context: Context,
    ops: Ops,
    clock: Option<Clock>,
    batch: Batch,
}

/// What was prepared last.
enum Batch {
    None,
    Empty,
    Resident { plan: Plan, output: wgpu::Buffer },
    Host { shape: Shape, x: Vec<f32>, y: Vec<f32> },
}

impl Gpu {
    pub fn open(precision: Precision, entry: AdapterEntry) -> Result<Self> {
        let context = pollster::block_on(Context::on(entry, Options::default()))?;
        let device = context.device().context("the context has no device")?;
        let ops = pollster::block_on(Ops::new(device, Options::default()))?;
        let period = context.queue().context("the context has no queue")?.get_timestamp_period();
        let clock = device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let clock = clock.then(|| Clock::new(device, period));
        Ok(Self { op: super::softmax(precision), ops, clock, batch: Batch::None, context })
    }

    pub fn hello(&self) -> Hello {
        let device = self.context.adapter().map_or_else(String::new, |entry| {
            format!("{entry}, driver {} {}", entry.info.driver, entry.info.driver_info)
        });
        let setting = "kernel: a plan on resident buffers, encoded, submitted, waited for; end to end: \
                       `Context::run_into_blocking` into a reused result";
        super::hello(setting.to_owned(), device)
    }

    fn resident(&self, x: &[f32], shape: Shape) -> Result<Batch> {
        use wgpu::BufferUsages as Usage;
        let (device, queue) = ends(&self.context);
        let size = size_of_val(x) as u64;
        let input = buffer(device, size, Usage::STORAGE | Usage::COPY_DST);
        let output = buffer(device, size, Usage::STORAGE | Usage::COPY_SRC);
        queue.write_buffer(&input, 0, bytemuck::cast_slice(x));
        let prepared = self.ops.prepare(self.op, shape, DTypes::F32)?;
        let plan = prepared.bind(SoftmaxArgs::new(&input, &output))?;
        Ok(Batch::Resident { plan, output })
    }
}

impl Library for Gpu {
    fn prepare(&mut self, place: Place, rows: usize, cols: usize, x: Vec<f32>) -> Result<()> {
        let shape = Shape::rows(rows, cols);
        // The old one's memory first.
        self.batch = Batch::None;
        self.batch = match place {
            Place::EndToEnd => Batch::Host { shape, y: vec![0.0; x.len()], x },
            // wgpu binds no empty buffer; a caller has nothing to record then.
            _ if x.is_empty() => Batch::Empty,
            _ => self.resident(&x, shape)?,
        };
        Ok(())
    }

    fn run(&mut self) -> Result<Sample> {
        match &mut self.batch {
            Batch::None => anyhow::bail!("nothing was prepared"),
            Batch::Empty => Ok(timed(|| ()).0),
            Batch::Host { shape, x, y } => {
                let (sample, result) = timed(|| self.context.run_into_blocking(self.op, x, *shape, y));
                result?;
                Ok(sample)
            }
            Batch::Resident { plan, .. } => {
                let (device, queue) = ends(&self.context);
                submit(device, queue, plan, self.clock.as_ref())
            }
        }
    }

    fn result(&mut self) -> Result<Vec<f32>> {
        match &self.batch {
            Batch::None => anyhow::bail!("nothing was prepared"),
            Batch::Empty => Ok(Vec::new()),
            Batch::Host { y, .. } => Ok(y.clone()),
            Batch::Resident { output, .. } => {
                let (device, queue) = ends(&self.context);
                let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
                let host = buffer(device, output.size(), usage);
                let mut encoder = device.create_command_encoder(&Default::default());
                encoder.copy_buffer_to_buffer(output, 0, &host, 0, output.size());
                queue.submit([encoder.finish()]);
                mapped(device, &host)
            }
        }
    }
}

fn ends(context: &Context) -> (&wgpu::Device, &wgpu::Queue) {
    let (device, queue) = (context.device(), context.queue());
    (device.expect("looked at when it opened"), queue.expect("looked at when it opened"))
}

/// One run up to the fence; the device's clock is read after it.
fn submit(device: &wgpu::Device, queue: &wgpu::Queue, plan: &Plan, clock: Option<&Clock>) -> Result<Sample> {
    let (mut sample, waited) = timed(|| {
        let mut encoder = device.create_command_encoder(&Default::default());
        let timestamp_writes = clock.map(Clock::writes);
        let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
        plan.record(&mut encoder.begin_compute_pass(&descriptor));
        if let Some(clock) = clock {
            clock.resolve(&mut encoder);
        }
        queue.submit([encoder.finish()]);
        device.poll(wgpu::PollType::wait_indefinitely())
    });
    waited?;
    sample.device = clock.map(|clock| clock.nanoseconds(device)).transpose()?;
    Ok(sample)
}

fn buffer(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

fn mapped<T: bytemuck::Pod>(device: &wgpu::Device, host: &wgpu::Buffer) -> Result<Vec<T>> {
    host.map_async(wgpu::MapMode::Read, .., |result| result.expect("the buffer is mapped"));
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let content = bytemuck::pod_collect_to_vec(&host.get_mapped_range(..)?);
    host.unmap();
    Ok(content)
}

/// The device's clock at both ends of a pass.
struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    host: wgpu::Buffer,
    period: f64,
}

impl Clock {
    fn new(device: &wgpu::Device, period: f32) -> Self {
        use wgpu::BufferUsages as Usage;
        let ty = wgpu::QueryType::Timestamp;
        Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty, count: 2 }),
            resolved: buffer(device, 16, Usage::QUERY_RESOLVE | Usage::COPY_SRC),
            host: buffer(device, 16, Usage::COPY_DST | Usage::MAP_READ),
            period: f64::from(period),
        }
    }

    fn writes(&self) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.host, 0, 16);
    }

    fn nanoseconds(&self, device: &wgpu::Device) -> Result<f64> {
        let ticks: Vec<u64> = mapped(device, &self.host)?;
        Ok((ticks[1] - ticks[0]) as f64 * self.period)
    }
}
