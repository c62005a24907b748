//! Memory for elements of any type.

use bytemuck::Pod;

use crate::terminal::bytes;

/// Bytes that may be taken for elements of any type: they begin where every one may.
#[derive(Clone, Debug, Default)]
pub struct Room {
    words: Vec<u64>,
    bytes: usize,
}

impl Room {
    /// So many bytes, all of them 0; an error says that they cannot be had.
    pub fn new(bytes_wanted: u64) -> Result<Self, String> {
        let cannot =
            || format!("{} of memory cannot be had; split the array into smaller files", bytes(bytes_wanted));
        let length = usize::try_from(bytes_wanted).map_err(|_| cannot())?;
        let words = bytemuck::try_zeroed_vec(length.div_ceil(8)).map_err(|()| cannot())?;
        Ok(Self { words, bytes: length })
    }

    /// Takes the first bytes alone.
    pub fn shorten(&mut self, bytes: usize) {
        self.bytes = bytes.min(8 * self.words.len());
    }

    /// All of them.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.bytes]
    }

    /// All of them, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.bytes]
    }

    /// The same as elements; whole ones, as all of ours are.
    pub fn of<T: Pod>(&self) -> &[T] {
        bytemuck::cast_slice(self.bytes())
    }

    /// The same as elements, to be written.
    pub fn of_mut<T: Pod>(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(self.bytes_mut())
    }
}
