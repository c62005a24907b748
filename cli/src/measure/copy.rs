//! The copy that a GPU's kernels are measured against.

use wgpu_softmax::{Error, wgpu};

use super::clock::failed;
use super::ring::Ring;

/// Invocations of a workgroup, as copy.wgsl has them, times the bytes that each copies.
const GROUP_BYTES: u64 = 64 * 16;
/// Workgroups in a row of the grid: no device allows fewer.
const GRID: u64 = 65_535;

/// The pipeline of the copy.
#[derive(Debug)]
pub struct CopyKernel {
    pipeline: wgpu::ComputePipeline,
}

/// Copies from an input to its result, ready to be recorded.
#[derive(Debug)]
pub struct Copy<'a> {
    kernel: &'a CopyKernel,
    pieces: Vec<(wgpu::BindGroup, u64)>,
}

impl CopyKernel {
    /// Compiles it.
    ///
    /// # Errors
    /// [`Error::Device`] where the driver refuses it.
    pub fn new(device: &wgpu::Device) -> Result<Self, Error> {
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let module = device.create_shader_module(wgpu::include_wgsl!("copy.wgsl"));
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("softmax::bench::copy"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        match pollster::block_on(scope.pop()) {
            Some(error) => Err(failed(error)),
            None => Ok(Self { pipeline }),
        }
    }

    /// Binds a pair of the ring, in pieces that fit a binding.
    pub fn bind(&self, device: &wgpu::Device, ring: &Ring, slot: usize) -> Copy<'_> {
        let (from, to) = ring.pair(slot);
        let piece = device.limits().max_storage_buffer_binding_size / GROUP_BYTES * GROUP_BYTES;
        let bytes = ring.stride();
        let pieces = (0..bytes).step_by(piece as usize).map(|at| {
            let size = piece.min(bytes - at);
            let bind = |binding, buffer, offset| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset,
                    size: wgpu::BufferSize::new(size),
                }),
            };
            let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("softmax::bench::copy"),
                layout: &self.pipeline.get_bind_group_layout(0),
                entries: &[bind(0, from.buffer, from.offset + at), bind(1, to.buffer, to.offset + at)],
            });
            (bindings, size)
        });
        Copy { kernel: self, pieces: pieces.collect() }
    }
}

impl Copy<'_> {
    /// Records it.
    pub fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.kernel.pipeline);
        for (bindings, bytes) in &self.pieces {
            let groups = bytes.div_ceil(GROUP_BYTES);
            let rows = groups.div_ceil(GRID);
            pass.set_bind_group(0, bindings, &[]);
            pass.dispatch_workgroups(groups.div_ceil(rows) as u32, rows as u32, 1);
        }
    }
}
