//! Why the command ends without having done what was asked, and its exit status.

use std::path::Path;
use std::process::ExitCode;

use crate::terminal;

/// What ends the command early.
#[derive(Debug)]
pub enum Failure {
    /// Something cannot be done; the line says what, with the numbers and the way out.
    Cannot(String),
    /// A comparison found a difference, and the report has said so.
    Differs,
}

impl Failure {
    /// One that concerns a file: its path stands first.
    pub fn of_file(path: &Path, what: impl std::fmt::Display) -> Self {
        Failure::Cannot(format!("{}: {what}", path.display()))
    }

    /// What several things come to that were all tried: the failure that decides the exit status, which
    /// is a difference where there is one. The others are told here.
    pub fn of_all(outcomes: impl IntoIterator<Item = Result<(), Self>>) -> Result<(), Self> {
        let mut failures: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        failures.sort_by_key(|failure| matches!(failure, Failure::Differs));
        let last = failures.pop();
        for failure in failures {
            failure.tell();
        }
        last.map_or(Ok(()), Err)
    }

    /// Tells it on standard error, in one line, and gives the exit status.
    pub fn tell(self) -> ExitCode {
        match self {
            Failure::Differs => ExitCode::from(1),
            Failure::Cannot(line) => {
                terminal::tell(&format!("error: {line}"));
                ExitCode::from(2)
            }
        }
    }
}

impl From<wgpu_softmax::Error> for Failure {
    fn from(error: wgpu_softmax::Error) -> Self {
        Failure::Cannot(error.to_string())
    }
}
