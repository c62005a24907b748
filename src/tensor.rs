//! Tensors on a context: rows along any axes, elements of any type, masks beside them.

use std::collections::BTreeMap;

use crate::cpu::{TensorRows, check_ragged, check_tensor};
use crate::error::check_length;
use crate::stream::Stream;
use crate::{Context, DType, Element, Error, Masking, Op, OpKind, RowStats, Shape, Timing};

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
        let op = masking.settle(op.into()).checked()?;
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
        let op = masking.settle(op.into()).checked()?;
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

    /// Computes an operation on ragged rows, with scales and sinks beside them:
    /// [`crate::cpu::run_ragged_with`]. On a GPU rows of similar lengths go together, brought to the next
    /// power of two.
    ///
    /// # Errors
    /// Those of [`crate::cpu::run_ragged_with`] and [`Context::run_into`]; [`Error::DType`] for f64 on a GPU.
    pub async fn run_ragged<X: Element, Y: Element>(
        &self,
        op: impl Into<Op>,
        x: &[X],
        offsets: &[u64],
        masking: &Masking<'_>,
        out: &mut [Y],
    ) -> Result<Timing, Error> {
        let op = op.into().checked()?;
        let shape = check_ragged(op, x, offsets, masking, out)?;
        if self.is_cpus::<X>(shape)? {
            let options = crate::cpu::Options::new();
            return on_cpu(|| crate::cpu::run_ragged_with(&options, op, x, offsets, masking, out));
        }
        // Rows without elements are the CPU's, where there are no others.
        let mut timing = Timing { kernel: "cpu", ..Timing::default() };
        for (width, numbers) in classes(offsets, masking.sinks.is_some()) {
            if width == 0 && masking.sinks.is_none() {
                fill_empty(op, &numbers, out);
                continue;
            }
            let rows = TensorRows::ragged(op, x, offsets, (&numbers, width), masking, out)?;
            let part = self.run_rows(rows).await?;
            timing.upload += part.upload;
            timing.compute += part.compute;
            timing.read_back += part.read_back;
            timing.total += part.total;
            timing.kernel = part.kernel;
        }
        Ok(timing)
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

/// The numbers of rows that are brought to one length, for each such length. Two bins or three are not
/// mixed: that changes at a power of two.
fn classes(offsets: &[u64], sinks: bool) -> BTreeMap<u64, Vec<u64>> {
    let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (row, pair) in (0..).zip(offsets.windows(2)) {
        let sink = u64::from(sinks);
        let elements = pair[1] - pair[0] + sink;
        let width = if elements == 0 { 0 } else { elements.next_power_of_two() - sink };
        found.entry(width).or_default().push(row);
    }
    found
}

/// The results of rows without elements, which no device is asked for.
fn fill_empty<Y: Element>(op: Op, rows: &[u64], out: &mut [Y]) {
    if op.kind.is_elementwise() {
        return;
    }
    let mut words = [0.0; RowStats::WORDS as usize];
    let words = &mut words[..if op.kind == OpKind::RowStats { RowStats::WORDS as usize } else { 1 }];
    crate::cpu::fill_empty(&op, words);
    for row in rows {
        let out = &mut out[*row as usize * words.len()..][..words.len()];
        out.iter_mut().zip(&*words).for_each(|(y, word)| *y = Y::narrow(*word));
    }
}

fn on_cpu(work: impl FnOnce() -> Result<(), Error>) -> Result<Timing, Error> {
    crate::context::on_cpu(None, work)
}
