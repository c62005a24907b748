//! `ndarray` in and out, behind the feature of that name.

use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

use crate::context::results;
use crate::{Context, Element, Error, Masking, Op, RowStats, Shape};

impl Context {
    /// Computes an operation along the last axis of an array of any layout, into a new array in
    /// standard layout: of the same shape, or without the last axis for log-sum-exp, or with eight
    /// words in its place for row statistics. An array without axes is one element.
    ///
    /// # Errors
    /// Those of [`Context::run_into`], and [`Error::ShapeOverflow`].
    pub async fn run_array<D: Dimension>(
        &self,
        op: impl Into<Op>,
        x: &ArrayRef<f32, D>,
    ) -> Result<ArrayD<f32>, Error> {
        let op = op.into();
        let shape = Shape::last_axis(x.shape())?;
        let standard = x.as_standard_layout();
        let elements = standard.as_slice().expect("a standard layout is one slice");
        let out = self.run(op, elements, shape).await?;
        let mut dims = x.shape().to_vec();
        if !op.kind.is_elementwise() {
            dims.pop();
            if op.kind == crate::OpKind::RowStats {
                dims.push(RowStats::WORDS as usize);
            }
        }
        Ok(ArrayD::from_shape_vec(IxDyn(&dims), out).expect("one result per element or row"))
    }

    /// Computes an operation along some axes of an array of any layout and type, with what stands beside
    /// it ([`Context::run_tensor`]), into a new array in standard layout of the same shape, or of the axes
    /// that are kept for log-sum-exp. Negative axes count from the last.
    ///
    /// # Errors
    /// Those of [`Context::run_tensor`] and [`Shape::along`]; [`Error::DType`] for row statistics, which
    /// [`Context::run_array`] gives.
    pub async fn run_array_along<X: Element, Y: Element, D: Dimension>(
        &self,
        op: impl Into<Op>,
        x: &ArrayRef<X, D>,
        axes: &[isize],
        masking: &Masking<'_>,
    ) -> Result<ArrayD<Y>, Error> {
        let op = op.into();
        let shape = Shape::along(x.shape(), axes)?;
        if op.kind == crate::OpKind::RowStats {
            let why = "row statistics are words; take Context::run_array, or Context::run_tensor".into();
            return Err(Error::DType { operand: "output", dtype: Y::DTYPE, why });
        }
        let standard = x.as_standard_layout();
        let elements = standard.as_slice().expect("a standard layout is one slice");
        let mut out = results(op.kind.output_words(shape)?)?;
        self.run_tensor(op, elements, shape, masking, &mut out).await?;
        let rank = x.shape().len() as isize;
        let is_kept = |axis: usize| !axes.iter().any(|&a| a == axis as isize || a + rank == axis as isize);
        let dims: Vec<usize> = (0..x.shape().len())
            .filter(|&axis| op.kind.is_elementwise() || is_kept(axis))
            .map(|axis| x.shape()[axis])
            .collect();
        Ok(ArrayD::from_shape_vec(IxDyn(&dims), out).expect("one result per element or row"))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis, arr0, arr2};

    use crate::{Context, LogSumExp, Masking, Softmax, f16};

    #[test]
    fn any_layout_gives_the_rows_of_the_last_axis() {
        let context = Context::cpu("a test");
        let x = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| (i + 2 * j) as f32 - 0.3 * k as f32);
        let straight = pollster::block_on(context.run_array(Softmax::new(), &x)).unwrap();
        let mut turned = x.clone();
        turned.swap_axes(0, 1);
        let turned = pollster::block_on(context.run_array(Softmax::new(), &turned)).unwrap();
        let mut back = turned.clone();
        back.swap_axes(0, 1);
        assert_eq!(back, straight);
        let sums = pollster::block_on(context.run_array(LogSumExp::new(), &x)).unwrap();
        assert_eq!(sums.shape(), [2, 3]);
        assert!(straight.sum_axis(Axis(2)).iter().all(|sum| (sum - 1.0).abs() < 1e-6));
    }

    #[test]
    fn known_values_and_an_array_without_axes() {
        let context = Context::cpu("a test");
        let y = pollster::block_on(context.run_array(Softmax::new(), &arr2(&[[1000.0, 0.0]]))).unwrap();
        assert_eq!(y.as_slice().unwrap(), [1.0, 0.0]);
        let y = pollster::block_on(context.run_array(Softmax::new(), &arr0(3.0))).unwrap();
        assert_eq!(y.as_slice().unwrap(), [1.0]);
    }

    #[test]
    fn any_axis_and_type() {
        let context = Context::cpu("a test");
        let x = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| f16::from_f32((i * 5 + j * k) as f32 * 0.25));
        let nothing = Masking::new();
        let run = context.run_array_along(Softmax::new(), &x, &[-3], &nothing);
        let y: ndarray::ArrayD<f32> = pollster::block_on(run).unwrap();
        assert_eq!(y.shape(), [2, 3, 4]);
        assert!(y.sum_axis(Axis(0)).iter().all(|sum| (sum - 1.0).abs() < 1e-6));
        let run = context.run_array_along(LogSumExp::new(), &x, &[0, 2], &nothing);
        let sums: ndarray::ArrayD<f32> = pollster::block_on(run).unwrap();
        assert_eq!(sums.shape(), [3]);
    }
}
