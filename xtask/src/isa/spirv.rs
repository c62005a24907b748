//! WGSL to SPIR-V, with the options that wgpu itself passes to naga for Vulkan.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow};
use naga::back::{PipelineConstants, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ValidationFlags, Validator};

use wgpu_softmax::gpu::source::no_contraction;

use super::Kernel;

/// Whether a binding is a storage buffer or a uniform one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BufferKind {
    /// `var<storage>`
    Storage,
    /// `var<uniform>`
    Uniform,
}

/// A buffer that the shader names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// Bind group, that is, descriptor set.
    pub group: u32,
    /// Number within the group.
    pub binding: u32,
    /// What is bound there.
    pub kind: BufferKind,
}

/// A shader as a Vulkan driver gets it.
#[derive(Clone, Debug)]
pub struct Spirv {
    /// The module's words.
    pub words: Vec<u32>,
    /// What its pipeline layout must hold.
    pub bindings: BTreeSet<Binding>,
    /// Bytes of immediates (push constants).
    pub immediate_size: u32,
}

/// Translates one kernel, with its overrides given their values.
pub fn translate(kernel: &Kernel) -> Result<Spirv> {
    let module = naga::front::wgsl::parse_str(&kernel.wgsl)
        .map_err(|e| anyhow!("{}", e.emit_to_string_with_path(&kernel.wgsl, &kernel.name)))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .map_err(|e| anyhow!("{}", e.emit_to_string_with_path(&kernel.wgsl, &kernel.name)))?;
    let mut constants = PipelineConstants::default();
    constants.extend(kernel.constants.iter().cloned());
    let entry = (naga::ShaderStage::Compute, kernel.entry_point.as_str());
    let (module, info) = process_overrides(&module, &info, Some(entry), &constants)
        .with_context(|| format!("overrides of {}", kernel.name))?;
    let (bindings, immediate_size) = resources(&module)?;
    let pipeline = spv::PipelineOptions {
        shader_stage: naga::ShaderStage::Compute,
        entry_point: kernel.entry_point.clone(),
    };
    let words = spv::write_vec(&module, &info, &options(&bindings, !kernel.trusted), Some(&pipeline))
        .with_context(|| format!("SPIR-V of {}", kernel.name))?;
    let words = if kernel.decorated { no_contraction(&words) } else { words };
    Ok(Spirv { words, bindings, immediate_size })
}

fn resources(module: &naga::Module) -> Result<(BTreeSet<Binding>, u32)> {
    let mut bindings = BTreeSet::new();
    let mut immediate_size = 0;
    for (_, variable) in module.global_variables.iter() {
        let kind = match variable.space {
            naga::AddressSpace::Storage { .. } => BufferKind::Storage,
            naga::AddressSpace::Uniform => BufferKind::Uniform,
            naga::AddressSpace::Immediate => {
                immediate_size = module.types[variable.ty].inner.size(module.to_ctx());
                continue;
            }
            _ => continue,
        };
        let at = variable.binding.as_ref().context("a buffer without @group and @binding")?;
        bindings.insert(Binding { group: at.group, binding: at.binding, kind });
    }
    Ok((bindings, immediate_size))
}

/// wgpu-hal's options for a Vulkan 1.3 device that has `robustBufferAccess2`, as AMD's has.
fn options(bindings: &BTreeSet<Binding>, checked: bool) -> spv::Options<'static> {
    use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
    let index = if checked { BoundsCheckPolicy::Restrict } else { BoundsCheckPolicy::Unchecked };
    let binding_map = bindings.iter().map(|b| {
        let info = spv::BindingInfo { descriptor_set: b.group, binding: b.binding, binding_array_size: None };
        (naga::ResourceBinding { group: b.group, binding: b.binding }, info)
    });
    spv::Options {
        lang_version: (1, 6),
        flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
        fake_missing_bindings: false,
        binding_map: binding_map.collect(),
        bounds_check_policies: BoundsCheckPolicies {
            index,
            buffer: BoundsCheckPolicy::Unchecked,
            image_load: BoundsCheckPolicy::Unchecked,
            binding_array: BoundsCheckPolicy::Unchecked,
        },
        // The library's pipelines turn it off: every word is written before it is read.
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: checked,
        emit_int_div_checks: checked,
        ..spv::Options::default()
    }
}
