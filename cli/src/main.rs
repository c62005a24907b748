//! The command `softmax`: rows of arrays in files on the GPU or the CPU.
//!
//! Exit status: 0 for success, 1 where a comparison found a difference, 2 for anything that could
//! not be done, 130 after an interruption. Whatever goes wrong is one line on standard error.
#![deny(missing_docs)]

mod bench;
mod beside;
mod check;
mod costs;
mod cpu;
mod device;
mod devices;
mod failure;
mod files;
mod generate;
mod interrupt;
mod job;
mod journal;
mod layout;
mod measure;
mod memo;
mod numbers;
mod operation;
mod output;
mod parts;
mod profile;
mod progress;
mod ran;
mod results;
mod room;
mod run;
mod store;
mod summary;
mod terminal;
mod tune;
mod usage;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure::Failure;

/// Softmax, log-softmax and log-sum-exp of arrays in files, on the GPU or the CPU, with the same bits
/// everywhere.
#[derive(Parser)]
#[command(name = "softmax", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Devices(devices::Args),
    Tune(tune::Args),
    Verify(verify::Args),
    Bench(bench::Args),
    Completions(generate::Completions),
    Man(generate::Man),
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Command::Run(args) => args.run(),
            Command::Devices(args) => args.run(),
            Command::Tune(args) => args.run(),
            Command::Verify(args) => args.run(),
            Command::Bench(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        }
    }
}

fn main() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => cli.command.run(),
        Err(wrong) if wrong.use_stderr() => return usage::refuse(&wrong),
        Err(help) => terminal::printed(help.print().and_then(|()| std::io::stdout().flush())),
    };
    interrupt::over();
    done.map_or_else(Failure::tell, |()| ExitCode::SUCCESS)
}
