//! A case on the CPU, and on a device by a plan of its own.

use wgpu::util::DeviceExt;

use super::super::device::map;
use super::runner::{TensorRunner, tensor_by, words};
use super::{OwnedMasking, TensorCase};
use crate::cpu::{self, Options};
use crate::gpu::{DTypes, Ops, SoftmaxArgs, TensorRef, Terms};
use crate::{Element, Error, Masking, Op, Shape};

/// The CPU by one way of running.
struct OnCpu<'a>(&'a Options);

impl TensorRunner for OnCpu<'_> {
    fn run<X: Element, Y: Element>(
        &self,
        op: Op,
        x: &[X],
        shape: Shape,
        masking: &Masking,
        y: &mut [Y],
    ) -> Result<(), Error> {
        cpu::run_tensor_with(self.0, op, x, shape, masking, y)
    }
}

/// What the CPU makes of a case, as [`super::expected_tensor`] has it.
///
/// # Errors
/// Those of [`cpu::run_tensor_with`].
pub fn tensor_on_cpu(options: &Options, case: &TensorCase) -> Result<Vec<u32>, Error> {
    tensor_by(&OnCpu(options), case)
}

/// What a device makes of a case, by a plan on buffers of its own. Submits and waits.
///
/// # Errors
/// Those of [`Ops::prepare_tensor`] and [`crate::gpu::Prepared::bind`]; [`Error::Device`] where the device fails.
pub fn tensor_on_device(
    ops: &Ops,
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    case: &TensorCase,
) -> Result<Vec<u32>, Error> {
    pollster::block_on(tensor_on_device_async(ops, device, queue, case))
}

/// [`tensor_on_device`] for browsers, where nothing may block. Elsewhere it blocks as well.
///
/// # Errors
/// Those of [`tensor_on_device`].
pub async fn tensor_on_device_async(
    ops: &Ops,
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    case: &TensorCase,
) -> Result<Vec<u32>, Error> {
    let shape = case.shape()?;
    let mask = case.masking.mask_bytes();
    let terms = Terms::from(&case.masking.borrow(&mask));
    let prepared = ops.prepare_tensor(case.op, shape, DTypes::new(case.data.dtype(), case.output), &terms)?;
    let size = case.op.kind.output_words(shape)? * case.output.bytes();
    let input = buffer(device, case.data.bytes());
    let output = buffer(device, &vec![0xff; size as usize]);
    let beside = beside(device, &case.masking, &mask);
    let mut args = SoftmaxArgs::new(&input, &output);
    for (add, buffer) in &beside {
        args = add(args, buffer.into());
    }
    let plan = prepared.bind(args)?;
    let found = read(device, queue, &plan, &output).await?;
    Ok(words(case.output, &found[..size as usize]))
}

type Add = for<'a> fn(SoftmaxArgs<'a>, TensorRef<'a>) -> SoftmaxArgs<'a>;

/// Buffers of what stands beside the input, and where each goes.
fn beside(device: &wgpu::Device, masking: &OwnedMasking, mask: &[u8]) -> Vec<(Add, wgpu::Buffer)> {
    let floats = |given: &[f32]| bytemuck::cast_slice(given).to_vec();
    let given: [(Add, Option<Vec<u8>>); 6] = [
        (|args, buffer| args.mask(buffer), masking.mask.as_ref().map(|_| mask.to_vec())),
        (|args, buffer| args.bias(buffer), masking.bias.as_ref().map(|bias| bias.data.bytes().to_vec())),
        (
            |args, buffer| args.lengths(buffer),
            masking.lengths.as_ref().map(|lengths| bytemuck::cast_slice(&lengths.data).to_vec()),
        ),
        (|args, buffer| args.sinks(buffer), masking.sinks.as_ref().map(|sinks| floats(&sinks.data))),
        (|args, buffer| args.row_scale(buffer), masking.row_scale.as_ref().map(|scale| floats(&scale.data))),
        (|args, buffer| args.alibi(buffer), masking.alibi.as_ref().map(|slopes| floats(slopes))),
    ];
    given.into_iter().filter_map(|(add, bytes)| Some((add, buffer(device, &bytes?)))).collect()
}

/// A buffer of whole words with these bytes.
fn buffer(device: &wgpu::Device, bytes: &[u8]) -> wgpu::Buffer {
    let mut contents = bytes.to_vec();
    contents.resize(bytes.len().next_multiple_of(4), 0xff);
    device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("wgpu_softmax::verify::tensor"),
        contents: &contents,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
    })
}

/// Runs a plan and reads a buffer.
async fn read(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    plan: &crate::gpu::Plan,
    buffer: &wgpu::Buffer,
) -> Result<Vec<u8>, Error> {
    let mut encoder = device.create_command_encoder(&Default::default());
    plan.encode(&mut encoder);
    let host = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("wgpu_softmax::verify::tensor"),
        size: buffer.size(),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    encoder.copy_buffer_to_buffer(buffer, 0, &host, 0, buffer.size());
    queue.submit([encoder.finish()]);
    map(device, &host).await?;
    let view = host.get_mapped_range(..).map_err(Error::device)?;
    Ok(view.to_vec())
}
