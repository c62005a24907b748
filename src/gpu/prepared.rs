//! An operation that is ready for buffers.

use super::ops::Ops;
use super::plan::{Plan, SoftmaxArgs};
use super::planner::{Choice, Kernel};
use crate::{Error, Op, Shape};

/// An operation with its shape, planned and compiled; buffers come with [`Prepared::bind`].
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) ops: Ops,
    pub(super) op: Op,
    pub(super) shape: Shape,
    pub(super) choice: Option<Choice>,
}

impl Prepared {
    /// The operation.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The kernel for buffers that start on 16 bytes; `None` where there is nothing to compute.
    pub fn kernel(&self) -> Option<Kernel> {
        self.choice.map(|choice| choice.kernel)
    }

    /// Bytes of the result.
    pub fn output_bytes(&self) -> u64 {
        self.op.kind.output_words(self.shape).map_or(0, |words| words * 4)
    }

    /// Binds buffers. All errors end here: what it returns can only be recorded.
    ///
    /// # Errors
    /// [`Error::Length`] for buffers that are too small, [`Error::Binding`] for a missing usage flag,
    /// an offset that is no multiple of 4 or operands that overlap, [`Error::Limit`] for a row beyond
    /// what the device can bind, [`Error::Kernel`] and [`Error::Device`] as for [`Ops::prepare`].
    pub fn bind(&self, args: SoftmaxArgs<'_>) -> Result<Plan, Error> {
        Plan::new(self, args)
    }
}
