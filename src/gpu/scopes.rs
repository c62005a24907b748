//! Error scopes: what wgpu says of calls, for a `Result` instead of the application's handler.

use crate::web::IS_WEB;

/// Makes calls, and gives what wgpu said of them. Of several things that is the cause: memory that is
/// short, or a failure of the driver, before the validation of what they left. In a browser, which answers later,
/// it is one that nobody caught: a device of our own notes it, and fails the call that waits for the work.
pub(super) fn caught<T>(device: &wgpu::Device, calls: impl FnOnce() -> T) -> (T, Option<wgpu::Error>) {
    if IS_WEB {
        return (calls(), None);
    }
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = calls();
    // In reverse order; the answers are there at once.
    let invalid = pollster::block_on(validation.pop());
    let failed = pollster::block_on(internal.pop());
    let short = pollster::block_on(memory.pop());
    (made, short.or(failed).or(invalid))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::gpu::named::test_adapters;

    /// A buffer of usages that exclude each other.
    fn refuse(device: &wgpu::Device) {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE;
        let descriptor = wgpu::BufferDescriptor { label: None, size: 4, usage, mapped_at_creation: false };
        drop(device.create_buffer(&descriptor));
    }

    #[test]
    fn what_is_caught_is_told_once_and_the_scopes_end() {
        for entry in test_adapters() {
            let request = entry.adapter.request_device(&wgpu::DeviceDescriptor::default());
            let (device, _queue) = pollster::block_on(request).unwrap();
            let uncaptured = Arc::new(Mutex::new(0));
            let count = uncaptured.clone();
            device.on_uncaptured_error(Arc::new(move |_| *count.lock().unwrap() += 1));
            let inner = || caught(&device, || refuse(&device)).1.is_some();
            assert!(matches!(caught(&device, inner), (true, None)), "{entry}");
            let said = caught(&device, || refuse(&device)).1;
            assert!(matches!(said, Some(wgpu::Error::Validation { .. })), "{entry}: {said:?}");
            assert_eq!(*uncaptured.lock().unwrap(), 0, "{entry}");
            refuse(&device);
            assert_eq!(*uncaptured.lock().unwrap(), 1, "{entry}");
        }
    }
}
