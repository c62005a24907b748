//! NumPy's file format: f32 arrays in and out.

mod data;
mod header;
mod literal;
mod order;

pub use data::{Array, Source, zeros};
pub use header::{elements, header_bytes, shape_text};
