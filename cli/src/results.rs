//! Results of a stream on their way to the output.

use std::io;
use std::time::{Duration, Instant};

use wgpu_softmax::DType;
use wgpu_softmax::stream;

use crate::failure::Failure;
use crate::files::narrow;
use crate::output::Array;

/// Takes results, makes of them what the file holds, and tells of rows that are done.
pub struct Results<'a> {
    output: &'a mut Array,
    dtype: DType,
    narrowed: Vec<u8>,
    rows_before: u64,
    per_row: u64,
    count: u64,
    /// How long writing took.
    pub time: Duration,
    /// What the output said where it could not take them.
    pub failure: Option<Failure>,
}

impl<'a> Results<'a> {
    /// Behind so many rows, of so many results each.
    pub fn new(output: &'a mut Array, dtype: DType, rows_before: u64, per_row: u64) -> Self {
        let (narrowed, time) = (Vec::new(), Duration::ZERO);
        Self { output, dtype, narrowed, rows_before, per_row, count: 0, time, failure: None }
    }

    fn put(&mut self, results: &[f32]) -> Result<(), Failure> {
        self.output.write(narrow(self.dtype, results, &mut self.narrowed))?;
        self.count += results.len() as u64;
        // A row that was cut comes in pieces.
        match self.count.checked_rem(self.per_row) {
            Some(0) => self.output.rows_done(self.rows_before + self.count / self.per_row),
            _ => Ok(()),
        }
    }
}

impl stream::Sink for Results<'_> {
    fn write(&mut self, results: &[f32]) -> io::Result<()> {
        let since = Instant::now();
        let put = self.put(results);
        self.time += since.elapsed();
        put.map_err(|failure| {
            self.failure = Some(failure);
            io::Error::other("the output")
        })
    }
}
