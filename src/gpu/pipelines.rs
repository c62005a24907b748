//! Pipelines of a variant, and small buffers.

use super::ops::Shared;
use super::scopes::caught;
use super::source::{Rounding, Variant, in_browser, newest_version, spirv, wgsl};
use crate::Error;

/// The pipelines of a variant, one per entry point.
#[derive(Debug)]
pub(super) struct Pipelines {
    pub layout: wgpu::BindGroupLayout,
    pub stages: Vec<wgpu::ComputePipeline>,
}

impl Pipelines {
    /// Buffers at bindings of theirs.
    pub(super) fn bind(
        &self,
        device: &wgpu::Device,
        label: &str,
        operands: Vec<(u32, wgpu::BufferBinding)>,
    ) -> wgpu::BindGroup {
        let entry = |(binding, buffer)| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(buffer),
        };
        let entries: Vec<_> = operands.into_iter().map(entry).collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(label),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

impl Shared {
    pub(super) fn compile(&self, variant: &Variant) -> Result<Pipelines, Error> {
        let (pipelines, said) = caught(&self.device, || self.create(variant));
        match said {
            Some(error) => Err(Error::device(format_args!("{}: {error}", variant.label("pipeline")))),
            None => {
                pipelines.map_err(|why| Error::device(format_args!("{}: {why}", variant.label("module"))))
            }
        }
    }

    fn create(&self, variant: &Variant) -> Result<Pipelines, String> {
        let layout = self.bind_group_layout(variant);
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(&variant.label("layout")),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let modules = self.modules(variant)?;
        let stage = |(module, entry): (wgpu::ShaderModule, &&'static str)| {
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&variant.label(entry)),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &variant.constants(),
                    // Every word of workgroup memory is written before it is read.
                    zero_initialize_workgroup_memory: false,
                },
                cache: self.cache.as_ref(),
            })
        };
        let stages = modules.into_iter().zip(variant.entry_points()).map(stage).collect();
        Ok(Pipelines { layout, stages })
    }

    /// Whether the device can bind what a variant needs.
    ///
    /// # Errors
    /// [`Error::Limit`] where it cannot.
    pub(super) fn check_bindings(&self, variant: &Variant) -> Result<(), Error> {
        let is_storage = |(_, ty): &(u32, wgpu::BufferBindingType)| *ty != wgpu::BufferBindingType::Uniform;
        let needed = variant.bindings().iter().filter(|binding| is_storage(binding)).count() as u64;
        let limit = u64::from(self.limits.max_storage_buffers_per_shader_stage);
        if needed <= limit {
            return Ok(());
        }
        let hint = "put lengths, sinks, scales and slopes into one buffer, compute in place, or request a larger \
                    max_storage_buffers_per_shader_stage";
        Err(Error::Limit { what: "storage buffers of a kernel", needed, limit, hint })
    }

    /// A module for each entry point.
    fn modules(&self, variant: &Variant) -> Result<Vec<wgpu::ShaderModule>, String> {
        match self.rounding.of_variant(variant) {
            Rounding::Sealed => Ok(vec![self.sealed_module(variant); variant.entry_points().len()]),
            Rounding::Decorated => self.decorated_modules(variant),
        }
    }

    fn sealed_module(&self, variant: &Variant) -> wgpu::ShaderModule {
        let mut text = wgsl(variant, Rounding::Sealed);
        if self.device.adapter_info().backend == wgpu::Backend::BrowserWebGpu {
            text = in_browser(&text, variant.choice.uses_subgroups());
        }
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(&variant.label("module")),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        };
        // SAFETY: every index is below the number of units, or of elements where these lie apart, that
        // `windows` and `Walk::pieces` leave in a binding, and every loop ends: its bounds are constants
        // or counts that the planner keeps below 60000 trips. With the checks, loops over registers are not unrolled, and a fifth more
        // instructions run (docs/performance.md, `cargo xtask isa`).
        unsafe {
            self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }

    fn decorated_modules(&self, variant: &Variant) -> Result<Vec<wgpu::ShaderModule>, String> {
        let label = variant.label("module");
        let words = spirv(variant, newest_version(&self.device))?;
        let modules = words.into_iter().zip(variant.entry_points()).map(|(words, entry)| {
            // wgpu looks at nothing but the name.
            let entry =
                wgpu::PassthroughShaderEntryPoint { name: (*entry).into(), workgroup_size: (0, 0, 0) };
            let descriptor = wgpu::ShaderModuleDescriptorPassthrough {
                label: Some(&label),
                entry_points: vec![entry].into(),
                spirv: Some(words.into()),
                ..Default::default()
            };
            // SAFETY: the words are naga's, of a module that it validated, with decorations that forbid and
            // allow nothing; their bindings are those of the layout. For indices and loops see
            // `sealed_module`.
            unsafe { self.device.create_shader_module_passthrough(descriptor) }
        });
        Ok(modules.collect())
    }

    fn bind_group_layout(&self, variant: &Variant) -> wgpu::BindGroupLayout {
        let entry = |(binding, ty): &(u32, wgpu::BufferBindingType)| wgpu::BindGroupLayoutEntry {
            binding: *binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty: *ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let entries: Vec<_> = variant.bindings().iter().map(entry).collect();
        self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(&variant.label("bindings")),
            entries: &entries,
        })
    }
}

/// A small buffer with these bytes, a multiple of 4.
///
/// # Errors
/// [`Error::Device`] where the device is lost or out of memory, which `wgpu::util` would panic at.
pub(super) fn filled_buffer(
    device: &wgpu::Device,
    label: &str,
    bytes: &[u8],
    usage: wgpu::BufferUsages,
) -> Result<wgpu::Buffer, Error> {
    let size = bytes.len() as u64;
    let descriptor = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: true };
    let buffer = device.create_buffer(&descriptor);
    let refused = |e: wgpu::MapRangeError| Error::device(format_args!("{label}: {e}"));
    buffer.get_mapped_range_mut(..).map_err(refused)?.copy_from_slice(bytes);
    buffer.unmap();
    Ok(buffer)
}
