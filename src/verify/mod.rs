//! The battery that holds the promise of equal bits: cases, what the CPU says of them, and the first
//! difference from what a device says.
//!
//! The tests and the command `softmax verify` run the same cases. They are made by a generator of
//! its own that uses nothing but integers and `+ - *`, so every machine makes the same ones.
//!
//! ```
//! use wgpu_softmax::verify::{self, Thoroughness};
//!
//! let case = verify::cases(Thoroughness::Quick, &[]).next().unwrap();
//! let expected = verify::expected(&case);
//! assert!(verify::first_difference(&case, &expected, &expected).is_none());
//! ```

mod cases;
mod device;
mod probe;
mod random;
mod rows;
mod special;
pub mod tensor;

pub use cases::cases;
pub use device::{probe_device, probe_device_async};
pub use probe::{Probe, ProbeOp, arithmetic_probe};

use std::fmt;

use crate::cpu::reference;
use crate::{Op, OpKind, RowStats};

/// How much of the battery runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Thoroughness {
    /// About 1.5 million elements for each kind of operation: a minute on a software adapter.
    #[default]
    Quick,
    /// Every length up to 1040, every power of two to 2^20, about 25 million elements for each kind.
    Full,
}

/// One input with the operation to be computed on it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The property that the case holds.
    pub name: String,
    /// The operation.
    pub op: Op,
    /// How many rows.
    pub rows: usize,
    /// Elements in a row.
    pub cols: usize,
    /// The rows, one after the other.
    pub data: Vec<f32>,
}

impl Case {
    /// Words of 4 bytes in the result of one row.
    pub fn words_per_row(&self) -> usize {
        match self.op.kind {
            OpKind::Softmax | OpKind::LogSoftmax => self.cols,
            OpKind::LogSumExp => 1,
            OpKind::RowStats => RowStats::WORDS as usize,
        }
    }

    /// One row of the input.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.cols..][..self.cols]
    }
}

/// The bits of a case's result as the specification has them: a word per element, one per row for
/// log-sum-exp, or eight per row for row statistics.
///
/// # Panics
/// Where the operation's scale is not finite, which no case of [`cases`] has.
pub fn expected(case: &Case) -> Vec<u32> {
    let op = case.op.checked().expect("a case has a finite scale");
    let mut words = Vec::with_capacity(case.rows * case.words_per_row());
    let mut results = vec![0.0; case.cols];
    for row in 0..case.rows {
        let x = case.row(row);
        match op.kind {
            OpKind::Softmax | OpKind::LogSoftmax => {
                reference::row(&op, x, &mut results);
                words.extend(results.iter().map(|y| y.to_bits()));
            }
            OpKind::LogSumExp => words.push(reference::log_sum_exp_row(&op, x).to_bits()),
            OpKind::RowStats => {
                let stats = reference::row_stats(x, op.scale);
                words.extend_from_slice(bytemuck::cast_slice::<_, u32>(&[stats]));
            }
        }
    }
    words
}

/// The first word in which two results differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The case's name.
    pub case: String,
    /// The kind of operation.
    pub kind: OpKind,
    /// The row.
    pub row: usize,
    /// The element, or the word of the row's result where that is not one word per element.
    pub column: usize,
    /// The element, where the result has one word per element.
    pub input: Option<f32>,
    /// The expected bits; none where the result has too many words.
    pub expected: Option<u32>,
    /// The bits that came; none where the result has too few words.
    pub got: Option<u32>,
}

/// Compares two results of a case, word by word.
pub fn first_difference(case: &Case, expected: &[u32], got: &[u32]) -> Option<Difference> {
    let shared = expected.iter().zip(got).position(|(a, b)| a != b);
    let index = shared.or_else(|| (expected.len() != got.len()).then(|| expected.len().min(got.len())))?;
    let words = case.words_per_row().max(1);
    let input = case.op.kind.is_elementwise().then(|| case.data.get(index).copied()).flatten();
    Some(Difference {
        case: case.name.clone(),
        kind: case.op.kind,
        row: index / words,
        column: index % words,
        input,
        expected: expected.get(index).copied(),
        got: got.get(index).copied(),
    })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.kind.is_elementwise() { "column" } else { "word" };
        write!(f, "{} of {}: row {}, {place} {}", self.kind.name(), self.case, self.row, self.column)?;
        if let Some(x) = self.input {
            write!(f, ", input {x:e} ({:#010x})", x.to_bits())?;
        }
        self.write_word(f, ": expected", self.expected)?;
        self.write_word(f, ", got", self.got)
    }
}

impl Difference {
    fn write_word(&self, f: &mut fmt::Formatter<'_>, what: &str, word: Option<u32>) -> fmt::Result {
        match word {
            None => write!(f, "{what} nothing"),
            Some(word) if self.kind == OpKind::RowStats => write!(f, "{what} {word:#010x}"),
            Some(word) => write!(f, "{what} {word:#010x} ({:e})", f32::from_bits(word)),
        }
    }
}
