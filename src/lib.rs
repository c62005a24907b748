//! Softmax and its family.
#![deny(missing_docs)]

#[cfg(feature = "ndarray")]
mod array;
mod context;
pub mod cpu;
mod error;
pub mod gpu;
pub mod numerics;
mod op;
mod shape;
mod stats;
pub mod verify;

pub use context::{Context, Timing};
pub use error::Error;
pub use gpu::adapter::DeviceChoice;
pub use numerics::NUMERICS_VERSION;
pub use op::{EmptyRow, LogSoftmax, LogSumExp, Op, OpKind, Precision, RowStatistics, Softmax, Softmin};
pub use shape::Shape;
pub use stats::{RowMax, RowStats, RowSum};
pub use wgpu;
