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
        /// The element nearest to a result.
        fn narrow(y: f32) -> Self;
        /// As an f64, exactly.
        fn to_double(self) -> f64;
        /// The element nearest to a result of f64.
        fn of_double(y: f64) -> Self;
    }
}

/// A type of element that the CPU computes with: `f32`, [`struct@f16`], [`bf16`] and `f64`. Halves are
/// computed in f32 and rounded to the nearest, ties to even; f64 is computed in f64.
pub trait Element: sealed::Sealed {
    /// Its type.
    const DTYPE: DType;
}

macro_rules! element {
    ($type:ty, $dtype:ident, $narrow:expr, $to_double:expr, $of_double:expr) => {
        impl sealed::Sealed for $type {
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

element!(f32, F32, |y| y, f64::from, |y| settled(y) as f32);
element!(f64, F64, f64::from, |x| x, |y| y);
element!(
    f16,
    F16,
    |y| f16::from_bits(half::to_f16(y)),
    |x: f16| f64::from(half::from_f16(x.to_bits())),
    |y| f16::from_bits(half::to_f16(to_odd(settled(y))))
);
element!(
    bf16,
    BF16,
    |y| bf16::from_bits(half::to_bf16(y)),
    |x: bf16| f64::from(half::from_bf16(x.to_bits())),
    |y| bf16::from_bits(half::to_bf16(to_odd(settled(y))))
);

/// A result of f64 on its way to a narrower type: below 2^-126 it is +0, as results of f32 are, and by
/// integers, so that no mode of the processor matters.
fn settled(y: f64) -> f64 {
    const LEAST: u64 = (1023 - 126) << 52;
    if y.to_bits() & (u64::MAX >> 1) < LEAST { 0.0 } else { y }
}

/// The f32 next to a result, the odd one of two where neither is it: rounded again to half its bits or
/// fewer, it gives what the result itself would.
fn to_odd(y: f64) -> f32 {
    let near = y as f32;
    if f64::from(near) == y || near.is_nan() || near.to_bits() & 1 != 0 {
        return near;
    }
    let beyond = f64::from(near).abs() > y.abs();
    f32::from_bits(if beyond { near.to_bits() - 1 } else { near.to_bits() + 1 })
}

/// A slice of elements as a slice of a known type.
pub(crate) fn values<E: Element>(x: &[E]) -> Values<'_> {
    match E::DTYPE {
        DType::F32 => Values::F32(bytemuck::cast_slice(x)),
        DType::F16 => Values::F16(bytemuck::cast_slice(x)),
        DType::BF16 => Values::BF16(bytemuck::cast_slice(x)),
        DType::F64 => Values::F64(bytemuck::cast_slice(x)),
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Sealed;
    use super::*;

    #[test]
    fn results_of_f64_are_rounded_once() {
        let just_above = |power: i32| 1.0 + 2f64.powi(power) + 2f64.powi(-40);
        assert_eq!(f16::of_double(just_above(-11)).to_bits(), 0x3c01);
        assert_eq!(f16::of_double(1.0 + 2f64.powi(-11)).to_bits(), 0x3c00);
        assert_eq!(bf16::of_double(just_above(-8)).to_bits(), 0x3f81);
        assert_eq!(bf16::of_double(1.0 + 2f64.powi(-8)).to_bits(), 0x3f80);
        assert_eq!(f16::of_double(-1e300).to_bits(), 0xfc00);
        assert_eq!(bf16::of_double(f64::INFINITY).to_bits(), 0x7f80);
        assert!(f16::of_double(f64::NAN).is_nan() && f32::of_double(f64::NAN).is_nan());
    }

    #[test]
    fn what_is_subnormal_in_f32_is_zero() {
        assert_eq!(f32::of_double((-95f64).exp()).to_bits(), 0);
        assert_eq!(bf16::of_double(-(-90f64).exp()).to_bits(), 0);
        assert_eq!(f32::of_double(f64::from(f32::MIN_POSITIVE)), f32::MIN_POSITIVE);
    }
}
