//! What is said of a command line that cannot be parsed.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::failure::Failure;

/// Ends the command. The parser would have a negative number behind an option that takes its value after
/// an equals sign for one more option.
pub fn refuse(error: &Error) -> std::process::ExitCode {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument)))
            if argument.parse::<f64>().is_ok() =>
        {
            let what = format!(
                "{argument} stands alone, behind no option that takes it; behind --causal write --causal={argument}"
            );
            Failure::Cannot(what).tell()
        }
        _ => error.exit(),
    }
}
