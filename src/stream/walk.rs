//! The order of the work: chunks of whole rows, or, where rows are too long, the pieces of one row
//! after the other, in two or three passes.

use crate::cpu::pieces::{LongResult, Part, Pieces};
use crate::cpu::reference::RowFinish;
use crate::cpu::simd::WideTotal;
use crate::cpu::special::from_key;
use crate::{Error, Op, RowStats, Shape};

/// What is done with some elements.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// The operation on so many whole rows.
    Rows(usize),
    /// A piece's maximum, and its sum where one pass tells it.
    First,
    /// A piece's sum against the row's maximum.
    Sum(i32),
    /// A piece's results, from the row's maximum and sum.
    Write(i32, Option<WideTotal>),
}

/// Elements that lie together, and what is done with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub work: Work,
    /// The first element's number in the batch, and how many they are.
    pub start: u64,
    pub len: usize,
    /// The first result's number, and how many words they are.
    pub out: u64,
    pub words: usize,
}

/// What a piece told.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    Part(Part),
    Sum(WideTotal),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pass {
    First,
    Sum,
    Write,
}

/// Where the walk stands: a row, and within a long one a pass and a column.
#[derive(Clone, Copy, Debug)]
struct Position {
    row: u64,
    pass: Pass,
    col: u64,
}

/// A walk over a batch. Tasks are given out in order, and completed in order.
pub(crate) struct Walk {
    pub op: Op,
    pub shape: Shape,
    /// Words of the result per row.
    pub words: u64,
    /// Where rows are cut, what cuts them.
    pub pieces: Option<Pieces>,
    next: Position,
    done: Position,
    /// What the passes over the present row told so far.
    first: Option<Part>,
    total: Option<WideTotal>,
    expects_sum: bool,
    /// Bytes of elements that were worked on, and that will have been in the end.
    pub bytes: u64,
    pub bytes_in_all: u64,
}

/// Columns that a piece is a multiple of, so that pieces start on 16 bytes and cache lines.
const PIECE_UNIT: usize = 64;

impl Walk {
    /// `cut`: whether rows are cut into pieces; `expects_sum`: whether maximum and sum then take a
    /// pass each, which is a guess for [`Walk::bytes_in_all`].
    pub fn new(op: Op, shape: Shape, cut: bool, expects_sum: bool) -> Result<Self, Error> {
        let words = op.kind.words_per_row(shape.cols());
        let start = Position { row: 0, pass: Pass::First, col: 0 };
        let pieces = if cut { Some(Pieces::new(op, shape.cols())?) } else { None };
        let passes = if cut { 1 + u64::from(expects_sum) + u64::from(op.kind.is_elementwise()) } else { 1 };
        Ok(Self {
            op,
            shape,
            words,
            pieces,
            next: start,
            done: start,
            first: None,
            total: None,
            expects_sum,
            bytes: 0,
            bytes_in_all: shape.elements()? * 4 * passes,
        })
    }

    /// Rows whose results are complete.
    pub fn rows_done(&self) -> u64 {
        self.done.row
    }

    /// Whether all tasks are complete.
    pub fn is_done(&self) -> bool {
        self.done.row == self.shape.row_count()
    }

    /// The first element that is still needed; those of a row that is cut are read again.
    pub fn needed_from(&self) -> u64 {
        self.done.row * self.shape.cols()
    }

    /// The next task, of up to so many whole rows or elements of a piece; `None` at the end, and while
    /// a pass waits for the one before.
    pub fn next(&mut self, rows: usize, piece: usize) -> Option<Task> {
        if self.next.row == self.shape.row_count() {
            return None;
        }
        if self.pieces.is_some() { self.next_piece(piece) } else { Some(self.next_rows(rows)) }
    }

    fn next_rows(&mut self, most: usize) -> Task {
        let (row, cols) = (self.next.row, self.shape.cols());
        let rows = (self.shape.row_count() - row).min(most.max(1) as u64);
        self.next.row += rows;
        Task {
            work: Work::Rows(rows as usize),
            start: row * cols,
            len: (rows * cols) as usize,
            out: row * self.words,
            words: (rows * self.words) as usize,
        }
    }

