//! A module as SPIR-V whose arithmetic is decorated. wgpu's own translation decorates nothing, so it is done
//! here, by the same crate and with what wgpu passes to it for a module without run-time checks.

use wgpu::naga;

use naga::back::{PipelineConstants, pipeline_constants::process_overrides, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};

use super::{Rounding, Variant, no_contraction, wgsl};

/// Whether there is a translation.
pub(crate) const TO_SPIRV: bool = true;

/// The words of each entry point of a variant, its overridable constants given and its arithmetic decorated.
///
/// # Errors
/// What naga says of the text: of ours it takes all.
pub(crate) fn spirv(variant: &Variant) -> Result<Vec<Vec<u32>>, String> {
    let text = wgsl(variant, Rounding::Decorated);
    let module = naga::front::wgsl::parse_str(&text).map_err(|e| e.emit_to_string(&text))?;
    let validated = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module);
    let info = validated.map_err(|e| e.emit_to_string(&text))?;
    let mut constants = PipelineConstants::default();
    constants.extend(variant.constants().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let options = options(variant);
    let words = |entry_point: &&str| {
        let entry = (naga::ShaderStage::Compute, *entry_point);
        let (module, info) =
            process_overrides(&module, &info, Some(entry), &constants).map_err(|e| e.to_string())?;
        let pipeline = spv::PipelineOptions { shader_stage: entry.0, entry_point: entry.1.to_owned() };
        let words = spv::write_vec(&module, &info, &options, Some(&pipeline)).map_err(|e| e.to_string())?;
        Ok(no_contraction(&words))
    };
    variant.entry_points().iter().map(words).collect()
}

/// What wgpu-hal 30 passes to naga for a module without run-time checks.
fn options(variant: &Variant) -> spv::Options<'static> {
    let unchecked = BoundsCheckPolicy::Unchecked;
    let mut bindings = variant.bindings();
    bindings.sort_by_key(|(binding, _)| *binding);
    let binding_map = bindings.iter().zip(0..).map(|((binding, _), place)| {
        // wgpu numbers the bindings of a layout in their order, without gaps.
        let info = spv::BindingInfo { descriptor_set: 0, binding: place, binding_array_size: None };
        (naga::ResourceBinding { group: 0, binding: *binding }, info)
    });
    spv::Options {
        // What every Vulkan takes; subgroups come with Vulkan 1.1, which takes SPIR-V 1.3.
        lang_version: if variant.choice.uses_subgroups() { (1, 3) } else { (1, 0) },
        flags: spv::WriterFlags::empty(),
        fake_missing_bindings: false,
        binding_map: binding_map.collect(),
        bounds_check_policies: BoundsCheckPolicies {
            index: unchecked,
            buffer: unchecked,
            image_load: unchecked,
            binding_array: unchecked,
        },
        // Every word of workgroup memory is written before it is read.
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..spv::Options::default()
    }
}
