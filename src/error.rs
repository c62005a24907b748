//! What can be wrong, each said in one line that names the thing, the numbers and the way out.

use std::fmt;
use std::io;

/// Why an operation cannot be prepared, bound or run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Rows times columns is more than can be addressed.
    ShapeOverflow {
        /// How many rows.
        rows: u64,
        /// How many columns.
        cols: u64,
    },
    /// A slice or buffer is not as long as the shape says.
    Length {
        /// Which operand: "input", "output", ...
        operand: &'static str,
        /// Elements that the shape asks for.
        needed: u64,
        /// Elements that there are.
        found: u64,
    },
    /// An axis is not there, or cannot be used so.
    Axis {
        /// The axis as it was given.
        axis: isize,
        /// How many axes the array has.
        rank: usize,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// An operand's axes do not broadcast to those that it belongs to.
    Broadcast {
        /// Which operand.
        operand: &'static str,
        /// Its axes.
        dims: Vec<usize>,
        /// The axes they must broadcast to.
        to: Vec<usize>,
    },
    /// A row is said to have more valid elements than there are.
    RowLength {
        /// Which of the lengths.
        index: u64,
        /// What it says.
        length: u64,
        /// Elements of a row.
        cols: u64,
    },
    /// The offsets of ragged rows do not rise from 0 to the number of elements.
    Offsets {
        /// Which offset.
        index: u64,
        /// Its value.
        offset: u64,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// An operand's elements cannot be of this type here.
    DType {
        /// Which operand.
        operand: &'static str,
        /// The type.
        dtype: crate::DType,
        /// Why not, and what to do.
        why: String,
    },
    /// A parameter must be a finite number.
    NotFinite {
        /// Which parameter.
        what: &'static str,
        /// Its value.
        value: f32,
    },
    /// The operation has one result per row, so it cannot overwrite its input.
    NotInPlace {
        /// The operation's name.
        op: &'static str,
    },
    /// Statistics that were given cannot be those of the whole row.
    Statistics {
        /// Which row.
        row: u64,
        /// Why not, and what to do.
        why: &'static str,
    },
    /// A buffer cannot be bound as asked.
    Binding {
        /// Which operand.
        operand: &'static str,
        /// What is wrong, with the numbers, and what to do.
        why: String,
    },
    /// Something is beyond a limit of the device.
    Limit {
        /// What is too large.
        what: &'static str,
        /// How much is needed.
        needed: u64,
        /// How much the device allows.
        limit: u64,
        /// The way out.
        hint: &'static str,
    },
    /// A forced kernel cannot run on this shape or device.
    Kernel {
        /// The kernel's name.
        kernel: &'static str,
        /// Why not, and what would do.
        why: String,
    },
    /// A profile is not understood.
    Profile {
        /// The line of its text; `None` where it was not read from one.
        line: Option<u64>,
        /// What stands there, and what may.
        why: String,
    },
    /// No adapter fits the request.
    NoAdapter {
        /// What was asked for and what there is.
        why: String,
    },
    /// The device was lost, or refused to work; nothing of the result is valid.
    Device {
        /// What wgpu said.
        why: String,
    },
    /// More memory is needed than a stream may use.
    Memory {
        /// What it is needed for.
        what: &'static str,
        /// How many bytes are needed.
        needed: u64,
        /// How many bytes it may use.
        budget: u64,
        /// The way out.
        hint: &'static str,
    },
    /// The source of a stream's rows failed.
    Source {
        /// What kind of failure.
        kind: io::ErrorKind,
        /// What it said.
        why: String,
    },
    /// The sink of a stream's results failed.
    Sink {
        /// What kind of failure.
        kind: io::ErrorKind,
        /// What it said.
        why: String,
    },
    /// A stream ended early.
    Stopped {
        /// How many leading rows are finished: their results, and no others, reached the sink whole.
        finished: u64,
        /// How many rows there are.
        rows: u64,
        /// Why.
        cause: Box<Error>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::ShapeOverflow { rows, cols } => {
                write!(
                    f,
                    "a shape of {rows} x {cols} f32 elements cannot be addressed; split the batch into smaller ones"
                )
            }
            Error::Length { operand, needed, found } => {
                write!(
                    f,
                    "{operand}: the shape asks for {needed} elements and there are {found}; pass {needed}, or the shape that fits"
                )
            }
            Error::Axis { axis, rank, why } => {
                let axes = if *rank == 1 { "axis" } else { "axes" };
                write!(f, "axis {axis} of an array of {rank} {axes}: {why}")
            }
            Error::Broadcast { operand, dims, to } => {
                write!(
                    f,
                    "{operand}: its shape {} does not broadcast to {}; each axis must be equal or 1, from the last one on",
                    Dims(dims),
                    Dims(to)
                )
            }
            Error::RowLength { index, length, cols } => {
                write!(
                    f,
                    "lengths: number {index} is {length} and rows have {cols} elements; give at most {cols}"
                )
            }
            Error::Offsets { index, offset, why } => write!(f, "offsets: number {index} is {offset}, {why}"),
            Error::DType { operand, dtype, why } => write!(f, "{operand} of {dtype}: {why}"),
            Error::NotFinite { what, value } => {
                write!(f, "{what} is {value}; it must be a finite number")
            }
            Error::NotInPlace { op } => {
                write!(
                    f,
                    "{op} gives one result per row and cannot overwrite its input; pass an output of that size"
                )
            }
            Error::Statistics { row, why } => write!(f, "statistics of row {row}: {why}"),
            Error::Binding { operand, why } => write!(f, "{operand}: {why}"),
            Error::Limit { what, needed, limit, hint } => {
                write!(f, "{what}: {needed} needed, the device allows {limit}; {hint}")
            }
            Error::Kernel { kernel, why } => write!(f, "kernel {kernel} cannot run: {why}"),
            Error::Profile { line: Some(line), why } => write!(f, "profile, line {line}: {why}"),
            Error::Profile { line: None, why } => write!(f, "profile: {why}"),
            Error::NoAdapter { why } => write!(f, "no adapter: {why}"),
            Error::Device { why } => write!(f, "the device failed: {why}; make a new one, or use the CPU"),
            Error::Memory { what, needed, budget, hint } => {
                write!(f, "{what}: {needed} bytes needed, the budget is {budget}; {hint}")
            }
            Error::Source { why, .. } => write!(f, "the source failed: {why}"),
            Error::Sink { why, .. } => write!(f, "the sink failed: {why}"),
            Error::Stopped { finished, rows, cause } => {
                write!(f, "stopped after {finished} of {rows} rows: {cause}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Stopped { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// Axes as NumPy prints them.
pub(crate) struct Dims<'a>(pub &'a [usize]);

impl fmt::Display for Dims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(usize::to_string).collect();
        match &dims[..] {
            [one] => write!(f, "({one},)"),
            dims => write!(f, "({})", dims.join(", ")),
        }
    }
}

impl Error {
    /// A device's failure, in one line: what wgpu says has its causes on lines of their own.
    pub(crate) fn device(why: impl fmt::Display) -> Self {
        Self::Device { why: one_line(why) }
    }
}

/// A text of several lines in one.
pub(crate) fn one_line(text: impl fmt::Display) -> String {
    text.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an operand has as many elements as the shape asks for.
///
/// # Errors
/// [`Error::Length`] where it has not.
pub(crate) fn check_length(operand: &'static str, needed: u64, found: usize) -> Result<(), Error> {
    let found = found as u64;
    if found == needed { Ok(()) } else { Err(Error::Length { operand, needed, found }) }
}
