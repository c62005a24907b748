//! An operation that is ready for buffers.

use std::sync::Arc;

use super::args::SoftmaxArgs;
use super::ops::Ops;
use super::options::DTypes;
use super::plan::Plan;
use super::planner::{Choice, Kernel};
use super::scopes::caught;
use super::tensor::Tensor;
use super::walk;
use crate::error::one_line;
use crate::{Error, Op, Shape};

/// An operation with its shape, planned and compiled; buffers come with [`Prepared::bind`].
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) ops: Ops,
    pub(super) op: Op,
    pub(super) shape: Shape,
    pub(super) types: DTypes,
    pub(super) choice: Option<Choice>,
    /// `None` for f32 rows that lie one after the other, with nothing beside them.
    pub(super) tensor: Option<Arc<Tensor>>,
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

    /// The types of elements and results.
    pub fn types(&self) -> DTypes {
        self.types
    }

    /// Bytes of the result in whole words, as [`Prepared::bind`] wants them: a multiple of 4. Of ragged rows with
    /// results for each element, those of rows that are all as long as they may be; `u64::MAX` where there are
    /// more than can be counted.
    pub fn output_bytes(&self) -> u64 {
        let bytes = |words: u64| words.checked_mul(self.types.output.bytes())?.checked_next_multiple_of(4);
        self.op.kind.output_words(self.shape).ok().and_then(bytes).unwrap_or(u64::MAX)
    }

    /// Binds buffers. All errors end here: what it returns can only be recorded.
    ///
    /// # Errors
    /// [`Error::Length`] for buffers that are too small, [`Error::Binding`] for a missing or unforeseen
    /// operand, a missing usage flag, an offset that is no multiple of 4, operands that overlap or a buffer
    /// that is invalid, destroyed or another device's,
    /// [`Error::NotInPlace`] and [`Error::DType`] for results that cannot overwrite the elements,
    /// [`Error::Limit`] for a row, or more operands, than the device can bind, [`Error::Kernel`] and
    /// [`Error::Device`] as for [`Ops::prepare`].
    pub fn bind(&self, args: SoftmaxArgs<'_>) -> Result<Plan, Error> {
        let (bound, said) = caught(&self.ops.shared.device, || match &self.tensor {
            Some(tensor) => walk::bind(self, tensor, &args),
            None => Plan::plain(self, args),
        });
        match (said, bound) {
            (None, bound) => bound,
            // What is ours was valid: a buffer of the caller's is not.
            (Some(error @ wgpu::Error::Validation { .. }), Ok(_)) => {
                let why = format!(
                    "wgpu cannot bind one of them: {}; pass valid buffers of this device that are not destroyed",
                    one_line(error)
                );
                Err(Error::Binding { operand: "buffers", why })
            }
            (Some(error), _) => Err(Error::device(error)),
        }
    }
}
