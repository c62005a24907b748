//! NumPy's file format: f32 arrays in and out.
//!
//! Headers are parsed and written by the crate `npyz`; the data is mapped, which that cannot do.

mod data;
mod guard;
mod header;
mod order;

pub use data::{Array, Source, zeros};
pub use header::{elements, header_bytes, shape_text};
