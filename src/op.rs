//! The operations and their parameters.

use crate::{Error, Shape};

/// How a result is formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// The same bits on every backend, kernel and batch size; softmax within 4 ulp of exact.
    #[default]
    Reproducible,
    /// The device's own exponential and floating sums in any order: the bits depend on the device
    /// and the kernel. `docs/numerics.md` states the measured error per backend.
    Fast,
}

/// What a row holds in which every element is -inf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EmptyRow {
    /// [`EmptyRow::Zero`] where a mask, a bias, a window or lengths may hide a whole row, else
    /// [`EmptyRow::Nan`].
    #[default]
    Usual,
    /// NaN, as NumPy, SciPy and PyTorch have it.
    Nan,
    /// Probability 0, log-probability -inf.
    Zero,
}

/// Which function of a row is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpKind {
    /// exp(x) / sum of exp(x): one result per element.
    Softmax,
    /// x - log(sum of exp(x)): one result per element.
    LogSoftmax,
    /// log(sum of exp(x)): one result per row.
    LogSumExp,
    /// The maximum and the exact sum of exp(x - maximum): one [`crate::RowStats`] per row.
    RowStats,
}

impl OpKind {
    /// Every kind there is.
    pub const ALL: [OpKind; 4] = [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp, OpKind::RowStats];

    /// Whether there is one result per element rather than per row.
    pub fn is_elementwise(self) -> bool {
        matches!(self, OpKind::Softmax | OpKind::LogSoftmax)
    }

    /// The name the command and the labels use.
    pub fn name(self) -> &'static str {
        match self {
            OpKind::Softmax => "softmax",
            OpKind::LogSoftmax => "log-softmax",
            OpKind::LogSumExp => "logsumexp",
            OpKind::RowStats => "row-stats",
        }
    }

    /// Words of 4 bytes in the result of a row of so many columns.
    pub(crate) fn words_per_row(self, cols: u64) -> u64 {
        match self {
            OpKind::Softmax | OpKind::LogSoftmax => cols,
            OpKind::LogSumExp => 1,
            OpKind::RowStats => crate::RowStats::WORDS,
        }
    }

    /// Words of 4 bytes in the result.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`] where rows times columns exceeds 64 bits.
    pub fn output_words(self, shape: Shape) -> Result<u64, Error> {
        let elements = shape.elements()?;
        match self {
            OpKind::Softmax | OpKind::LogSoftmax => Ok(elements),
            OpKind::LogSumExp => Ok(shape.row_count()),
            OpKind::RowStats => shape.row_count().checked_mul(crate::RowStats::WORDS).ok_or(shape.overflow()),
        }
    }
}

/// An operation with its parameters, as every layer takes it. Made from [`Softmax`], [`Softmin`],
/// [`LogSoftmax`], [`LogSumExp`] or [`RowStatistics`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Op {
    /// Which function.
    pub kind: OpKind,
    /// Multiplies each element before anything else; the product rounds to f32.
    pub scale: f32,
    /// How the result is formed.
    pub precision: Precision,
    /// What a row of -inf gives.
    pub empty_row: EmptyRow,
}

impl Op {
    /// An operation by its kind, with scale 1, reproducible, and [`EmptyRow::Usual`].
    pub fn new(kind: OpKind) -> Self {
        Self { kind, scale: 1.0, precision: Precision::default(), empty_row: EmptyRow::default() }
    }

    /// Multiplies each element by a finite factor first.
    #[must_use]
    pub fn scale(mut self, scale: f32) -> Self {
        self.scale = scale;
        self
    }

    /// Chooses between the same bits everywhere and speed alone.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// What a row of -inf gives.
    #[must_use]
    pub fn empty_row(mut self, empty_row: EmptyRow) -> Self {
        self.empty_row = empty_row;
        self
    }

    /// What a row of -inf gives where that is left open.
    pub(crate) fn with_usual_empty_row(mut self, hides: bool) -> Self {
        if self.empty_row == EmptyRow::Usual {
            self.empty_row = if hides { EmptyRow::Zero } else { EmptyRow::Nan };
        }
        self
    }

    /// The operation with parameters that every layer computes alike: checks the scale, takes a
    /// subnormal one as 0, has row statistics always exact, and settles what empty rows are.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a scale that is infinite or NaN.
    pub fn checked(mut self) -> Result<Self, Error> {
        if !self.scale.is_finite() {
            return Err(Error::NotFinite { what: "scale", value: self.scale });
        }
        if !self.scale.is_normal() {
            self.scale = 0.0;
        }
        if self.kind == OpKind::RowStats {
            self.precision = Precision::Reproducible;
        }
        Ok(self.with_usual_empty_row(false))
    }
}

macro_rules! operation {
    ($(#[$doc:meta])* $name:ident, $kind:expr, $scale:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[must_use]
        pub struct $name {
            op: Op,
        }

        impl $name {
            /// Scale 1, reproducible, and [`EmptyRow::Usual`].
            pub fn new() -> Self {
                Self { op: Op::new($kind) }
            }

            /// Multiplies each element by a finite factor first; temperature t is scale 1/t.
            pub fn scale(mut self, scale: f32) -> Self {
                self.op.scale = scale;
                self
            }

            /// Chooses between the same bits everywhere and speed alone.
            pub fn precision(mut self, precision: Precision) -> Self {
                self.op.precision = precision;
                self
            }

            /// What a row of -inf gives.
            pub fn empty_row(mut self, empty_row: EmptyRow) -> Self {
                self.op.empty_row = empty_row;
                self
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl From<$name> for Op {
            #[allow(clippy::neg_multiply)] // The sign is a parameter of the macro.
            fn from(from: $name) -> Op {
                Op { scale: $scale(from.op.scale), ..from.op }
            }
        }

        impl From<&$name> for Op {
            fn from(from: &$name) -> Op {
                (*from).into()
            }
        }
    };
}

operation!(
    /// exp(x) / sum of exp(x) over each row. A row with a NaN or +inf is NaN; -inf among other
    /// elements has probability 0.
    Softmax, OpKind::Softmax, std::convert::identity
);
operation!(
    /// exp(-x) / sum of exp(-x) over each row: [`Softmax`] with the scale negated.
    Softmin, OpKind::Softmax, std::ops::Neg::neg
);
operation!(
    /// x - log(sum of exp(x)) over each row, accurate also where the result is near 0. A row with a
    /// NaN or +inf is NaN; -inf among other elements stays -inf.
    LogSoftmax, OpKind::LogSoftmax, std::convert::identity
);
operation!(
    /// log(sum of exp(x)), one result per row. A row with a NaN is NaN, else one with +inf is +inf;
    /// a row of -inf, and a row without columns, is -inf.
    LogSumExp, OpKind::LogSumExp, std::convert::identity
);
operation!(
    /// The maximum of each row and the exact sum of exp(x - maximum), one [`crate::RowStats`] per
    /// row: what logsumexp, sharded rows and losses stand on. Exact in either precision.
    RowStatistics, OpKind::RowStats, std::convert::identity
);
