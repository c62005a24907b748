#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! | you have | take |
//! |---|---|
//! | slices on the host | [`Context`] |
//! | files, readers, more rows than memory holds, several devices | [`stream::Stream`] |
//! | buffers on a wgpu device | [`gpu::Ops`], [`gpu::Plan`] |
//! | no GPU, or no wish for one | [`cpu`] |
//! | other axes, halves or f64, masks, ragged rows | [`cpu::run_tensor`], [`Context::run_tensor`], [`Masking`] |
//! | a row cut over devices or machines | [`cpu::row_max`], [`cpu::row_sum`], [`cpu::finish`] |
//!
//! A [`Shape`] says which elements form a row. A row with a NaN or +inf is NaN; -inf
//! among other elements has probability 0; a row of nothing but -inf is NaN unless [`EmptyRow::Zero`] is
//! asked for; subnormal elements count as 0 and subnormal results are +0.
#![deny(missing_docs)]

#[cfg(feature = "ndarray")]
mod array;
mod blocking;
pub mod break_even;
mod context;
pub mod cpu;
mod dtype;
mod error;
pub mod gpu;
mod masking;
mod named;
pub mod numerics;
mod op;
mod shape;
mod stats;
pub mod stream;
mod tensor;
pub mod verify;
mod web;

/// The recipes of the documentation run as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/shards.md")]
struct Shards;

/// The same for tensors.
#[cfg(doctest)]
#[doc = include_str!("../docs/tensors.md")]
struct Tensors;

pub use context::{Context, Timing};
pub use dtype::{DType, Element, bf16, f16};
pub use error::Error;
pub use gpu::adapter::DeviceChoice;
pub use masking::{Masking, Window, alibi_slopes};
pub use numerics::NUMERICS_VERSION;
pub use op::{EmptyRow, LogSoftmax, LogSumExp, Op, OpKind, Precision, RowStatistics, Softmax, Softmin};
pub use shape::{MAX_AXES, Shape};
pub use stats::{RowMax, RowStats, RowSum};
pub use wgpu;
