//! A tensor as a source of plain rows and a sink of their results: what a device is given, and what it
//! gives back. The host brings rows together on the way to the device's memory, which is a copy that has
//! to be made anyway.

use std::ops::Range;

use super::Task;
use super::cells::Cells;
use super::layout::Layout;
use super::stage::Block;
use crate::cpu::{Options, parallel};
use crate::dtype::Element;
use crate::stream::{Sink, Source};
use crate::{Error, Masking, Op, Shape};

/// Elements that one thread brings together or puts away at a time.
const PIECE: u64 = 1 << 16;

/// A tensor whose rows are computed elsewhere.
pub(crate) struct TensorRows<'a, X, Y> {
    task: Task<'a, X, Y>,
    rows: u64,
}

impl<'a, X: Element, Y: Element> TensorRows<'a, X, Y> {
    /// Input and output apart. What everything must be like was checked.
    pub(crate) fn new(
        op: Op,
        x: &'a [X],
        shape: Shape,
        masking: &'a Masking<'a>,
        y: &'a mut [Y],
    ) -> Result<Self, Error> {
        Self::of_cells(op, Cells::read(x), shape, masking, Cells::write(y))
    }

    /// Some ragged rows, all as long as `width`, which says how they are summed.
    pub(crate) fn ragged(
        op: Op,
        x: &'a [X],
        offsets: &'a [u64],
        (numbers, width): (&'a [u64], u64),
        masking: &'a Masking<'a>,
        y: &'a mut [Y],
    ) -> Result<Self, Error> {
        let layout = Layout::some_ragged(offsets, numbers, width, masking);
        let cells = (Cells::read(x), Cells::write(y));
        let task = Task::new(&Options::new(), op, layout, Shape::rows(offsets.len() - 1, 1), masking, cells)?;
        Ok(Self { task, rows: numbers.len() as u64 })
    }

    fn of_cells(
        op: Op,
        x: Cells<'a, X>,
        shape: Shape,
        masking: &'a Masking<'a>,
        y: Cells<'a, Y>,
    ) -> Result<Self, Error> {
        let task = Task::new(&Options::new(), op, Layout::of(shape, masking), shape, masking, (x, y))?;
        Ok(Self { task, rows: shape.row_count() })
    }

    /// The operation on the plain rows, and their shape.
    pub(crate) fn plain(&self) -> (Op, Shape) {
        (self.task.job.op, Shape::rows(self.rows as usize, self.cols() as usize))
    }

    /// Elements of a plain row: the sink is one of them.
    fn cols(&self) -> u64 {
        self.task.layout.width() + u64::from(self.task.masking.sinks.is_some())
    }

    /// The rows, to be read.
    pub(crate) fn source(&self) -> impl Source + '_ {
        Rows(self)
    }

    /// Their results, to be written.
    pub(crate) fn sink(&self) -> impl Sink + '_ {
        Results { of: self, at: 0 }
    }

    /// The blocks of plain rows that so many elements from one on are, with the elements of each: rows cut
    /// at either end, and whole ones between.
    fn blocks(&self, at: u64, len: u64) -> Vec<(Block, Range<usize>)> {
        let cols = self.cols();
        let (mut next, end) = (at, at + len);
        let mut found = Vec::new();
        while next < end {
            let (row, col) = (next / cols, next % cols);
            let whole = (end - next) / cols;
            let (rows, elements) = if col == 0 && whole > 0 {
                let rows = (PIECE / cols).clamp(1, whole);
                (row..row + rows, rows * cols)
            } else {
                (row..row + 1, (cols - col).min(end - next).min(PIECE))
            };
            let to = if rows.end - rows.start > 1 { cols } else { col + elements };
            let own = self.task.layout.width();
            let block =
                Block { rows, cols: col.min(own)..to.min(own), fill: false, sink: to > own, open: false };
            found.push((block, (next - at) as usize..(next + elements - at) as usize));
            next += elements;
        }
        found
    }
}

impl<'a, X: Element> TensorRows<'a, X, X> {
    /// The output in the place of the input.
    pub(crate) fn in_place(
        op: Op,
        data: &'a mut [X],
        shape: Shape,
        masking: &'a Masking<'a>,
    ) -> Result<Self, Error> {
        let cells = Cells::write(data);
        Self::of_cells(op, cells, shape, masking, cells)
    }
}

struct Rows<'a, X, Y>(&'a TensorRows<'a, X, Y>);

impl<X: Element, Y: Element> Source for Rows<'_, X, Y> {
    fn read(&mut self, at: u64, mut into: &mut [f32]) -> std::io::Result<()> {
        let mut work = Vec::new();
        for (block, range) in self.0.blocks(at, into.len() as u64) {
            let (piece, rest) = std::mem::take(&mut into).split_at_mut(range.len());
            work.push((block, piece));
            into = rest;
        }
        parallel::share_all(None, work, &|(block, z)| self.0.task.stage(&block, z));
        Ok(())
    }

    fn can_go_back(&self) -> bool {
        true
    }
}

struct Results<'a, X, Y> {
    of: &'a TensorRows<'a, X, Y>,
    /// Words that were written.
    at: u64,
}

impl<X: Element, Y: Element> Sink for Results<'_, X, Y> {
    fn write(&mut self, words: &[f32]) -> std::io::Result<()> {
        let task = &self.of.task;
        if task.job.op.kind.is_elementwise() {
            let work = self.of.blocks(self.at, words.len() as u64);
            parallel::share_all(None, work, &|(block, range)| {
                task.store(&block, &words[range]);
                task.fence();
            });
        } else {
            let per_row = task.job.words as u64;
            for (row, words) in (self.at / per_row..).zip(words.chunks(per_row as usize)) {
                task.store_per_row(task.layout.number(row) * per_row, words);
            }
        }
        self.at += words.len() as u64;
        Ok(())
    }
}
