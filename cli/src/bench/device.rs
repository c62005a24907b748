//! A device that is measured: the CPU or an open adapter, by the same names for kernels.

use wgpu_softmax::cpu::{self, SimdLevel};
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{Kernel, Options, Profile, Rounding};
use wgpu_softmax::{DeviceChoice, Error, Op, Shape};

use super::report::DeviceInfo;
use crate::device::{adapters_if, choose};
use crate::failure::Failure;
use crate::measure::{Batch, Cpu, Effort, Gpu, Measured, Refusal};

/// What computes.
pub struct Device {
    /// What the report says of it.
    pub info: DeviceInfo,
    what: What,
}

enum What {
    Cpu,
    Gpu(Box<Gpu>),
}

/// The devices that are asked for, each once. One that was named must open; of "all", those that do.
pub fn open(names: &[String]) -> Result<Vec<Device>, Failure> {
    let there = adapters_if(names.iter().any(|name| !name.trim().eq_ignore_ascii_case("cpu")));
    let mut devices: Vec<Device> = Vec::new();
    for name in names {
        let opened = if name.trim().eq_ignore_ascii_case("all") {
            std::iter::once(Device::cpu()).chain(there.iter().filter_map(|e| Device::gpu(e).ok())).collect()
        } else {
            let choice = name.parse::<DeviceChoice>().unwrap_or_default();
            vec![choose(&choice, &there)?.map_or_else(|_| Ok(Device::cpu()), |entry| Device::gpu(&entry))?]
        };
        for device in opened {
            if devices.iter().all(|known| known.info.index != device.info.index) {
                devices.push(device);
            }
        }
    }
    Ok(devices)
}

/// Seals roundings from now on, on every GPU.
pub fn seal(devices: &mut [Device]) {
    for device in devices {
        if let What::Gpu(gpu) = &mut device.what {
            gpu.seal();
            device.info.rounding = Some(Rounding::Sealed.name());
        }
    }
}

/// Plans by these thresholds from now on, on every GPU. Where one is not what they are for, the failure
/// names those that are.
pub fn use_profile(devices: &mut [Device], profile: &Profile) -> Result<(), Failure> {
    let (mut fits, mut refused) = (Vec::new(), None);
    for device in devices {
        match (device.use_profile(profile), device.info.index) {
            (Ok(()), Some(index)) => fits.push(format!("--device {index}")),
            (Ok(()), None) => {}
            (Err(failure), _) => refused = refused.or(Some(failure)),
        }
    }
    match refused {
        Some(Failure::Cannot(line)) if !fits.is_empty() => {
            Err(Failure::Cannot(format!("{line}, or measure what it fits with {}", fits.join(" "))))
        }
        refused => refused.map_or(Ok(()), Err),
    }
}

impl Device {
    fn cpu() -> Self {
        let info = DeviceInfo {
            name: format!("cpu: {}", crate::cpu::description()),
            kind: "cpu",
            index: None,
            backend: None,
            driver: None,
            rounding: None,
        };
        Self { info, what: What::Cpu }
    }

    fn gpu(entry: &AdapterEntry) -> Result<Self, Error> {
        let info = DeviceInfo {
            name: entry.to_string(),
            kind: if entry.is_hardware() { "gpu" } else { "software" },
            index: Some(entry.index),
            backend: Some(entry.info.backend.to_string()),
            driver: Some(format!("{} {}", entry.info.driver, entry.info.driver_info).trim().to_owned()),
            rounding: Some(Rounding::of(entry.info.backend, entry.adapter.features()).name()),
        };
        Ok(Self { info, what: What::Gpu(Box::new(Gpu::open(entry)?)) })
    }

    /// Plans by these thresholds from now on; the CPU has none.
    fn use_profile(&mut self, profile: &Profile) -> Result<(), Failure> {
        match &mut self.what {
            What::Cpu => Ok(()),
            What::Gpu(gpu) => gpu.use_profile(profile),
        }
    }

    /// The kernels it has: on the CPU its sets of vector instructions.
    pub fn kernels(&self) -> Vec<&'static str> {
        match self.what {
            What::Cpu => SimdLevel::available().into_iter().map(SimdLevel::name).collect(),
            What::Gpu(_) => Kernel::ALL.map(Kernel::name).to_vec(),
        }
    }

    /// The kernel that it takes for a shape when none is forced.
    pub fn planned(&self, shape: Shape) -> Result<&'static str, Error> {
        match &self.what {
            What::Cpu => Ok(SimdLevel::best().name()),
            What::Gpu(gpu) => gpu.planned(shape).map(Kernel::name),
        }
    }

    /// Measures a kernel of [`Device::kernels`].
    pub fn measure(
        &mut self,
        kernel: &str,
        op: Op,
        batch: &mut Batch,
        effort: &Effort,
    ) -> Result<Measured, Refusal> {
        match &mut self.what {
            What::Cpu => {
                let level = SimdLevel::available().into_iter().find(|level| level.name() == kernel);
                let options = level.map_or_else(cpu::Options::new, |level| cpu::Options::new().level(level));
                Cpu.measure(&options, op, batch, effort)
            }
            What::Gpu(gpu) => {
                let force = Kernel::ALL.into_iter().find(|k| k.name() == kernel);
                let options = force.map_or_else(Options::default, |kernel| Options::default().force(kernel));
                gpu.measure(&options, op, batch, effort)
            }
        }
    }

    /// Measures the copy.
    pub fn copy(&mut self, batch: &mut Batch, effort: &Effort) -> Result<Measured, Refusal> {
        match &mut self.what {
            What::Cpu => Cpu.copy(batch, effort),
            What::Gpu(gpu) => gpu.copy(batch, effort),
        }
    }
}
