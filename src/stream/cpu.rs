//! A chunk on the CPU.

use std::time::Duration;

use super::io::{Input, Output};
use super::walk::{Found, Task, Work};
use super::{SharedSource, together};
use crate::cpu::pieces::Pieces;
use crate::web::Instant;
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
        // A shared source is read by the job itself.
        if input.shared().is_none()
            && let Input::Calls(reading) = input
        {
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
    /// The source, where the job reads its elements itself.
    pub shared: Option<&'a dyn SharedSource>,
    pub slot: CpuSlot,
    pub outcome: Result<Option<Found>, Error>,
    pub worked: Worked,
}

/// How long a job took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Worked {
    pub all: Duration,
    /// Without the time in which it read.
    pub computing: Duration,
}

impl Job<'_> {
    /// Computes into the memory of the results where there is such, else into the slot.
    pub fn compute(&mut self, memory: Option<&mut [f32]>) {
        let (start, mut reading) = (Instant::now(), Duration::ZERO);
        let mut slot = std::mem::take(&mut self.slot);
        let out = memory.unwrap_or_else(|| {
            fit(&mut slot.output, self.task.words);
            &mut slot.output
        });
        self.outcome = match (self.memory, self.shared) {
            (Some(x), _) => self.run(&x[self.task.start as usize..][..self.task.len], out),
            (None, None) => self.run(&slot.input, out),
            (None, Some(source)) => {
                fit(&mut slot.input, self.task.len);
                together::run(self, source, &mut slot.input, out, &mut reading)
            }
        };
        self.slot = slot;
        let all = start.elapsed();
        self.worked = Worked { all, computing: all.saturating_sub(reading) };
    }

    /// Computes from elements that are there.
    pub fn run(&self, x: &[f32], out: &mut [f32]) -> Result<Option<Found>, Error> {
        let pieces = || self.pieces.as_ref().expect("rows are cut");
        match self.task.work {
            Work::Rows(rows) => {
                crate::cpu::run(self.op, x, Shape::rows(rows, self.cols as usize), out).map(|()| None)
            }
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
