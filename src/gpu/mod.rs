//! Softmax on a caller's `wgpu` device: nothing here submits, waits or reads back.

pub mod adapter;
mod clock;
mod compiled;
pub(crate) mod device;
mod ops;
mod plan;
pub mod planner;
mod signal;
pub(crate) mod small;
pub mod source;
mod table;
pub(crate) mod transfer;
mod window;

pub use compiled::{Cache, Compiled};
pub use ops::{DTypes, Ops, Options, Prepared};
pub use plan::{Plan, SoftmaxArgs, TensorMut, TensorRef};
pub use planner::Kernel;
