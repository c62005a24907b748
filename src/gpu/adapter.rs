//! Which adapters there are, what they can do, and which one `auto` takes.

use std::fmt;

use crate::Error;

/// How a device is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// A hardware GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// The library's own CPU implementation.
    Cpu,
    /// An adapter by its place in [`adapters`].
    Index(usize),
    /// An adapter by a part of its name or by its backend ("vulkan", "gl", ...), in any case.
    Name(String),
}

/// Parses "auto", "cpu", an index, or a name.
impl std::str::FromStr for DeviceChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            name => name.parse().map_or_else(|_| Self::Name(name.to_owned()), Self::Index),
        })
    }
}

/// An adapter and where it stands in the list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdapterEntry {
    /// The number that [`DeviceChoice::Index`] takes.
    pub index: usize,
    /// The adapter itself.
    pub adapter: wgpu::Adapter,
    /// Its name, backend, driver and kind.
    pub info: wgpu::AdapterInfo,
}

impl AdapterEntry {
    /// Whether this is a GPU rather than a program that plays one on the CPU.
    pub fn is_hardware(&self) -> bool {
        use wgpu::DeviceType::{DiscreteGpu, IntegratedGpu, VirtualGpu};
        // A browser only tells whether it is a program.
        matches!(self.info.device_type, DiscreteGpu | IntegratedGpu | VirtualGpu)
            || self.info.backend == wgpu::Backend::BrowserWebGpu
                && self.info.device_type == wgpu::DeviceType::Other
    }

    fn answers_to(&self, name: &str) -> bool {
        let backend = self.info.backend.to_string().to_ascii_lowercase();
        backend == name || self.info.name.to_ascii_lowercase().contains(name)
    }
}

impl fmt::Display for AdapterEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.index, self.info.name, self.info.backend)
    }
}

/// Every adapter that can compute, in a fixed order: discrete, integrated, virtual, then software;
/// native APIs before GL. An adapter without compute shaders is left out, and so are backends that
/// the environment variable `WGPU_BACKEND` does not name where it is set.
pub async fn adapters() -> Vec<AdapterEntry> {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    let backends = descriptor.backends;
    let instance = wgpu::Instance::new(descriptor);
    let mut found: Vec<_> = instance
        .enumerate_adapters(backends)
        .await
        .into_iter()
        .filter(|a| a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS))
        .map(|adapter| (adapter.get_info(), adapter))
        .collect();
    found.sort_by_key(|(info, _)| (rank(info.device_type), info.backend == wgpu::Backend::Gl));
    found
        .into_iter()
        .enumerate()
        .map(|(index, (info, adapter))| AdapterEntry { index, adapter, info })
        .collect()
}

fn rank(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// The adapter a choice stands for, or `None` and the reason where it stands for the CPU.
///
/// # Errors
/// [`Error::NoAdapter`] where an index or name fits none, with what there is.
pub fn choose(choice: &DeviceChoice, from: &[AdapterEntry]) -> Result<Result<AdapterEntry, String>, Error> {
    let listed = || match from {
        [] => "there is none; install a Vulkan driver, or use the device \"cpu\"".to_owned(),
        some => format!(
            "there are {}; or use \"cpu\"",
            some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
    };
    let found = match choice {
        DeviceChoice::Cpu => return Ok(Err("the CPU was asked for".to_owned())),
        DeviceChoice::Auto => {
            let hardware = from.iter().find(|a| a.is_hardware());
            return Ok(hardware.cloned().ok_or_else(|| match from {
                [] => "no GPU adapter was found".to_owned(),
                _ => "only software adapters were found, and the CPU is faster than those".to_owned(),
            }));
        }
        DeviceChoice::Index(index) => from.get(*index),
        // Every name has an empty part.
        DeviceChoice::Name(name) if name.trim().is_empty() => None,
        DeviceChoice::Name(name) => from.iter().find(|a| a.answers_to(&name.to_ascii_lowercase())),
    };
    let asked = match choice {
        DeviceChoice::Index(index) => format!("index {index}"),
        DeviceChoice::Name(name) => format!("the name {name:?}"),
        DeviceChoice::Auto | DeviceChoice::Cpu => String::new(),
    };
    found.cloned().map(Ok).ok_or_else(|| Error::NoAdapter { why: format!("{asked} fits none; {}", listed()) })
}
