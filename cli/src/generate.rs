//! `softmax completions` and `softmax man`: text made from the command line's own description.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::{Cli, terminal};

/// Print the completion script of a shell
///
/// For example, for bash:
///
///   softmax completions bash > ~/.local/share/bash-completion/completions/softmax
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    /// Prints it.
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "softmax", &mut script);
        terminal::print(&script)
    }
}

/// Print a manual page (roff), of the command or of one of its subcommands
///
/// For example:
///
///   softmax man run | man -l -
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Man {
    /// The subcommand whose page is wanted; the command's own without it
    subcommand: Option<String>,
}

impl Man {
    /// Prints it.
    pub fn run(self) -> Result<(), Failure> {
        let mut command = Cli::command();
        // Gives the subcommands their full names ("softmax run") and the inherited version.
        command.build();
        let page = match &self.subcommand {
            None => command,
            Some(name) => command.find_subcommand(name).cloned().ok_or_else(|| unknown(name, &command))?,
        };
        let source = concat!("softmax ", env!("CARGO_PKG_VERSION"));
        let mut text = Vec::new();
        let rendered = clap_mangen::Man::new(page).source(source).render(&mut text);
        rendered.map_err(|e| Failure::Cannot(format!("the manual page: {e}")))?;
        terminal::print(&text)
    }
}

fn unknown(name: &str, command: &clap::Command) -> Failure {
    let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
    Failure::Cannot(format!("there is no subcommand {name:?}; there are {}", names.join(", ")))
}
