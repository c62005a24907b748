//! Softmax on a caller's `wgpu` device: nothing here submits, waits or reads back.

pub mod adapter;
mod clock;
pub(crate) mod device;
pub(crate) mod landing;
mod ops;
pub(crate) mod plan;
pub mod planner;
pub mod profile;
pub mod source;
pub(crate) mod transfer;
mod window;

pub use clock::Clock;
pub use ops::{DTypes, Ops, Options, Prepared};
pub use plan::{Plan, SoftmaxArgs, TensorMut, TensorRef};
pub use planner::Kernel;
pub use profile::Profile;
