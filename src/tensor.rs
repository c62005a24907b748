//! Tensors on a context: rows along any axes, elements of any type, masks beside them.

use crate::cpu::{TensorRows, check_tensor};
use crate::error::check_length;
use crate::stream::Stream;
use crate::{Context, DType, Element, Error, Masking, Op, Shape, Timing};

impl Context {
    /// Computes an operation on rows along any axes, of elements of any type, with what stands beside
    /// them: [`crate::cpu::run_tensor`] says what `out` holds. On a GPU the rows are brought together as
    /// f32 on the way to its memory, and the results put away on the way back, so a batch may be of any
    /// size; buffers that lie on the GPU already are [`crate::gpu::Plan`]'s.
    ///
    /// # Errors
    /// Those of [`crate::cpu::run_tensor`] and [`Context::run_into`]; [`Error::DType`] for f64 on a GPU.
    pub async fn run_tensor<X: Element, Y: Element>(
        &self,
        op: impl Into<Op>,
        x: &[X],
        shape: Shape,
        masking: &Masking<'_>,
        out: &mut [Y],
    ) -> Result<Timing, Error> {
        let op = op.into().with_usual_empty_row(masking.hides()).checked()?;
        check_tensor(op, x, shape, masking, out)?;
        let is_plain = masking.is_empty() && shape.is_contiguous();
        if X::DTYPE == DType::F32 && Y::DTYPE == DType::F32 && is_plain {
            return self
                .run_into(op, bytemuck::cast_slice(x), shape.as_rows(), bytemuck::cast_slice_mut(out))
                .await;
        }
        if self.is_cpus::<X>(shape)? {
            return on_cpu(|| crate::cpu::run_tensor(op, x, shape, masking, out));
        }
        self.run_rows(TensorRows::new(op, x, shape, masking, out)?).await
    }

    /// [`Context::run_tensor`] in the place of the input, for operations with one result per element.
    ///
    /// # Errors
    /// Those of [`Context::run_tensor`], and [`Error::NotInPlace`]. Where the device fails in the middle,
    /// leading rows may be done.
    pub async fn run_tensor_in_place<X: Element>(
        &self,
        op: impl Into<Op>,
        data: &mut [X],
        shape: Shape,
        masking: &Masking<'_>,
    ) -> Result<Timing, Error> {
        let op = op.into().with_usual_empty_row(masking.hides()).checked()?;
        if !op.kind.is_elementwise() {
            return Err(Error::NotInPlace { op: op.kind.name() });
        }
        check_length("data", shape.elements()?, data.len())?;
        masking.check(shape, X::DTYPE)?;
        if X::DTYPE == DType::F32 && masking.is_empty() && shape.is_contiguous() {
            return self.run_in_place(op, bytemuck::cast_slice_mut(data), shape.as_rows()).await;
        }
        if self.is_cpus::<X>(shape)? {
            return on_cpu(|| crate::cpu::run_tensor_in_place(op, data, shape, masking));
        }
        self.run_rows(TensorRows::in_place(op, data, shape, masking)?).await
    }

    /// Whether the CPU computes.
    ///
    /// # Errors
    /// [`Error::DType`] for f64 on a GPU.
    fn is_cpus<X: Element>(&self, shape: Shape) -> Result<bool, Error> {
        if self.gpu().is_none() || shape.is_empty() {
            return Ok(true);
        }
        if X::DTYPE == DType::F64 {
            let why = "a GPU computes in f32; compute on the CPU (Context::cpu, cpu::run_tensor), or convert to f32";
            return Err(Error::DType { operand: "input", dtype: DType::F64, why: why.into() });
        }
        Ok(false)
    }

    async fn run_rows<X: Element, Y: Element>(&self, rows: TensorRows<'_, X, Y>) -> Result<Timing, Error> {
        let (op, shape) = rows.plain();
        let summary = Stream::new(self, op, shape).run(rows.source(), rows.sink()).await;
        let summary = summary.map_err(|error| match error {
            Error::Stopped { cause, .. } => *cause,
            other => other,
        })?;
        Ok(summary.shares.first().map_or(Timing::default(), |share| share.timing))
    }
}

fn on_cpu(work: impl FnOnce() -> Result<(), Error>) -> Result<Timing, Error> {
    crate::context::on_cpu(None, work)
}
