//! No SPIR-V, where wgpu has no Vulkan backend.

use super::Variant;

/// Whether there is a translation.
pub(crate) const TO_SPIRV: bool = false;

pub(crate) fn newest_version(_: &wgpu::Device) -> (u8, u8) {
    (1, 0)
}

/// # Errors
/// Always.
pub(crate) fn spirv(_: &Variant, _: (u8, u8)) -> Result<Vec<Vec<u32>>, String> {
    Err("built without Vulkan".into())
}
