//! What the elements of an array in a file are.

use wgpu_softmax::DType;

/// A type of elements. The command computes with the floating ones; masks and lengths may be of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A byte that is 0 or 1.
    Bool,
    /// A signed integer of so many bytes.
    Int(u8),
    /// An unsigned integer of so many bytes.
    Uint(u8),
    /// What is computed with.
    Float(DType),
}

impl Kind {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Kind::Bool => 1,
            Kind::Int(bytes) | Kind::Uint(bytes) => bytes.into(),
            Kind::Float(dtype) => dtype.bytes() as usize,
        }
    }

    /// The type that is computed with, if it is one.
    pub fn float(self) -> Option<DType> {
        if let Kind::Float(dtype) = self { Some(dtype) } else { None }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Bool => f.write_str("bool"),
            Kind::Int(bytes) => write!(f, "i{}", 8 * bytes),
            Kind::Uint(bytes) => write!(f, "u{}", 8 * bytes),
            Kind::Float(dtype) => write!(f, "{dtype}"),
        }
    }
}
