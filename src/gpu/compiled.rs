//! What a driver made of the kernels, as bytes that the caller keeps: the library writes no files.

/// Compiled pipelines of an earlier process, for [`crate::gpu::Options::compiled`]; the next ones to
/// keep come from [`crate::gpu::Ops::compiled`]. Where the driver or the adapter is another one, they
/// are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compiled {
    /// The class of adapters, as `wgpu::util::pipeline_cache_key` names it.
    pub(super) key: String,
    /// What `wgpu::PipelineCache::get_data` gave.
    pub(super) data: Vec<u8>,
}

/// Where compiled pipelines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cache {
    /// A cache of the caller's, of the same device.
    Yours(wgpu::PipelineCache),
    /// What an earlier process kept, or nothing yet.
    Kept(Compiled),
}

impl Cache {
    /// The cache to compile with; `None` where the device has none.
    pub(super) fn open(&self, device: &wgpu::Device) -> Option<wgpu::PipelineCache> {
        match self {
            Cache::Yours(cache) => Some(cache.clone()),
            Cache::Kept(kept) => restore(device, kept),
        }
    }
}

/// Bytes of the checksum behind the first line.
const SUM: usize = 8;
/// What the first line begins with: a new version of the library starts anew.
const FIRST_WORDS: &str = concat!("wgpu-softmax ", env!("CARGO_PKG_VERSION"), " ");

impl Compiled {
    /// Nothing yet: to keep what this process compiles.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of text with the library's version and the adapter, a checksum, and wgpu's own data.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{FIRST_WORDS}{}\n", self.key).into_bytes();
        bytes.extend(checksum(self.key.as_bytes(), &self.data).to_le_bytes());
        bytes.extend_from_slice(&self.data);
        bytes
    }

    /// Reads what [`Compiled::to_bytes`] wrote; `None` for anything else, such as a file that was cut
    /// off, overwritten or written by another version.
    ///
    /// # Safety
    /// The bytes were written by [`Compiled::to_bytes`], though they may have been damaged since: a
    /// driver trusts them, and a checksum finds accidents but not malice. Keep them where only those
    /// can write who may replace the program itself.
    pub unsafe fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(FIRST_WORDS.as_bytes())?;
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let key = std::str::from_utf8(&rest[..end]).ok()?;
        let (sum, data) = rest[end + 1..].split_first_chunk::<SUM>()?;
        let right = u64::from_le_bytes(*sum) == checksum(key.as_bytes(), data);
        right.then(|| Self { key: key.to_owned(), data: data.to_vec() })
    }
}

/// FNV-1a of 64 bits: wgpu checks its header but not the data behind it.
fn checksum(key: &[u8], data: &[u8]) -> u64 {
    key.iter()
        .chain(data)
        .fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A pipeline cache of this device with what was kept, or an empty one.
fn restore(device: &wgpu::Device, kept: &Compiled) -> Option<wgpu::PipelineCache> {
    if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
        return None;
    }
    let key = wgpu::util::pipeline_cache_key(&device.adapter_info())?;
    let data = (kept.key == key && !kept.data.is_empty()).then_some(&kept.data[..]);
    let make = |data| {
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let descriptor =
            wgpu::PipelineCacheDescriptor { label: Some("wgpu_softmax::cache"), data, fallback: true };
        // SAFETY: the data came from `PipelineCache::get_data` on an adapter of the same key: only
        // `Ops::compiled` makes such a value, or `Compiled::from_bytes`, whose caller vouches for it.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        pollster::block_on(scope.pop()).is_none().then_some(cache)
    };
    make(data).or_else(|| make(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<Compiled> {
        // SAFETY: no driver sees them.
        unsafe { Compiled::from_bytes(bytes) }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let kept = Compiled { key: "vulkan_1_2".into(), data: (0..=255).collect() };
        let bytes = kept.to_bytes();
        assert_eq!(read(&bytes), Some(kept));
        assert!(bytes.starts_with(b"wgpu-softmax "));
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), None, "cut off at {end}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert_eq!(read(&damaged), None, "damaged at {at}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert_eq!(read(&longer), None);
        assert_eq!(read(b"a foreign file\n with more than eight bytes"), None);
        assert_eq!(read(&[0xff; 4096]), None);
        assert_eq!(read(&Compiled::new().to_bytes()), Some(Compiled::new()));
    }
}
