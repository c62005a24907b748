//! A device with chosen limits, and plans run on it as an application would.

use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{Ops, Options, Plan};
use wgpu_softmax::wgpu::{self, util::DeviceExt};

/// An application's device.
pub struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
}

impl Gpu {
    /// A device with WebGPU's default limits, changed as asked, and no features.
    pub fn with_limits(entry: &AdapterEntry, change: impl FnOnce(&mut wgpu::Limits)) -> Self {
        Self::new(entry, wgpu::Features::empty(), change)
    }

    /// A device with WebGPU's default limits, changed as asked.
    pub fn new(
        entry: &AdapterEntry,
        features: wgpu::Features,
        change: impl FnOnce(&mut wgpu::Limits),
    ) -> Self {
        // What compute needs of WebGPU's defaults; the rest as the adapter has it.
        let defaults = wgpu::Limits::default();
        let mut limits = wgpu::Limits {
            max_storage_buffer_binding_size: defaults.max_storage_buffer_binding_size,
            max_buffer_size: defaults.max_buffer_size,
            max_compute_workgroup_storage_size: defaults.max_compute_workgroup_storage_size,
            max_compute_invocations_per_workgroup: defaults.max_compute_invocations_per_workgroup,
            max_storage_buffers_per_shader_stage: defaults.max_storage_buffers_per_shader_stage,
            ..entry.adapter.limits()
        };
        change(&mut limits);
        let (device, queue) = pollster::block_on(entry.adapter.request_device(&wgpu::DeviceDescriptor {
            required_features: entry.adapter.features() & features,
            required_limits: limits,
            ..Default::default()
        }))
        .expect("every adapter has WebGPU's default limits");
        Self { device, queue }
    }

    pub fn ops(&self, options: Options) -> Ops {
        pollster::block_on(Ops::new(&self.device, options)).unwrap()
    }

    /// A buffer with these words after `before` bytes of poison, and poison behind them.
    pub fn filled(&self, before: usize, words: &[f32]) -> wgpu::Buffer {
        let mut bytes = vec![0xffu8; before];
        bytes.extend_from_slice(bytemuck::cast_slice(words));
        bytes.extend([0xff; 256]);
        self.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: &bytes,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        })
    }

    /// A buffer of usage COPY_DST alone.
    pub fn unbindable(&self, size: u64) -> wgpu::Buffer {
        let usage = wgpu::BufferUsages::COPY_DST;
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage,
            mapped_at_creation: false,
        })
    }

    /// Submits the plans in one encoder and reads a buffer back.
    pub fn submit(&self, plans: &[&Plan], read: &wgpu::Buffer) -> Vec<u32> {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for plan in plans {
            plan.encode(&mut encoder);
        }
        let host = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: read.size(),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        encoder.copy_buffer_to_buffer(read, 0, &host, 0, read.size());
        self.queue.submit([encoder.finish()]);
        host.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        let view = host.get_mapped_range(..).unwrap();
        view.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

/// Logits in [-10, 10), from a small generator.
pub fn logits(n: usize) -> Vec<f32> {
    let mut state = 42u64;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 * 20.0 - 10.0
        })
        .collect()
}