    fn next_piece(&mut self, most: usize) -> Option<Task> {
        let Position { row, pass, col } = self.next;
        let rest = self.shape.cols() - col;
        if rest == 0 {
            return None;
        }
        let len = rest.min((most / PIECE_UNIT * PIECE_UNIT).max(PIECE_UNIT) as u64);
        self.next.col += len;
        let key = self.first.map_or(0, |first| first.key);
        let (work, words) = match pass {
            Pass::First => (Work::First, 0),
            Pass::Sum => (Work::Sum(key), 0),
            Pass::Write => (Work::Write(key, self.total), len as usize),
        };
        let start = row * self.shape.cols() + col;
        Some(Task { work, start, len: len as usize, out: start, words })
    }

    /// Goes back to where everything before is complete.
    pub fn rewind(&mut self) {
        self.next = self.done;
    }

    /// Takes note of the first task that is not complete. Where it completes a row that has one result,
    /// that is returned, with the number of its first word.
    pub fn complete(&mut self, task: &Task, found: Option<Found>) -> Option<(u64, RowResult)> {
        self.bytes += task.len as u64 * 4;
        if let Work::Rows(rows) = task.work {
            self.done.row += rows as u64;
            return None;
        }
        self.done.col += task.len as u64;
        match found {
            Some(Found::Part(part)) => {
                self.first = Some(self.first.map_or(part, |first| first.merge(part)));
            }
            Some(Found::Sum(sum)) => self.total = Some(self.total.map_or(sum, |total| total.merge(sum))),
            None => {}
        }
        if self.done.col < self.shape.cols() { None } else { self.end_pass() }
    }

    fn end_pass(&mut self) -> Option<(u64, RowResult)> {
        let first = self.first.expect("the first pass is complete");
        self.done.col = 0;
        match self.done.pass {
            Pass::First => {
                self.total = first.total;
                let is_summed = first.total.is_some() || !from_key(first.key).is_finite();
                self.done.pass = if is_summed { Pass::Write } else { Pass::Sum };
                self.expect(!is_summed);
            }
            Pass::Sum => self.done.pass = Pass::Write,
            Pass::Write => self.end_row(),
        }
        self.next = self.done;
        let is_settled = self.done.pass == Pass::Write && !self.op.kind.is_elementwise();
        is_settled.then(|| self.row_result(first.key))
    }

    /// Counts the pass for the sum where it was not expected, or the other way round.
    fn expect(&mut self, sum: bool) {
        let row_bytes = self.shape.cols() * 4;
        match (sum, self.expects_sum) {
            (true, false) => self.bytes_in_all += row_bytes,
            (false, true) => self.bytes_in_all -= row_bytes,
            _ => {}
        }
    }

    fn row_result(&mut self, key: i32) -> (u64, RowResult) {
        let pieces = self.pieces.as_ref().expect("rows are cut");
        let result = match pieces.result(key, self.total) {
            LongResult::Stats(stats) => RowResult::Stats(stats),
            LongResult::Elements(RowFinish::Fill(value)) => RowResult::Value(value),
            LongResult::Elements(_) => unreachable!("the operation has one result per row"),
        };
        let at = self.done.row * self.words;
        self.end_row();
        self.next = self.done;
        (at, result)
    }

    fn end_row(&mut self) {
        (self.first, self.total) = (None, None);
        self.done = Position { row: self.done.row + 1, pass: Pass::First, col: 0 };
    }
}

/// The one result of a row that was cut.
pub(crate) enum RowResult {
    Value(f32),
    Stats(RowStats),
}

impl RowResult {
    /// Its words.
    pub fn words(&self) -> &[f32] {
        match self {
            Self::Value(value) => std::slice::from_ref(value),
            Self::Stats(stats) => bytemuck::cast_slice(std::slice::from_ref(stats)),
        }
    }
}
