//! A ring of inputs and results on a GPU.

use wgpu_softmax::gpu::TensorRef;
use wgpu_softmax::{Error, Shape, wgpu};

use super::clock::{failed, map};
use super::{Refusal, batch, memory};

/// Bytes of a piece in which results are read back.
const PIECE: u64 = 32 << 20;
/// Where bindings and copies may begin on every device.
const ALIGNMENT: u64 = 256;

/// Pairs of an input and a result in two buffers; the inputs are alike.
#[derive(Debug)]
pub struct Ring {
    /// What it was made for.
    pub shape: Shape,
    /// All inputs.
    pub input: wgpu::Buffer,
    /// All results.
    pub output: wgpu::Buffer,
    slots: usize,
    input_stride: u64,
    output_stride: u64,
}

impl Ring {
    /// A ring of about so many bytes, filled.
    ///
    /// # Errors
    /// [`Error::Limit`] where not even one pair fits the device's buffers, [`Error::Device`] where it
    /// has no memory left.
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        shape: Shape,
        x: &[f32],
        bytes: u64,
    ) -> Result<Self, Error> {
        let input_stride = (size_of_val(x) as u64).next_multiple_of(ALIGNMENT);
        let output_stride = (batch::results(shape) as u64 * 4).next_multiple_of(ALIGNMENT);
        let larger = input_stride.max(output_stride);
        let limit = device.limits().max_buffer_size;
        if larger > limit {
            let hint = "measure fewer rows or columns";
            return Err(Error::Limit {
                what: "bytes of the batch in one buffer",
                needed: larger,
                limit,
                hint,
            });
        }
        let slots = memory::ring_slots(input_stride + output_stride, bytes).min((limit / larger) as usize);
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = |size| {
            let usage =
                wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
            let label = Some("softmax::bench::ring");
            device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false })
        };
        let (input, output) = (buffer(input_stride * slots as u64), buffer(output_stride * slots as u64));
        if pollster::block_on(memory.pop()).is_some() {
            return Err(failed(format!("it has no memory for {} x {}", shape.row_count(), shape.cols())));
        }
        let ring = Self { shape, input, output, slots, input_stride, output_stride };
        ring.fill(device, queue, x);
        Ok(ring)
    }

    /// Writes the first input, copies it to the others, and touches every result.
    fn fill(&self, device: &wgpu::Device, queue: &wgpu::Queue, x: &[f32]) {
        queue.write_buffer(&self.input, 0, bytemuck::cast_slice(x));
        let mut encoder = device.create_command_encoder(&Default::default());
        // By way of a result: nothing can be copied within a buffer.
        encoder.copy_buffer_to_buffer(&self.input, 0, &self.output, 0, self.input_stride);
        for slot in 1..self.slots as u64 {
            let to = slot * self.input_stride;
            encoder.copy_buffer_to_buffer(&self.output, 0, &self.input, to, self.input_stride);
        }
        encoder.clear_buffer(&self.output, 0, None);
        queue.submit([encoder.finish()]);
    }

    /// How many pairs there are.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.input.size() + self.output.size()
    }

    /// Bytes that a result takes, with what aligns the next one.
    pub fn stride(&self) -> u64 {
        self.input_stride
    }

    /// A pair's input and place for results.
    pub fn pair(&self, slot: usize) -> (TensorRef<'_>, TensorRef<'_>) {
        let (input, output) = (slot as u64 * self.input_stride, slot as u64 * self.output_stride);
        (TensorRef::from(&self.input).at(input), TensorRef::from(&self.output).at(output))
    }

    /// Wipes the first result, so that an earlier one is not taken for a later one.
    pub fn wipe(&self, device: &wgpu::Device, queue: &wgpu::Queue) {
        let mut encoder = device.create_command_encoder(&Default::default());
        encoder.clear_buffer(&self.output, 0, Some(self.output_stride));
        queue.submit([encoder.finish()]);
    }

    /// Reads the first result back.
    ///
    /// # Errors
    /// [`Refusal`] where the device fails, or there is no memory for it.
    pub fn read(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        words: usize,
    ) -> Result<Vec<f32>, Refusal> {
        let bytes = words as u64 * 4;
        let host = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("softmax::bench::read"),
            size: PIECE.min(bytes.next_multiple_of(8)),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut result = memory::room(words)?;
        for at in (0..bytes).step_by(PIECE as usize) {
            let piece = PIECE.min(bytes - at);
            let mut encoder = device.create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(&self.output, at, &host, 0, piece);
            queue.submit([encoder.finish()]);
            map(device, &host)?;
            let view = host.get_mapped_range(..).map_err(failed)?;
            result.extend(
                view[..piece as usize].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            );
            drop(view);
            host.unmap();
        }
        Ok(result)
    }
}
