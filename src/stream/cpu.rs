//! A chunk on the CPU.

use std::time::{Duration, Instant};

use super::io::{Input, Output};
use super::walk::{Found, Task, Work};
use crate::cpu::pieces::Pieces;
use crate::{Error, Op, Shape};

/// Elements and results of a chunk, where they do not lie in memory already.
#[derive(Default)]
pub(crate) struct CpuSlot {
    input: Vec<f32>,
    pub output: Vec<f32>,
}

impl CpuSlot {
    /// Has a source write a task's elements.
    ///
    /// # Errors
    /// [`Error::Source`].
    pub fn fill(&mut self, task: &Task, input: &mut Input<'_>) -> Result<(), Error> {
        if let Input::Calls(reading) = input {
            fit(&mut self.input, task.len);
            reading.read(task.start, &mut self.input)?;
        }
        Ok(())
    }
}

/// Makes a vector this long, and its memory no longer than it ever was.
pub(crate) fn fit(data: &mut Vec<f32>, len: usize) {
    data.reserve_exact(len.saturating_sub(data.len()));
    data.resize(len, 0.0);
}

/// A task with all it needs, so that another thread may compute it.
pub(crate) struct Job<'a> {
    pub op: Op,
    pub cols: u64,
    pub pieces: Option<Pieces>,
    pub task: Task,
    /// All elements, where they lie in memory.
    pub memory: Option<&'a [f32]>,
    pub slot: CpuSlot,
    pub outcome: Result<Option<Found>, Error>,
    pub worked: Duration,
}

impl Job<'_> {
    /// Computes into the memory of the results where there is such, else into the slot.
    pub fn compute(&mut self, memory: Option<&mut [f32]>) {
        let start = Instant::now();
        let CpuSlot { input, output } = &mut self.slot;
        let out = memory.unwrap_or_else(|| {
            fit(output, self.task.words);
            output
        });
        let x = match self.memory {
            Some(x) => &x[self.task.start as usize..][..self.task.len],
            None => &input[..],
        };
        self.outcome = self.task.on_cpu(self.op, self.cols, self.pieces.as_ref(), x, out);
        self.worked = start.elapsed();
    }
}

impl Task {
    fn on_cpu(
        &self,
        op: Op,
        cols: u64,
        pieces: Option<&Pieces>,
        x: &[f32],
        out: &mut [f32],
    ) -> Result<Option<Found>, Error> {
        let pieces = || pieces.expect("rows are cut");
        match self.work {
            Work::Rows(rows) => crate::cpu::run(op, x, Shape::rows(rows, cols as usize), out).map(|()| None),
            Work::First => Ok(Some(Found::Part(pieces().first(x)))),
            Work::Sum(key) => Ok(Some(Found::Sum(pieces().sum(x, key)))),
            Work::Write(key, total) => {
                pieces().write(x, key, total, out);
                Ok(None)
            }
        }
    }
}

/// Hands a computed task's results on, unless they were computed where they belong.
///
/// # Errors
/// [`Error::Sink`].
pub(crate) fn deliver(slot: &CpuSlot, task: &Task, output: &mut Output<'_>) -> Result<(), Error> {
    match output {
        Output::Memory(_) => Ok(()),
        Output::Calls(_) => output.put(task.out, &slot.output[..task.words]),
    }
}
