//! What keeps the rounding of each operation, where drivers would fuse and reassociate.

use super::Variant;
use super::spirv::TO_SPIRV;
use crate::Precision;

/// What keeps drivers from fusing and reassociating operations whose rounding matters. The bits are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rounding {
    /// An integer operation with a number that no compiler knows, after each: on every backend.
    #[default]
    Sealed,
    /// A decoration of each operation in SPIR-V, for a quarter less instructions: on Vulkan, where the device
    /// has `Features::PASSTHROUGH_SHADERS` and this crate the feature `vulkan`.
    Decorated,
}

impl Rounding {
    /// The cheapest that a device with these features has.
    pub fn of(backend: wgpu::Backend, features: wgpu::Features) -> Self {
        let takes_spirv =
            backend == wgpu::Backend::Vulkan && features.contains(wgpu::Features::PASSTHROUGH_SHADERS);
        if TO_SPIRV && takes_spirv { Self::Decorated } else { Self::Sealed }
    }

    /// "sealed" or "decorated".
    pub fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Decorated => "decorated",
        }
    }

    /// For a variant: what promises no bits has nothing to keep.
    pub(crate) fn of_variant(self, variant: &Variant) -> Self {
        if variant.precision == Precision::Fast { Self::Sealed } else { self }
    }
}
