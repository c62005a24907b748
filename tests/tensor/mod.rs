//! Cases of the battery of tensors on a device, as an application would run them.
#![allow(dead_code, unused_imports)] // Each test takes what it needs of it.

pub mod battery;
pub mod ragged;

use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{DTypes, Ops, Options, SoftmaxArgs, TensorRef, Terms};
use wgpu_softmax::verify::tensor::TensorCase;
use wgpu_softmax::wgpu::{self, util::DeviceExt};
use wgpu_softmax::{DType, Error, OpKind};

use crate::common::gpu::Gpu;

/// A device with its pipelines.
pub struct Device {
    pub gpu: Gpu,
    pub ops: Ops,
    /// Bytes of poison before and behind every operand.
    pub guard: usize,
}

impl Device {
    /// With all that the adapter has.
    pub fn new(entry: &AdapterEntry, options: Options) -> Self {
        let most = entry.adapter.limits();
        Self::with_limits(entry, options, |limits| {
            limits.max_storage_buffers_per_shader_stage = most.max_storage_buffers_per_shader_stage;
        })
    }

    /// One as it is, and one that seals what the first decorates.
    pub fn both(entry: &AdapterEntry, options: Options) -> [Self; 2] {
        [options.clone(), options.sealed()].map(|options| Self::new(entry, options))
    }

    /// With WebGPU's default limits, changed as asked, subgroups, and roundings decorated.
    pub fn with_limits(
        entry: &AdapterEntry,
        options: Options,
        change: impl FnOnce(&mut wgpu::Limits),
    ) -> Self {
        let features = wgpu::Features::SUBGROUP | wgpu::Features::PASSTHROUGH_SHADERS;
        let gpu = Gpu::new(entry, features, change);
        let ops = gpu.ops(options);
        Self { gpu, ops, guard: 256 }
    }

    /// A buffer with these bytes, poison around them, in whole words.
    pub fn filled(&self, bytes: &[u8]) -> wgpu::Buffer {
        let mut contents = vec![0xff; self.guard];
        contents.extend_from_slice(bytes);
        contents.resize((self.guard + bytes.len()).next_multiple_of(4) + self.guard, 0xff);
        self.gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: &contents,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        })
    }

    /// Behind the poison.
    pub fn at<'a>(&self, buffer: &'a wgpu::Buffer) -> TensorRef<'a> {
        TensorRef::from(buffer).at(self.guard as u64)
    }
}

/// The words of a case's results; those of halves are in the lower half. Panics where a byte around them
/// was written.
pub fn run(device: &Device, case: &TensorCase, in_place: bool) -> Result<Vec<u32>, Error> {
    run_with(device, case, in_place, false)
}

/// The same with all that there is one of per row in one buffer.
pub fn run_packed(device: &Device, case: &TensorCase) -> Result<Vec<u32>, Error> {
    run_with(device, case, false, true)
}

fn run_with(device: &Device, case: &TensorCase, in_place: bool, packed: bool) -> Result<Vec<u32>, Error> {
    let mask = case.masking.mask_bytes();
    let masking = case.masking.borrow(&mask);
    let types = DTypes::new(case.data.dtype(), case.output);
    let shape = case.shape()?;
    let prepared = device.ops.prepare_tensor(case.op, shape, types, &Terms::from(&masking))?;
    let words = if case.op.kind == OpKind::RowStats { 8 } else { 1 };
    let results = if case.op.kind.is_elementwise() { shape.elements()? } else { shape.row_count() * words };
    let size = case.output.bytes() as usize;
    let input = device.filled(case.data.bytes());
    let output = device.filled(&vec![0xff; results as usize * size]);
    let beside = &case.masking;
    let bytes: [Option<&[u8]>; 6] = [
        beside.mask.as_ref().map(|_| &mask[..]),
        beside.bias.as_ref().map(|bias| bias.data.bytes()),
        beside.lengths.as_ref().map(|lengths| bytemuck::cast_slice(&lengths.data)),
        beside.sinks.as_ref().map(|sinks| bytemuck::cast_slice(&sinks.data)),
        beside.row_scale.as_ref().map(|scale| bytemuck::cast_slice(&scale.data)),
        beside.alibi.as_ref().map(|slopes| bytemuck::cast_slice(slopes)),
    ];
    let all = device
        .filled(&bytes[2..].iter().flatten().flat_map(|bytes| bytes.iter().copied()).collect::<Vec<_>>());
    let buffers = bytes.map(|bytes| bytes.map(|bytes| device.filled(bytes)));
    let mut packed_at = device.guard as u64;
    let mut args = match in_place {
        true => SoftmaxArgs::in_place(device.at(&input)),
        false => SoftmaxArgs::new(device.at(&input), device.at(&output)),
    };
    for (what, buffer) in buffers.iter().enumerate() {
        let Some(buffer) = buffer else { continue };
        let mut operand = device.at(buffer);
        if packed && what >= 2 {
            operand = TensorRef::from(&all).at(packed_at);
            packed_at += bytes[what].map_or(0, |bytes| bytes.len() as u64);
        }
        args = match what {
            0 => args.mask(operand),
            1 => args.bias(operand),
            2 => args.lengths(operand),
            3 => args.sinks(operand),
            4 => args.row_scale(operand),
            _ => args.alibi(operand),
        };
    }
    let plan = prepared.bind(args)?;
    let got = device.gpu.submit(&[&plan], if in_place { &input } else { &output });
    let got: &[u8] = bytemuck::cast_slice(&got);
    let (before, rest) = got.split_at(device.guard);
    let (found, behind) = rest.split_at(results as usize * size);
    assert!(
        before.iter().chain(behind).all(|byte| *byte == 0xff),
        "{}: written outside the result",
        case.name
    );
    Ok(words_of(case.output, found))
}

/// Results as words.
pub fn words_of(dtype: DType, bytes: &[u8]) -> Vec<u32> {
    match dtype.bytes() {
        2 => bytes.chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]]))).collect(),
        _ => bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
    }
}
