//! The operations of a context by their names, into new vectors.

use crate::{Context, Error, LogSoftmax, LogSumExp, RowStatistics, RowStats, Shape, Softmax, Softmin};

impl Context {
    /// Softmax of each row, scale 1, reproducible.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub async fn softmax(&self, x: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        self.run(Softmax::new(), x, shape).await
    }

    /// Softmax of each row's negated elements.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub async fn softmin(&self, x: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        self.run(Softmin::new(), x, shape).await
    }

    /// Logarithm of the softmax of each row.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub async fn log_softmax(&self, x: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        self.run(LogSoftmax::new(), x, shape).await
    }

    /// Logarithm of the sum of each row's exponentials, one result per row.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub async fn logsumexp(&self, x: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        self.run(LogSumExp::new(), x, shape).await
    }

    /// Maximum and exact sum of each row.
    ///
    /// # Errors
    /// Those of [`Context::run_into`].
    pub async fn row_statistics(
        &self,
        op: RowStatistics,
        x: &[f32],
        shape: Shape,
    ) -> Result<Vec<RowStats>, Error> {
        let words = self.run(op, x, shape).await?;
        Ok(words
            .chunks_exact(RowStats::WORDS as usize)
            .map(|w| bytemuck::pod_read_unaligned(bytemuck::cast_slice(w)))
            .collect())
    }
}
