//! Buffers of a device that the host fills or reads.

use super::device::OpenDevice;

/// A buffer that shaders use, and the one that the host maps: the same where the device allows.
#[derive(Debug)]
pub(super) struct Side {
    pub storage: wgpu::Buffer,
    pub host: Option<wgpu::Buffer>,
}

impl Side {
    /// What the host maps.
    pub fn host(&self) -> &wgpu::Buffer {
        self.host.as_ref().unwrap_or(&self.storage)
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.storage.size()
    }
}

pub(super) fn buffer(
    open: &OpenDevice,
    label: &str,
    size: u64,
    usage: wgpu::BufferUsages,
    mapped_at_creation: bool,
) -> wgpu::Buffer {
    let descriptor = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation };
    open.device.create_buffer(&descriptor)
}

/// A side of a slot: one buffer where the device maps storage, else one of the device's and one of the
/// host's, with the usages that the copy between them needs. What the host writes to begins mapped.
pub(super) fn side(
    open: &OpenDevice,
    label: &str,
    bytes: u64,
    map: wgpu::BufferUsages,
    host: wgpu::BufferUsages,
    storage: wgpu::BufferUsages,
) -> Side {
    let size = bytes.next_multiple_of(16);
    let writes = map == wgpu::BufferUsages::MAP_WRITE;
    let label = format!("wgpu_softmax::{label}");
    let shaders = wgpu::BufferUsages::STORAGE;
    if open.maps_storage() {
        return Side { storage: buffer(open, &label, size, shaders | map, writes), host: None };
    }
    let host = buffer(open, &label, size, host | map, writes);
    Side { storage: buffer(open, &label, size, shaders | storage, false), host: Some(host) }
}
