//! How much memory there is, and how much of it a ring of buffers takes.

use wgpu_softmax::stream::free_memory;

use super::Refusal;

/// The last-level cache where the system does not tell.
const USUAL_CACHE: u64 = 32 << 20;
/// Larger than any GPU's cache today (256 MiB) with room to spare.
const GPU_RING: u64 = 1 << 29;
/// Sizes of the last-level cache that a ring is larger than.
const RING_CACHES: u64 = 3;

/// Bytes of this machine's last-level cache, as far as the system tells.
pub fn last_level_cache() -> u64 {
    let sizes = (0..8).filter_map(|index| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
        kibibytes(std::fs::read_to_string(path).ok()?.trim().strip_suffix('K')?)
    });
    sizes.max().unwrap_or(USUAL_CACHE)
}

fn kibibytes(text: &str) -> Option<u64> {
    Some(text.parse::<u64>().ok()? << 10)
}

/// Bytes that the inputs and results of a ring should have together: more than any cache, and no more
/// than an eighth of the memory there is.
pub fn ring_bytes(on_hardware_gpu: bool) -> u64 {
    let wanted = if on_hardware_gpu { GPU_RING } else { RING_CACHES * last_level_cache() };
    wanted.min(free_memory().map_or(u64::MAX, |bytes| bytes / 8))
}

/// An empty vector with room for so many elements.
///
/// # Errors
/// [`Refusal::Memory`] where it cannot be had.
pub fn room<T>(count: usize) -> Result<Vec<T>, Refusal> {
    let mut room = Vec::new();
    room.try_reserve_exact(count).map_err(|_| {
        let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
        Refusal::Memory(format!("{} of memory cannot be had", crate::terminal::bytes(bytes)))
    })?;
    Ok(room)
}

/// So many elements alike.
///
/// # Errors
/// [`Refusal::Memory`] where they cannot be had.
pub fn filled<T: Clone>(count: usize, value: T) -> Result<Vec<T>, Refusal> {
    let mut filled = room(count)?;
    filled.resize(count, value);
    Ok(filled)
}

/// The same elements in a place of their own.
///
/// # Errors
/// [`Refusal::Memory`] where it cannot be had.
pub fn copied<T: Copy>(from: &[T]) -> Result<Vec<T>, Refusal> {
    let mut copy = room(from.len())?;
    copy.extend_from_slice(from);
    Ok(copy)
}

/// How many pairs of that many bytes make a ring.
pub fn ring_slots(pair_bytes: u64, ring_bytes: u64) -> usize {
    /// More are not filled and bound for a batch of a few elements.
    const MOST: u64 = 256;
    ring_bytes.div_ceil(pair_bytes.max(1)).clamp(1, MOST) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_has_one_pair_at_least() {
        assert_eq!(ring_slots(1 << 30, 1 << 20), 1);
        assert_eq!(ring_slots(1 << 20, 1 << 22), 4);
        assert_eq!(ring_slots(8, 1 << 22), 256);
    }

    #[test]
    fn memory_that_cannot_be_had_is_refused() {
        assert_eq!(filled(3, 7u8).unwrap(), [7; 3]);
        let said = |refused: Result<Vec<f32>, Refusal>| refused.unwrap_err().to_string();
        assert!(said(filled(1 << 60, 0.0)).starts_with("4.61 EB of memory cannot be had; give fewer"));
        assert!(said(room(usize::MAX)).contains("cannot be had"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_its_memory() {
        assert!(free_memory().unwrap() > 1 << 20);
        assert!(last_level_cache() >= 1 << 15);
    }
}
