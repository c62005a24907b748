//! `softmax-compare`: what `cargo xtask peers` and the bundle run.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use softmax_compare::{Options, ours};

#[derive(Parser)]
#[command(name = "softmax-compare", about = "This library's softmax beside that of others", version)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// Be a contestant: `reproducible` or `fast`
    #[command(hide = true)]
    Serve(ours::Seat),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.part {
        Some(Part::Serve(seat)) => ours::play(seat),
        None => softmax_compare::run(&arguments.options)
            .map(|out| println!("{}", out.join("report.md").display())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}
