//! The types of a case's elements, chosen in one place for all that compute it.

use super::{Elements, TensorCase};
use crate::dtype::{bf16, f16};
use crate::{DType, Element, Error, Masking, Op, Shape};

/// What computes tensors, whatever the types of their elements.
pub trait TensorRunner {
    /// Puts the results of `x` into `y`, which has room for just them.
    ///
    /// # Errors
    /// Those of what computes.
    fn run<X: Element, Y: Element>(
        &self,
        op: Op,
        x: &[X],
        shape: Shape,
        masking: &Masking,
        y: &mut [Y],
    ) -> Result<(), Error>;
}

/// What a runner makes of a case, as [`super::expected_tensor`] has it.
///
/// # Errors
/// Those of the runner.
pub fn tensor_by(runner: &impl TensorRunner, case: &TensorCase) -> Result<Vec<u32>, Error> {
    match &case.data {
        Elements::F32(x) => of_type(runner, case, x),
        Elements::F16(x) => of_type(runner, case, x),
        Elements::BF16(x) => of_type(runner, case, x),
        Elements::F64(x) => of_type(runner, case, x),
    }
}

fn of_type<X: Element>(runner: &impl TensorRunner, case: &TensorCase, x: &[X]) -> Result<Vec<u32>, Error> {
    match case.output {
        DType::F16 => into::<X, f16>(runner, case, x),
        DType::BF16 => into::<X, bf16>(runner, case, x),
        _ => into::<X, f32>(runner, case, x),
    }
}

fn into<X: Element, Y: Element>(
    runner: &impl TensorRunner,
    case: &TensorCase,
    x: &[X],
) -> Result<Vec<u32>, Error> {
    let mask = case.masking.mask_bytes();
    let shape = case.shape()?;
    let mut y = vec![Y::zeroed(); case.op.kind.output_words(shape)? as usize];
    runner.run(case.op, x, shape, &case.masking.borrow(&mask), &mut y)?;
    Ok(words(Y::DTYPE, bytemuck::cast_slice(&y)))
}

/// Results as words; those of 16 bits are in the lower half.
pub(super) fn words(dtype: DType, bytes: &[u8]) -> Vec<u32> {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    bytes.chunks_exact(dtype.bytes() as usize).map(word).collect()
}
