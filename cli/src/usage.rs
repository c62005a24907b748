//! What is said of a command line that cannot be parsed.

use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::failure::Failure;

/// Ends the command: with one line, or with the help where no subcommand was given.
pub fn refuse(error: &Error) -> ExitCode {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    Failure::Cannot(without_equals(error).unwrap_or_else(|| one_line(&error.render().to_string()))).tell()
}

/// The parser has no word for a value that stands behind an option which takes its own after an equals sign.
fn without_equals(error: &Error) -> Option<String> {
    let ContextValue::String(argument) = error.get(ContextKind::InvalidArg)? else { return None };
    let typed: Vec<_> = std::env::args_os().map(|typed| typed.to_string_lossy().into_owned()).collect();
    let [option, value] = typed.windows(2).find(|pair| pair[1] == *argument && takes_equals(&pair[0]))?
    else {
        return None;
    };
    Some(format!("{option} {value}: {option} takes a value after an equals sign; write {option}={value}"))
}

fn takes_equals(option: &str) -> bool {
    let (command, name) = (crate::Cli::command(), option.trim_start_matches('-'));
    let mut options = command.get_subcommands().flat_map(clap::Command::get_arguments);
    options.any(|option| option.is_require_equals_set() && option.get_long() == Some(name))
}

/// What the parser says in paragraphs: first what is wrong, then what may have been meant, how the command is used
/// and where help is, which is the same each time.
fn one_line(said: &str) -> String {
    let paragraphs = said.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut told: Vec<_> = paragraphs.filter(|part| !part.starts_with("For more information")).collect();
    if let Some(first) = told.first_mut() {
        *first = first.trim_start_matches("error: ").to_owned();
    }
    // How it is used says nothing where something else does.
    if told.len() > 2 {
        told.retain(|part| !part.starts_with("Usage:"));
    }
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn line(arguments: &[&str]) -> String {
        let parsed = crate::Cli::try_parse_from([&["softmax"], arguments].concat());
        one_line(&parsed.err().expect("the parser refuses it").render().to_string())
    }

    #[test]
    fn what_the_parser_refuses_is_one_line() {
        let refused: [(&[&str], &str); 5] = [
            (
                &["run", "--axs", "0", "x.npy"],
                "unexpected argument '--axs' found; tip: a similar argument exists: '--axis'",
            ),
            (
                &["run"],
                "the following required arguments were not provided: --output <OUT> <IN>; Usage: softmax run --output <OUT> <IN>",
            ),
            (
                &["run", "x.npy", "--memory", "lots"],
                "invalid value 'lots' for '--memory <SIZE>': write a size, such as 512MiB, 2GB or 1000000",
            ),
            (
                &["run", "x.npy", "--op", "hard"],
                "invalid value 'hard' for '--op <FUNCTION>' [possible values: softmax, log-softmax, logsumexp, softmin]",
            ),
            (&["rum"], "unrecognized subcommand 'rum'; tip: a similar subcommand exists: 'run'"),
        ];
        for (arguments, expected) in refused {
            assert_eq!(line(arguments), expected, "{arguments:?}");
        }
    }
}
