//! Softmax on a caller's `wgpu` device: nothing here submits, waits or reads back.

pub mod adapter;
mod args;
mod clock;
mod compiled;
pub(crate) mod device;
pub(crate) mod landing;
mod levels;
mod ops;
mod options;
mod parts;
mod pipelines;
pub(crate) mod plan;
pub mod planner;
mod prepared;
pub mod profile;
mod reach;
mod scopes;
mod side;
pub(crate) mod small;
pub mod source;
mod table;
mod tensor;
mod terms;
pub(crate) mod transfer;
mod walk;
mod window;

pub use args::{SoftmaxArgs, TensorMut, TensorRef};
pub use clock::Clock;
pub use compiled::{Cache, Compiled};
pub use ops::Ops;
pub use options::{DTypes, Options};
pub use plan::Plan;
pub use planner::Kernel;
pub use prepared::Prepared;
pub use profile::Profile;
pub use source::Rounding;
pub use terms::Terms;

#[cfg(test)]
#[path = "../../tests/common/named.rs"]
mod named;
#[cfg(test)]
use adapter::{AdapterEntry, adapters};
