//! A module as SPIR-V whose arithmetic is decorated. wgpu's own translation decorates nothing, so it is done
//! here, by the same crate.

use wgpu::naga;

use naga::back::{PipelineConstants, pipeline_constants::process_overrides, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};

use super::{Rounding, Variant, no_contraction, wgsl};

/// Whether there is a translation.
pub(crate) const TO_SPIRV: bool = true;

/// The newest version that a Vulkan device takes, as wgpu-hal has it. From 1.6 on subgroups are full, which
/// kernels with subgroups count on as they do in wgpu's own translation.
pub(crate) fn newest_version(device: &wgpu::Device) -> (u8, u8) {
    // SAFETY: nothing is done with the device but to ask what it is, while it is held.
    let found = unsafe {
        let hal = device.as_hal::<wgpu::hal::api::Vulkan>();
        hal.map(|device| {
            let instance = device.shared_instance();
            let physical = device.raw_physical_device();
            let properties = instance.raw_instance().get_physical_device_properties(physical);
            properties.api_version.min(instance.instance_api_version())
        })
    };
    // Major and minor version, without the patch.
    match found.map(|version| (version >> 22 & 0x7f, version >> 12 & 0x3ff)) {
        None | Some((..=1, 0)) => (1, 0),
        Some((1, 1)) => (1, 3),
        Some((1, 2)) => (1, 5),
        Some(_) => (1, 6),
    }
}

/// The words of each entry point of a variant, its overridable constants given and its arithmetic decorated.
///
/// # Errors
/// What naga says of the text: of ours it takes all.
pub(crate) fn spirv(variant: &Variant, version: (u8, u8)) -> Result<Vec<Vec<u32>>, String> {
    let text = wgsl(variant, Rounding::Decorated);
    let module = naga::front::wgsl::parse_str(&text).map_err(|e| e.emit_to_string(&text))?;
    let validated = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module);
    let info = validated.map_err(|e| e.emit_to_string(&text))?;
    let mut constants = PipelineConstants::default();
    constants.extend(variant.constants().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let options = options(variant, version);
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

/// What wgpu-hal 30 passes to naga for a module without run-time checks, as far as it concerns compute shaders.
fn options(variant: &Variant, version: (u8, u8)) -> spv::Options<'static> {
    let unchecked = BoundsCheckPolicy::Unchecked;
    let mut bindings = variant.bindings();
    bindings.sort_by_key(|(binding, _)| *binding);
    let binding_map = bindings.iter().zip(0..).map(|((binding, _), place)| {
        // wgpu numbers the bindings of a layout in their order, without gaps.
        let info = spv::BindingInfo { descriptor_set: 0, binding: place, binding_array_size: None };
        (naga::ResourceBinding { group: 0, binding: *binding }, info)
    });
    spv::Options {
        lang_version: version,
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
