//! NumPy's file format: f32 arrays in and out.
//!
//! Headers are parsed and written by the crate `npyz`; the data is read by place, in parallel, which
//! that cannot do.

mod data;
mod elements;
mod guard;
mod header;
mod order;

pub use data::Source;
pub use elements::Elements;
pub use header::{elements, header_bytes, shape_text};
