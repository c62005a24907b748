//! The part of the command line that says what is computed.

use clap::ValueEnum;
use wgpu_softmax::{EmptyRow, LogSoftmax, LogSumExp, Op, Precision, Softmax, Softmin};

use crate::failure::Failure;
use crate::numbers::Number;

/// What is computed, and how.
#[derive(clap::Args, Clone, Debug)]
pub struct Operation {
    /// What is computed of each row
    #[arg(long = "op", value_enum, default_value_t)]
    function: Function,
    /// Multiply each element by S first; the product is rounded to f32
    #[arg(long, value_name = "S", allow_hyphen_values = true, conflicts_with = "temperature")]
    scale: Option<Number>,
    /// Divide by a temperature: the same as --scale 1/T, with 1/T rounded to f32
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    temperature: Option<Number>,
    /// How results are formed
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionName,
    /// What a row gives in which nothing takes part: -inf alone, or hidden elements
    #[arg(long, value_enum, default_value_t)]
    empty_row: EmptyRowName,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum Function {
    /// exp(x) / sum of exp(x)
    #[default]
    Softmax,
    /// x - log(sum of exp(x))
    LogSoftmax,
    /// log(sum of exp(x)); the axes of a row go
    #[value(name = "logsumexp")]
    LogSumExp,
    /// exp(-x) / sum of exp(-x)
    Softmin,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum PrecisionName {
    /// The same bits on every device
    #[default]
    Reproducible,
    /// Whatever is fastest on this device
    Fast,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum EmptyRowName {
    /// zero where --mask, --bias, --causal, --window or --lengths may hide a whole row, else nan
    #[default]
    Usual,
    /// NaN, as NumPy and PyTorch have it
    Nan,
    /// Probability 0, log-probability -inf
    Zero,
}

impl Operation {
    /// The operation for the library; what an empty row gives may be left open.
    pub fn op(&self) -> Result<Op, Failure> {
        let op: Op = match self.function {
            Function::Softmax => Softmax::new().scale(self.factor()?).into(),
            Function::LogSoftmax => LogSoftmax::new().scale(self.factor()?).into(),
            Function::LogSumExp => LogSumExp::new().scale(self.factor()?).into(),
            Function::Softmin => Softmin::new().scale(self.factor()?).into(),
        };
        let mut op = op.checked()?;
        op.precision = match self.precision {
            PrecisionName::Reproducible => Precision::Reproducible,
            PrecisionName::Fast => Precision::Fast,
        };
        op.empty_row = match self.empty_row {
            EmptyRowName::Usual => EmptyRow::Usual,
            EmptyRowName::Nan => EmptyRow::Nan,
            EmptyRowName::Zero => EmptyRow::Zero,
        };
        Ok(op)
    }

    /// The function's name on the command line.
    pub fn name(&self) -> &'static str {
        match self.function {
            Function::Softmax => "softmax",
            Function::LogSoftmax => "log-softmax",
            Function::LogSumExp => "logsumexp",
            Function::Softmin => "softmin",
        }
    }

    /// All of it in a few words, the same for the same bits; `op` has what was left open settled.
    pub fn description(&self, op: &Op) -> Result<String, Failure> {
        let empty_row = if op.empty_row == EmptyRow::Zero { "zero" } else { "nan" };
        let (name, precision) = (self.name(), self.precision());
        Ok(format!("{name}, scale {}, {precision}, empty rows {empty_row}", self.factor()?))
    }

    /// The precision's name on the command line.
    pub fn precision(&self) -> &'static str {
        match self.precision {
            PrecisionName::Reproducible => "reproducible",
            PrecisionName::Fast => "fast",
        }
    }

    /// What each element is multiplied by, as the user means it.
    pub fn factor(&self) -> Result<f32, Failure> {
        match (&self.scale, &self.temperature) {
            (Some(scale), _) => scale.finite("scale"),
            (None, Some(temperature)) => temperature.inverse("temperature"),
            (None, None) => Ok(1.0),
        }
    }
}
