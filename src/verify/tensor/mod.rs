//! The battery of tensors: axes, element types and masks. What each case must give is computed from
//! its logits, one element after the other, by nothing but the stages.
//!
//! ```
//! use wgpu_softmax::verify::{Thoroughness, tensor};
//!
//! let case = &tensor::tensor_cases(Thoroughness::Quick)[0];
//! let expected = tensor::expected_tensor(case);
//! assert!(tensor::first_tensor_difference(case, &expected, &expected).is_none());
//! ```

mod beside;
mod cases;
mod chance;
mod device;
mod expected;
mod runner;
mod side;

pub use cases::tensor_cases;
pub use chance::tensor_by_chance;
pub use device::{tensor_on_cpu, tensor_on_device, tensor_on_device_async};
pub use expected::{expected_tensor, first_tensor_difference};
pub use runner::{TensorRunner, tensor_by};

use crate::dtype::{bf16, f16};
use crate::{DType, Error, Masking, Op, Shape, Window};

/// Elements of one of the types.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Elements {
    F32(Vec<f32>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    F64(Vec<f64>),
}

impl Elements {
    /// Numbers rounded to a type.
    pub fn of(dtype: DType, x: &[f32]) -> Self {
        match dtype {
            DType::F32 => Self::F32(x.to_vec()),
            DType::F16 => Self::F16(x.iter().map(|&x| f16::from_f32(x)).collect()),
            DType::BF16 => Self::BF16(x.iter().map(|&x| bf16::from_f32(x)).collect()),
            DType::F64 => Self::F64(x.iter().map(|&x| f64::from(x)).collect()),
        }
    }

    /// Their type.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F16(_) => DType::F16,
            Self::BF16(_) => DType::BF16,
            Self::F64(_) => DType::F64,
        }
    }

    /// Their bytes, as they lie in memory.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::F32(x) => bytemuck::cast_slice(x),
            Self::F16(x) => bytemuck::cast_slice(x),
            Self::BF16(x) => bytemuck::cast_slice(x),
            Self::F64(x) => bytemuck::cast_slice(x),
        }
    }

    /// One of them as f32.
    pub fn get(&self, index: usize) -> f32 {
        match self {
            Self::F32(x) => x[index],
            Self::F16(x) => x[index].to_f32(),
            Self::BF16(x) => x[index].to_f32(),
            Self::F64(x) => x[index] as f32,
        }
    }
}

/// An array that broadcasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside<T> {
    /// Its elements.
    pub data: T,
    /// Its axes.
    pub dims: Vec<usize>,
}

/// A [`Masking`] that owns its arrays.
#[derive(Clone, Debug, Default)]
pub struct OwnedMasking {
    /// Which elements take part.
    pub mask: Option<Beside<Vec<bool>>>,
    /// Whether the mask is given in bits.
    pub in_bits: bool,
    /// What is added.
    pub bias: Option<Beside<Elements>>,
    /// Columns by their distance.
    pub window: Option<Window>,
    /// Valid elements of each row.
    pub lengths: Option<Beside<Vec<u32>>>,
    /// One more logit for each row.
    pub sinks: Option<Beside<Vec<f32>>>,
    /// A factor for each row.
    pub row_scale: Option<Beside<Vec<f32>>>,
    /// ALiBi's slopes.
    pub alibi: Option<Vec<f32>>,
}

impl OwnedMasking {
    /// The mask's bytes as they are given: 0 and 1, or bits.
    pub fn mask_bytes(&self) -> Vec<u8> {
        let Some(mask) = &self.mask else { return Vec::new() };
        if !self.in_bits {
            return mask.data.iter().map(|&part| u8::from(part)).collect();
        }
        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        mask.data.chunks(8).map(byte).collect()
    }

    /// The same as the layers take it; `mask` are its bytes.
    pub fn borrow<'a>(&'a self, mask: &'a [u8]) -> Masking<'a> {
        let mut masking = Masking::new();
        if let Some(given) = &self.mask {
            masking = match self.in_bits {
                true => masking.mask_bits(mask, &given.dims),
                false => masking.mask_bytes(mask, &given.dims),
            };
        }
        if let Some(bias) = &self.bias {
            masking = match &bias.data {
                Elements::F32(data) => masking.bias(data, &bias.dims),
                Elements::F16(data) => masking.bias(data, &bias.dims),
                Elements::BF16(data) => masking.bias(data, &bias.dims),
                Elements::F64(data) => masking.bias(data, &bias.dims),
            };
        }
        if let Some(window) = self.window {
            masking = masking.window(window);
        }
        if let Some(lengths) = &self.lengths {
            masking = masking.lengths(&lengths.data, &lengths.dims);
        }
        if let Some(sinks) = &self.sinks {
            masking = masking.sinks(&sinks.data, &sinks.dims);
        }
        if let Some(scale) = &self.row_scale {
            masking = masking.row_scale(&scale.data, &scale.dims);
        }
        if let Some(slopes) = &self.alibi {
            masking = masking.alibi(slopes);
        }
        masking
    }
}

/// One tensor with the operation to be computed on it.
#[derive(Clone, Debug)]
pub struct TensorCase {
    /// The property that the case holds.
    pub name: String,
    /// The operation.
    pub op: Op,
    /// The array's axes.
    pub dims: Vec<usize>,
    /// Those that rows run along.
    pub axes: Vec<isize>,
    /// The array.
    pub data: Elements,
    /// The type of the results.
    pub output: DType,
    /// What stands beside it.
    pub masking: OwnedMasking,
}

impl TensorCase {
    /// Its shape.
    ///
    /// # Errors
    /// None, for the cases of the battery.
    pub fn shape(&self) -> Result<Shape, Error> {
        Shape::along(&self.dims, &self.axes)
    }
}
