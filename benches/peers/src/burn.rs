//! burn, as its users have it: default features, so with kernel fusion and autotune.

use ::burn::tensor::wgpu::WgpuBackend;
use ::burn::tensor::{Device, DeviceKind, Tensor, TensorData, activation};
use anyhow::{Result, anyhow, ensure};
use softmax_compare::ours::Seat;
use softmax_compare::protocol::{Hello, Library, Place, Sample, timed};
use wgpu_softmax::wgpu;

struct Burn {
    device: Device,
    batch: Batch,
}

enum Batch {
    None,
    Resident { x: Tensor<2>, y: Option<Tensor<2>> },
    Host { x: Vec<f32>, shape: [usize; 2], y: Vec<f32> },
}

/// burn on the adapter that ours uses.
pub fn open(seat: &Seat) -> Result<(Hello, Box<dyn Library>)> {
    ensure!(seat.place != Place::Cpu, "burn is a contestant on the GPU");
    let entry = seat.find_adapter()?;
    let kind = match entry.info.device_type {
        wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(0),
        wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(0),
        wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(0),
        wgpu::DeviceType::Cpu => DeviceKind::Cpu,
        wgpu::DeviceType::Other => DeviceKind::DefaultDevice,
    };
    let options = Device::wgpu_options().device_kind(kind).graphics_api(WgpuBackend::Vulkan);
    let (device, setup) = options.init_with_setup().map_err(|error| anyhow!("{error:?}"))?;
    let theirs = setup.adapter.get_info();
    ensure!(theirs.name == entry.info.name, "burn opened {} instead of {}", theirs.name, entry.info.name);
    let setting = "`activation::softmax(x, 1)` on Vulkan with fusion and autotune, its results from its own pool; \
                   kernel: up to `Device::sync`; end to end: `Tensor::from_data` to a `Vec`";
    let hello = Hello {
        version: crate::version("burn"),
        setting: setting.to_owned(),
        device: entry.to_string(),
    };
    Ok((hello, Box::new(Burn { device, batch: Batch::None })))
}

impl Burn {
    fn tensor(&self, x: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(x, shape), &self.device)
    }

    fn sync(&self) -> Result<()> {
        self.device.sync().map_err(|error| anyhow!("{error:?}"))
    }
}

impl Library for Burn {
    fn prepare(&mut self, place: Place, rows: usize, cols: usize, x: Vec<f32>) -> Result<()> {
        let shape = [rows, cols];
        // The old one's memory first.
        self.batch = Batch::None;
        self.batch = match place {
            Place::EndToEnd => Batch::Host { x, shape, y: Vec::new() },
            _ => Batch::Resident { x: self.tensor(x, shape), y: None },
        };
        self.sync()
    }

    fn run(&mut self) -> Result<Sample> {
        match &mut self.batch {
            Batch::None => anyhow::bail!("nothing was prepared"),
            Batch::Resident { x, y } => {
                // Back to the pool before a new one is taken.
                *y = None;
                let (sample, computed) = timed(|| {
                    let computed = activation::softmax(x.clone(), 1);
                    self.device.sync().map(|()| computed)
                });
                *y = Some(computed.map_err(|error| anyhow!("{error:?}"))?);
                Ok(sample)
            }
            Batch::Host { x, shape, y } => {
                // Its constructor takes the data; the copy is not timed.
                let data = TensorData::new(x.clone(), *shape);
                let (sample, back) =
                    timed(|| vector(activation::softmax(Tensor::<2>::from_data(data, &self.device), 1)));
                *y = back?;
                Ok(sample)
            }
        }
    }

    fn result(&mut self) -> Result<Vec<f32>> {
        match &self.batch {
            Batch::Resident { y: Some(y), .. } => vector(y.clone()),
            Batch::Host { y, .. } => Ok(y.clone()),
            _ => anyhow::bail!("nothing was computed"),
        }
    }
}

fn vector(tensor: Tensor<2>) -> Result<Vec<f32>> {
    tensor.into_data().try_into_vec().map_err(|error| anyhow!("{error:?}"))
}
