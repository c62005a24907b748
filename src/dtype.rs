//! Types of elements.

use crate::cpu::half;

pub use ::half::{bf16, f16};

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
    pub trait Sealed: bytemuck::Pod + Send + Sync {
        /// As the f32 it is computed as.
        fn widen(self) -> f32;
        /// The element nearest to a result.
        fn narrow(y: f32) -> Self;
        /// As an f64, exactly.
        fn to_double(self) -> f64;
        /// The element nearest to a result of f64.
        fn of_double(y: f64) -> Self;
    }
}

/// A type of element that the CPU computes with: `f32`, [`f16`], [`bf16`] and `f64`. Halves are
/// computed in f32 and rounded to the nearest, ties to even; f64 is computed in f64.
pub trait Element: sealed::Sealed {
    /// Its type.
    const DTYPE: DType;
}

macro_rules! element {
    ($type:ty, $dtype:ident, $widen:expr, $narrow:expr, $to_double:expr, $of_double:expr) => {
        impl sealed::Sealed for $type {
            #[inline(always)]
            fn widen(self) -> f32 {
                $widen(self)
            }
            #[inline(always)]
            fn narrow(y: f32) -> Self {
                $narrow(y)
            }
            #[inline(always)]
            fn to_double(self) -> f64 {
                $to_double(self)
            }
            #[inline(always)]
            fn of_double(y: f64) -> Self {
                $of_double(y)
            }
        }
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
        }
    };
}

element!(f32, F32, |x| x, |y| y, f64::from, |y| y as f32);
element!(f64, F64, |x| x as f32, f64::from, |x| x, |y| y);
element!(
    f16,
    F16,
    |x: f16| half::from_f16(x.to_bits()),
    |y| f16::from_bits(half::to_f16(y)),
    |x: f16| f64::from(half::from_f16(x.to_bits())),
    f16::from_f64
);
element!(
    bf16,
    BF16,
    |x: bf16| half::from_bf16(x.to_bits()),
    |y| bf16::from_bits(half::to_bf16(y)),
    |x: bf16| f64::from(half::from_bf16(x.to_bits())),
    bf16::from_f64
);

/// A slice of elements as a slice of a known type.
pub(crate) fn values<E: Element>(x: &[E]) -> Values<'_> {
    match E::DTYPE {
        DType::F32 => Values::F32(bytemuck::cast_slice(x)),
        DType::F16 => Values::F16(bytemuck::cast_slice(x)),
        DType::BF16 => Values::BF16(bytemuck::cast_slice(x)),
        DType::F64 => Values::F64(bytemuck::cast_slice(x)),
    }
}
