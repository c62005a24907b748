//! burn, as its users have it: default features, so with kernel fusion and autotune.

use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, DeviceKind, Tensor, TensorData, activation};
use wgpu_softmax::wgpu;

use crate::{Sample, timed};

/// burn's device on the first Vulkan adapter of a kind, and that adapter.
pub fn open(kind: wgpu::DeviceType) -> (Device, wgpu::AdapterInfo) {
    let kind = match kind {
        wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(0),
        wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(0),
        wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(0),
        wgpu::DeviceType::Cpu => DeviceKind::Cpu,
        wgpu::DeviceType::Other => DeviceKind::DefaultDevice,
    };
    let options = Device::wgpu_options().device_kind(kind).graphics_api(WgpuBackend::Vulkan);
    let (device, setup) = options.init_with_setup().expect("burn opens the adapter");
    (device, setup.adapter.get_info())
}

/// A batch on burn's device.
pub struct Resident<'a> {
    device: &'a Device,
    input: Tensor<2>,
}

impl<'a> Resident<'a> {
    pub fn new(device: &'a Device, x: &[f32], shape: [usize; 2]) -> Self {
        let input = Tensor::from_data(TensorData::new(x.to_vec(), shape), device);
        device.sync().expect("burn uploads");
        Self { device, input }
    }

    /// Softmax of every row up to the fence, into memory of burn's own pool.
    pub fn timed(&self) -> Sample {
        timed(|| {
            let probabilities = activation::softmax(self.input.clone(), 1);
            self.device.sync().expect("burn computes");
            probabilities
        })
    }

    pub fn result(&self) -> Vec<f32> {
        vector(activation::softmax(self.input.clone(), 1))
    }
}

/// From host data to a host vector; the copy of `x` that burn's constructor consumes is not timed.
pub fn end_to_end(device: &Device, x: &[f32], shape: [usize; 2]) -> Sample {
    let data = TensorData::new(x.to_vec(), shape);
    timed(|| vector(activation::softmax(Tensor::<2>::from_data(data, device), 1)))
}

fn vector(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("the elements are f32")
}
