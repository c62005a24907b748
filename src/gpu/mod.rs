//! Softmax on a caller's `wgpu` device: nothing here submits, waits or reads back.

pub mod adapter;
mod clock;
mod compiled;
pub(crate) mod device;
pub(crate) mod landing;
mod ops;
pub(crate) mod plan;
pub mod planner;
mod prepared;
pub mod profile;
mod side;
pub(crate) mod small;
pub mod source;
pub(crate) mod transfer;
mod window;

pub use clock::Clock;
pub use compiled::{Cache, Compiled};
pub use ops::{DTypes, Ops, Options};
pub use plan::{Plan, SoftmaxArgs, TensorMut, TensorRef};
pub use planner::Kernel;
pub use prepared::Prepared;
pub use profile::Profile;

#[cfg(test)]
#[path = "../../tests/common/named.rs"]
mod named;
#[cfg(test)]
use adapter::{AdapterEntry, adapters};
