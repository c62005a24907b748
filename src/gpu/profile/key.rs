//! Which devices a profile is for.

use super::super::planner::Capabilities;

/// Which devices a profile is for: vendor, kind and subgroups, each may be left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileKey {
    /// The vendor's number, as `wgpu::AdapterInfo::vendor` has it; `None` for any.
    pub vendor: Option<u32>,
    /// The kind of device.
    pub device: DeviceKey,
    /// Its subgroups.
    pub subgroups: SubgroupKey,
}

/// Kinds of devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceKey {
    /// Any.
    #[default]
    Any,
    /// A program on the CPU.
    Software,
    /// Anything but a program on the CPU.
    Hardware,
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the CPU's memory.
    Integrated,
    /// A GPU behind a virtual machine.
    Virtual,
}

impl DeviceKey {
    pub(super) const ALL: [(Self, &str); 6] = [
        (Self::Any, "any"),
        (Self::Software, "software"),
        (Self::Hardware, "hardware"),
        (Self::Discrete, "discrete"),
        (Self::Integrated, "integrated"),
        (Self::Virtual, "virtual"),
    ];

    fn matches(self, device: wgpu::DeviceType) -> bool {
        match self {
            Self::Any => true,
            Self::Software => device == wgpu::DeviceType::Cpu,
            Self::Hardware => device != wgpu::DeviceType::Cpu,
            Self::Discrete => device == wgpu::DeviceType::DiscreteGpu,
            Self::Integrated => device == wgpu::DeviceType::IntegratedGpu,
            Self::Virtual => device == wgpu::DeviceType::VirtualGpu,
        }
    }
}

/// What a device's subgroups must be like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubgroupKey {
    /// Whatever they are, and without any.
    #[default]
    Any,
    /// There are none, or they are not enabled.
    None,
    /// There are some, of any size.
    Some,
    /// The least and the greatest number of invocations.
    Sizes(u32, u32),
}

impl SubgroupKey {
    fn matches(self, found: Option<(u32, u32)>) -> bool {
        match self {
            Self::Any => true,
            Self::None => found.is_none(),
            Self::Some => found.is_some(),
            Self::Sizes(least, greatest) => found == Some((least, greatest)),
        }
    }
}

impl ProfileKey {
    /// The key of one device, as exact as keys are.
    pub fn of(caps: &Capabilities) -> Self {
        let device = match caps.device {
            wgpu::DeviceType::Cpu => DeviceKey::Software,
            wgpu::DeviceType::DiscreteGpu => DeviceKey::Discrete,
            wgpu::DeviceType::IntegratedGpu => DeviceKey::Integrated,
            wgpu::DeviceType::VirtualGpu => DeviceKey::Virtual,
            wgpu::DeviceType::Other => DeviceKey::Hardware,
        };
        let sizes = caps.subgroups.map(|(least, greatest)| SubgroupKey::Sizes(least, greatest));
        Self { vendor: Some(caps.vendor), device, subgroups: sizes.unwrap_or(SubgroupKey::None) }
    }

    /// Whether a device is one of those.
    pub fn matches(&self, caps: &Capabilities) -> bool {
        self.vendor.is_none_or(|vendor| vendor == caps.vendor)
            && self.device.matches(caps.device)
            && self.subgroups.matches(caps.subgroups)
    }

    /// How much it says: of two keys that match, the greater is for fewer devices.
    pub(super) fn detail(&self) -> u32 {
        let device = match self.device {
            DeviceKey::Any => 0,
            DeviceKey::Hardware => 1,
            _ => 2,
        };
        let subgroups = match self.subgroups {
            SubgroupKey::Any => 0,
            SubgroupKey::Some => 1,
            SubgroupKey::None | SubgroupKey::Sizes(..) => 2,
        };
        u32::from(self.vendor.is_some()) * 9 + device * 3 + subgroups
    }
}
