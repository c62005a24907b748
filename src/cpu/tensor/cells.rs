//! An array that threads read and write in disjoint places: rows along an axis other than the last
//! cannot be cut into slices.

use std::marker::PhantomData;

/// A slice without its length's promise that nobody else uses it.
pub(super) struct Cells<'a, T> {
    start: *mut T,
    len: usize,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a slice of elements that may be sent and shared; who may use which of them is said by
// those who call the unsafe functions below.
unsafe impl<T: Send + Sync> Send for Cells<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Cells<'_, T> {}

impl<T> Clone for Cells<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Cells<'_, T> {}

impl<'a, T> Cells<'a, T> {
    /// Elements that are only read: [`Cells::slice_mut`] must not be called.
    pub(super) fn read(x: &'a [T]) -> Self {
        Self { start: x.as_ptr().cast_mut(), len: x.len(), life: PhantomData }
    }

    /// Elements that are read and written.
    pub(super) fn write(y: &'a mut [T]) -> Self {
        Self { start: y.as_mut_ptr(), len: y.len(), life: PhantomData }
    }

    /// The address of an element, which may lie beyond the end.
    pub(super) fn address(&self, at: u64) -> usize {
        (self.start as usize).wrapping_add((at as usize).wrapping_mul(size_of::<T>()))
    }

    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether both are one array.
    pub(super) fn is_same<U>(&self, other: &Cells<'_, U>) -> bool {
        self.start.cast::<u8>() == other.start.cast()
    }

    /// So many elements from a place on.
    ///
    /// # Safety
    /// Nobody writes them while the slice lives.
    #[inline(always)]
    pub(super) unsafe fn slice(&self, at: u64, len: usize) -> &'a [T] {
        let at = self.place(at, len);
        // SAFETY: they lie in the array, and the caller sees to it that they are not written.
        unsafe { std::slice::from_raw_parts(self.start.add(at), len) }
    }

    /// So many elements from a place on, to write.
    ///
    /// # Safety
    /// The array was given to be written, and nobody else uses these elements while the slice lives.
    #[inline(always)]
    pub(super) unsafe fn slice_mut(&self, at: u64, len: usize) -> &'a mut [T] {
        let at = self.place(at, len);
        // SAFETY: they lie in the array, and the caller sees to it that nobody else uses them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }

    #[inline(always)]
    fn place(&self, at: u64, len: usize) -> usize {
        let at = at as usize;
        assert!(at <= self.len && len <= self.len - at, "{len} elements at {at} of {}", self.len);
        at
    }
}
