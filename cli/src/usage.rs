//! What is said of a command line that cannot be parsed.

use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, Error};

use crate::failure::Failure;

/// Ends the command. The parser has no word for a value that stands behind an option which takes its own
/// after an equals sign.
pub fn refuse(error: &Error) -> ExitCode {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { error.exit() };
    let typed: Vec<_> = std::env::args_os().map(|typed| typed.to_string_lossy().into_owned()).collect();
    let pair = typed.windows(2).find(|pair| pair[1] == *argument && takes_equals(&pair[0]));
    let Some([option, value]) = pair else { error.exit() };
    let what =
        format!("{option} {value}: {option} takes a value after an equals sign; write {option}={value}");
    Failure::Cannot(what).tell()
}

fn takes_equals(option: &str) -> bool {
    let (command, name) = (crate::Cli::command(), option.trim_start_matches('-'));
    let mut options = command.get_subcommands().flat_map(clap::Command::get_arguments);
    options.any(|option| option.is_require_equals_set() && option.get_long() == Some(name))
}
