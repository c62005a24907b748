//! No SPIR-V, where wgpu has no Vulkan backend.

use super::Variant;

/// Whether there is a translation.
pub(crate) const TO_SPIRV: bool = false;

/// # Errors
/// Always.
pub(crate) fn spirv(_: &Variant) -> Result<Vec<Vec<u32>>, String> {
    Err("built without Vulkan".into())
}
