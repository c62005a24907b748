//! Arrays in files: NumPy's .npy and .npz, and .safetensors.
//!
//! Headers are parsed by the crates `npyz`, `zip` and `safetensors`, and are looked at before that and
//! after; the data is read by place, in parallel, which those cannot do.

mod checksum;
mod convert;
mod elements;
mod found;
mod guard;
mod header;
mod kind;
mod name;
mod npz;
pub mod order;
pub mod others;
mod safetensors;
mod source;

pub use convert::{narrow, swap};
pub use elements::Elements;
pub use header::{header_bytes, not_handled, shape_text, short};
pub use kind::Kind;
pub use name::{Container, Name, check_output};
pub use safetensors::METADATA;
pub use source::Source;
