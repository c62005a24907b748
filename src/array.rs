//! `ndarray` in and out, behind the feature of that name.

use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

use crate::{Context, Error, Op, RowStats, Shape};

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
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis, arr0, arr2};

    use crate::{Context, LogSumExp, Softmax};

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
}
