//! Puts the probes to a device.

use wgpu::util::DeviceExt;

use super::probe::Probe;
use crate::Error;
use crate::error::one_line;
use crate::gpu::landing::Landing;

/// What a device makes of each probe, as bits, to be judged by [`Probe::holds`]. Submits and waits.
///
/// # Errors
/// [`Error::Device`] where the device refuses the shader or fails.
pub fn probe_device(device: &wgpu::Device, queue: &wgpu::Queue, probes: &[Probe]) -> Result<Vec<u32>, Error> {
    pollster::block_on(probe_device_async(device, queue, probes))
}

/// [`probe_device`] for browsers, where nothing may block. Elsewhere it blocks as well.
///
/// # Errors
/// Those of [`probe_device`].
pub async fn probe_device_async(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    probes: &[Probe],
) -> Result<Vec<u32>, Error> {
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
    if let Some(error) = scope.pop().await {
        return Err(Error::device(error));
    }
    map(device, &host).await?;
    let view = host.get_mapped_range(..).map_err(Error::device)?;
    Ok(view.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// Maps a buffer for reading, and waits for it: in a browser without blocking, for which its tasks are
/// needed.
pub(super) async fn map(device: &wgpu::Device, host: &wgpu::Buffer) -> Result<(), Error> {
    let landing = Landing::new(1);
    let answer = landing.clone();
    host.map_async(wgpu::MapMode::Read, .., move |result| answer.answer(result.map_err(one_line)));
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(Error::device)?;
    landing.wait().await;
    landing.result().map(drop).map_err(Error::device)
}
