//! Copies on the host, by several threads where they are large.

use super::crew::apart;
use super::source::PARALLEL_BYTES;

/// Copies between slices of one length.
pub(crate) fn copy(from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    if size_of_val(from) < 2 * PARALLEL_BYTES {
        return to.copy_from_slice(from);
    }
    let mid = from.len() / 2;
    let ((from, from_rest), (to, to_rest)) = (from.split_at(mid), to.split_at_mut(mid));
    apart(|| rayon::join(|| copy(from, to), || copy(from_rest, to_rest)));
}

/// Copies into a mapped buffer, from byte `at` on, a multiple of 8.
///
/// # Errors
/// What wgpu says where the buffer is not mapped there.
pub(crate) fn copy_up(from: &[u8], to: &wgpu::Buffer, at: u64) -> Result<(), String> {
    // A browser's buffers belong to one thread.
    #[cfg(not(target_arch = "wasm32"))]
    if from.len() >= 2 * PARALLEL_BYTES {
        let mid = (from.len() / 2).next_multiple_of(64);
        let (from, rest) = from.split_at(mid);
        let halves = || rayon::join(|| copy_up(from, to, at), || copy_up(rest, to, at + mid as u64));
        let (first, second) = apart(halves);
        return first.and(second);
    }
    let range = at..at + from.len() as u64;
    let mut view = to.get_mapped_range_mut(range).map_err(|e| e.to_string())?;
    view.copy_from_slice(from);
    Ok(())
}
