//! The twins of a context's calls for callers without an executor.

use crate::context::{Context, Timing};
use crate::gpu::device::block_on;
use crate::{Element, Error, Masking, Op, Shape, Softmax};

impl Context {
    /// [`Context::run_into`] for callers without an executor: blocks this thread.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub fn run_into_blocking(
        &self,
        op: impl Into<Op>,
        x: &[f32],
        shape: Shape,
        out: &mut [f32],
    ) -> Result<Timing, Error> {
        block_on(self.run_into(op, x, shape, out))
    }

    /// [`Context::run_in_place`] for callers without an executor: blocks this thread.
    ///
    /// # Errors
    /// Those of [`Context::run_in_place`].
    pub fn run_in_place_blocking(
        &self,
        op: impl Into<Op>,
        data: &mut [f32],
        shape: Shape,
    ) -> Result<Timing, Error> {
        block_on(self.run_in_place(op, data, shape))
    }

    /// [`Context::run_tensor`] for callers without an executor: blocks this thread.
    ///
    /// # Errors
    /// Those of [`Context::run_tensor`].
    pub fn run_tensor_blocking<X: Element, Y: Element>(
        &self,
        op: impl Into<Op>,
        x: &[X],
        shape: Shape,
        masking: &Masking<'_>,
        out: &mut [Y],
    ) -> Result<Timing, Error> {
        block_on(self.run_tensor(op, x, shape, masking, out))
    }

    /// [`Context::run_tensor_in_place`] for callers without an executor: blocks this thread.
    ///
    /// # Errors
    /// Those of [`Context::run_tensor_in_place`].
    pub fn run_tensor_in_place_blocking<X: Element>(
        &self,
        op: impl Into<Op>,
        data: &mut [X],
        shape: Shape,
        masking: &Masking<'_>,
    ) -> Result<Timing, Error> {
        block_on(self.run_tensor_in_place(op, data, shape, masking))
    }

    /// [`Context::run_ragged`] for callers without an executor: blocks this thread.
    ///
    /// # Errors
    /// Those of [`Context::run_ragged`].
    pub fn run_ragged_blocking<X: Element, Y: Element>(
        &self,
        op: impl Into<Op>,
        x: &[X],
        offsets: &[u64],
        masking: &Masking<'_>,
        out: &mut [Y],
    ) -> Result<Timing, Error> {
        block_on(self.run_ragged(op, x, offsets, masking, out))
    }

    /// [`Context::run`] for callers without an executor: blocks this thread.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub fn run_blocking(&self, op: impl Into<Op>, x: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        block_on(self.run(op, x, shape))
    }

    /// [`Context::softmax`] for callers without an executor: blocks this thread.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub fn softmax_blocking(&self, x: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        self.run_blocking(Softmax::new(), x, shape)
    }
}
