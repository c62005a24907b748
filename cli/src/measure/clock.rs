//! The time that submitted work takes, by the device's clock or by the wall.

use std::time::{Duration, Instant};

use wgpu_softmax::gpu::Clock;
use wgpu_softmax::{Error, wgpu};

/// A device's queue with what times its work.
#[derive(Debug)]
pub struct Timer {
    device: wgpu::Device,
    queue: wgpu::Queue,
    clock: Option<Clock>,
}

impl Timer {
    /// By the device's clock where it has one.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        Self { device: device.clone(), queue: queue.clone(), clock: Clock::new(device, queue) }
    }

    /// Whether the device's clock is used.
    pub fn has_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// Records work into a compute pass, submits it and waits for it.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn time(&mut self, record: impl FnOnce(&mut wgpu::ComputePass<'_>)) -> Result<Duration, Error> {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("softmax::bench"),
                timestamp_writes: self.clock.as_ref().map(Clock::writes),
            });
            record(&mut pass);
        }
        if let Some(clock) = &self.clock {
            clock.resolve(&mut encoder);
        }
        let commands = encoder.finish();
        let begin = Instant::now();
        self.queue.submit([commands]);
        let Some(clock) = &self.clock else {
            wait(&self.device)?;
            return Ok(begin.elapsed());
        };
        map(&self.device, clock.host())?;
        let wall = begin.elapsed();
        let time = clock.elapsed()?;
        if time.is_zero() || time > wall {
            // Some drivers offer a clock that does not run, or not at the speed they say.
            self.clock = None;
            return Ok(wall);
        }
        Ok(time)
    }
}

/// Maps a buffer for reading, and waits until that is done.
///
/// # Errors
/// [`Error::Device`] where the device fails.
pub fn map(device: &wgpu::Device, buffer: &wgpu::Buffer) -> Result<(), Error> {
    let (done, mapped) = std::sync::mpsc::channel();
    buffer.map_async(wgpu::MapMode::Read, .., move |result| {
        // Nobody waits where polling failed before.
        let _ = done.send(result);
    });
    wait(device)?;
    mapped.recv().map_err(failed)?.map_err(failed)
}

fn wait(device: &wgpu::Device) -> Result<(), Error> {
    device.poll(wgpu::PollType::wait_indefinitely()).map(drop).map_err(failed)
}

/// The error for what wgpu says.
pub fn failed(error: impl std::fmt::Display) -> Error {
    let why = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    Error::Device { why }
}
