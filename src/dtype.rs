//! Types of elements.

pub use half::{bf16, f16};

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// IEEE binary32.
    #[default]
    F32,
    /// IEEE binary16. Its subnormals are kept.
    F16,
    /// The upper half of an f32.
    BF16,
    /// IEEE binary64, on the CPU only.
    F64,
}

impl DType {
    /// Every type.
    pub const ALL: [DType; 4] = [DType::F32, DType::F16, DType::BF16, DType::F64];

    /// Bytes of one element.
    pub fn bytes(self) -> u64 {
        match self {
            DType::F32 => 4,
            DType::F16 | DType::BF16 => 2,
            DType::F64 => 8,
        }
    }

    /// The name that reports and errors use.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F64 => "f64",
        }
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Elements as the layers below see them: one slice of a known type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Values<'a> {
    F32(&'a [f32]),
    F16(&'a [u16]),
    BF16(&'a [u16]),
    F64(&'a [f64]),
}

impl Values<'_> {
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Values::F32(_) => DType::F32,
            Values::F16(_) => DType::F16,
            Values::BF16(_) => DType::BF16,
            Values::F64(_) => DType::F64,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Values::F32(x) => x.len(),
            Values::F16(x) | Values::BF16(x) => x.len(),
            Values::F64(x) => x.len(),
        }
    }
}

pub(crate) mod sealed {
    /// What an [`super::Element`] can do inside.
    pub trait Sealed: bytemuck::Pod + Send + Sync {}
}

/// A type of element that the CPU computes with: `f32`, [`f16`], [`bf16`] and `f64`. Halves are
/// computed in f32 and rounded to the nearest, ties to even; f64 is computed in f64.
pub trait Element: sealed::Sealed {
    /// Its type.
    const DTYPE: DType;
}

macro_rules! element {
    ($($type:ty = $dtype:ident),*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
        }
    )*};
}

element!(f32 = F32, f16 = F16, bf16 = BF16, f64 = F64);

/// A slice of elements as a slice of a known type.
pub(crate) fn values<E: Element>(x: &[E]) -> Values<'_> {
    match E::DTYPE {
        DType::F32 => Values::F32(bytemuck::cast_slice(x)),
        DType::F16 => Values::F16(bytemuck::cast_slice(x)),
        DType::BF16 => Values::BF16(bytemuck::cast_slice(x)),
        DType::F64 => Values::F64(bytemuck::cast_slice(x)),
    }
}
