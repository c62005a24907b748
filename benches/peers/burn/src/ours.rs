//! This library: a plan on device buffers, and a context for host slices.

use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{DTypes, Ops, Options, Plan, SoftmaxArgs};
use wgpu_softmax::{Context, Op, OpKind, Precision, Shape, wgpu};

/// Softmax at scale 1.
pub fn softmax(precision: Precision) -> Op {
    Op::new(OpKind::Softmax).precision(precision)
}

/// A context, whose device the plans share.
pub struct Ours {
    context: Context,
}

impl Ours {
    pub fn open(entry: AdapterEntry) -> Self {
        let context = pollster::block_on(Context::on(entry, Options::default())).expect("it opens");
        Self { context }
    }

    pub fn resident(&self, precision: Precision, x: &[f32], shape: Shape) -> Resident<'_> {
        let device = self.context.device().expect("it has a device");
        let queue = self.context.queue().expect("it has a queue");
        let buffer = |usage| {
            let size = size_of_val(x) as u64;
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let input = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST);
        let output = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
        queue.write_buffer(&input, 0, bytemuck::cast_slice(x));
        let ops = pollster::block_on(Ops::new(device, Options::default())).expect("the device binds buffers");
        let prepared = ops.prepare(softmax(precision), shape, DTypes::F32).expect("the planner has a kernel");
        let plan = prepared.bind(SoftmaxArgs::new(&input, &output)).expect("the buffers fit");
        Resident { device, queue, plan, output }
    }

    pub fn end_to_end(&self, precision: Precision, x: &[f32], shape: Shape, out: &mut [f32]) {
        self.context.run_into_blocking(softmax(precision), x, shape, out).expect("the device works");
    }
}

/// A batch on our device.
pub struct Resident<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    plan: Plan,
    output: wgpu::Buffer,
}

impl Resident<'_> {
    /// Softmax of every row up to the fence.
    pub fn run(&self) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        self.plan.encode(&mut encoder);
        self.queue.submit([encoder.finish()]);
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
    }

    /// Compares the results on the device with the CPU's.
    pub fn check(&self, want: &[f32], bits: bool) {
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        let size = self.output.size();
        let host = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.output, 0, &host, 0, size);
        self.queue.submit([encoder.finish()]);
        host.map_async(wgpu::MapMode::Read, .., |result| result.expect("the buffer is mapped"));
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        check(bytemuck::cast_slice(&host.get_mapped_range(..).expect("it is mapped")), want, bits);
    }
}

/// Bits where they are promised, else a loose bound.
pub fn check(got: &[f32], want: &[f32], bits: bool) {
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= 1e-4 * want.abs() + 1e-30;
        assert!(
            got.to_bits() == want.to_bits() || (!bits && close),
            "result {i}: {got:e} where the CPU has {want:e}"
        );
    }
}
