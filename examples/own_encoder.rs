//! An application with its data on the GPU already: it records softmax into its own encoder, between
//! its own passes, and submits when it likes. Nothing is read back but what it wants to print.
//!
//! `cargo run --release --example own_encoder`

use wgpu_softmax::gpu::{DTypes, Ops, Options, SoftmaxArgs, adapter::adapters};
use wgpu_softmax::wgpu::{self, util::DeviceExt};
use wgpu_softmax::{Shape, Softmax};

const ROWS: usize = 1000;
const CLASSES: usize = 256;

/// The application's own pass: logits made on the GPU.
const LOGITS: &str = "
    @group(0) @binding(0) var<storage, read_write> logits: array<f32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if (id.x < arrayLength(&logits)) { logits[id.x] = f32((id.x * 31u) % 97u) * 0.125; }
    }";

const FASTER: wgpu::Features = wgpu::Features::SUBGROUP.union(wgpu::Features::PASSTHROUGH_SHADERS);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    pollster::block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    // The application's device. Subgroups make softmax faster where they are there, and so does what keeps
    // roundings on Vulkan (`gpu::Rounding`).
    let entry = adapters().await.into_iter().next().ok_or("no adapter: install a Vulkan driver")?;
    let features = entry.adapter.features() & FASTER;
    let (device, queue) = entry
        .adapter
        .request_device(&wgpu::DeviceDescriptor { required_features: features, ..Default::default() })
        .await?;
    let bytes = (ROWS * CLASSES * 4) as u64;
    let buffer = |usage| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage,
            mapped_at_creation: false,
        })
    };
    let logits = buffer(wgpu::BufferUsages::STORAGE);
    let probabilities = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);

    // Once: plan, compile, bind. All errors end here.
    let ops = Ops::new(&device, Options::default()).await?;
    let prepared = ops.prepare(Softmax::new().scale(0.5), Shape::rows(ROWS, CLASSES), DTypes::F32)?;
    let plan = prepared.bind(SoftmaxArgs::new(&logits, &probabilities))?;
    println!("{entry}: {} x {CLASSES} by the kernel {:?}", ROWS, plan.kernel());

    // Every frame: the application's passes, and softmax among them.
    let (pipeline, bindings) = own_pass(&device, &logits);
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        pass.dispatch_workgroups((ROWS * CLASSES).div_ceil(64) as u32, 1, 1);
        plan.record(&mut pass);
    }
    let row = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: None,
        contents: &[0; CLASSES * 4],
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
    });
    encoder.copy_buffer_to_buffer(&probabilities, 0, &row, 0, (CLASSES * 4) as u64);
    queue.submit([encoder.finish()]);

    row.map_async(wgpu::MapMode::Read, .., |result| result.expect("the buffer is mapped"));
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let view = row.get_mapped_range(..)?;
    let first: &[f32] = bytemuck::cast_slice(&view);
    println!("first row begins {:?}", &first[..4]);
    println!("and sums to {}", first.iter().sum::<f32>());
    Ok(())
}

fn own_pass(device: &wgpu::Device, logits: &wgpu::Buffer) -> (wgpu::ComputePipeline, wgpu::BindGroup) {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("logits"),
        source: wgpu::ShaderSource::Wgsl(LOGITS.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("logits"),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("logits"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: logits.as_entire_binding() }],
    });
    (pipeline, bindings)
}
