//! Puts the probes to a device.

use wgpu::util::DeviceExt;

use super::probe::Probe;
use crate::Error;

/// What a device makes of each probe, as bits, to be judged by [`Probe::holds`]. Submits and waits.
///
/// # Errors
/// [`Error::Device`] where the device refuses the shader or fails.
pub fn probe_device(device: &wgpu::Device, queue: &wgpu::Queue, probes: &[Probe]) -> Result<Vec<u32>, Error> {
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let words: Vec<u32> = probes.iter().flat_map(|p| [p.op as u32, p.a, p.b]).collect();
    let size = (probes.len() * 4) as u64;
    let questions = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("wgpu_softmax::probe::questions"),
        contents: bytemuck::cast_slice(&words),
        usage: wgpu::BufferUsages::STORAGE,
    });
    let buffer = |usage| {
        let label = Some("wgpu_softmax::probe::answers");
        device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false })
    };
    let answers = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
    let host = buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("wgpu_softmax::probe"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/probe.wgsl").into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("wgpu_softmax::probe"),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("wgpu_softmax::probe"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: questions.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: answers.as_entire_binding() },
        ],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups(probes.len().div_ceil(64) as u32, 1, 1);
    }
    encoder.copy_buffer_to_buffer(&answers, 0, &host, 0, size);
    queue.submit([encoder.finish()]);
    if let Some(error) = pollster::block_on(scope.pop()) {
        return Err(Error::device(error));
    }
    let (done, mapped) = std::sync::mpsc::channel();
    host.map_async(wgpu::MapMode::Read, .., move |result| {
        // Nobody waits where polling failed before.
        let _ = done.send(result);
    });
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(Error::device)?;
    mapped.recv().map_err(Error::device)?.map_err(Error::device)?;
    let view = host.get_mapped_range(..).map_err(Error::device)?;
    Ok(view.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}
