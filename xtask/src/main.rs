//! Chores of the workspace: `cargo xtask --help`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand};
use xtask::{bundle, ci, counts, isa, machine, peers, test, web};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the workspace")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test, installing what they need where that is possible
    Test {
        /// Also everything in the release profile, with the long tests
        #[arg(long)]
        full: bool,
        /// Passed to the tests
        #[arg(last = true)]
        extra: Vec<String>,
    },
    /// Run everything that a change must pass
    Ci,
    /// Compile the kernels for an AMD GPU and look at the instructions; needs Mesa's driver, no card
    Isa(IsaOptions),
    /// Compare what the kernels cost in instructions with the checked-in counts
    Counts(CountsOptions),
    /// Put the command, tests and benchmarks in a folder that runs on a machine without Rust
    Bundle {
        /// The folder; it is replaced. Unless given: target/bundle
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Measure this library beside burn, IREE, candle, torch, onnxruntime, numpy, jax and Triton
    Peers(Box<PeersOptions>),
    /// Make the kernels' pipelines in a headless Chromium, whose compiler is stricter than wgpu's own
    Web {
        /// The browser's program [default: chromium, or google-chrome]
        #[arg(long)]
        browser: Option<PathBuf>,
    },
    #[command(name = isa::driver::CHILD, hide = true)]
    IsaChild { entry_point: String, immediate_size: u32, bindings: Vec<String> },
    #[command(name = isa::driver::VERSION_CHILD, hide = true)]
    IsaVersionChild,
    #[command(name = machine::CHILD, hide = true)]
    AdaptersChild,
}

#[derive(Args)]
struct IsaOptions {
    /// A family that Mesa knows: navi21, navi10, vega10, ...
    #[arg(long, default_value = isa::FAMILY)]
    family: String,
    /// Only kernels whose name contains this
    #[arg(long)]
    kernel: Option<String>,
    /// Without wgpu's run-time checks, as `create_shader_module_trusted` can leave them out
    #[arg(long)]
    trusted: bool,
    /// Print the instructions too
    #[arg(long)]
    code: bool,
    /// For programs, instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct PeersOptions {
    /// A Python virtual environment to use as it is; unless given, target/peers/venv is made
    #[arg(long)]
    venv: Option<PathBuf>,
    #[command(flatten)]
    comparison: softmax_compare::Options,
}

#[derive(Args)]
struct CountsOptions {
    /// Renew the files instead
    #[arg(long)]
    write: bool,
    /// The CPU's kernels; unless --cpu or --shaders is given: both
    #[arg(long)]
    cpu: bool,
    /// The GPU's kernels
    #[arg(long)]
    shaders: bool,
    /// Only kernels whose name contains this
    #[arg(long, default_value = "")]
    filter: String,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Test { full, extra } => test::test(full, &extra),
        Chore::Ci => ci::ci(),
        Chore::Isa(options) => show_isa(&options),
        Chore::Counts(options) => compare_counts(&options),
        Chore::Bundle { out } => bundle::bundle(out),
        Chore::Peers(options) => peers::peers(options.venv, options.comparison),
        Chore::Web { browser } => web::web(browser),
        Chore::IsaChild { entry_point, immediate_size, bindings } => {
            isa::driver::child(&entry_point, immediate_size, &bindings)
        }
        Chore::IsaVersionChild => isa::driver::version_child(),
        Chore::AdaptersChild => {
            machine::child();
            Ok(())
        }
    }
}

fn compare_counts(options: &CountsOptions) -> Result<()> {
    let both = options.cpu == options.shaders;
    let mut kinds = counts::Kind::ALL.to_vec();
    kinds.retain(|kind| both || (*kind == counts::Kind::Cpu) == options.cpu);
    machine::prepare()?;
    counts::counts(&kinds, &options.filter, options.write)
}

fn show_isa(options: &IsaOptions) -> Result<()> {
    let name = options.kernel.as_deref().unwrap_or("");
    let mut kernels = isa::catalogue();
    kernels.retain(|k| k.name.contains(name));
    ensure!(!kernels.is_empty(), "no kernel's name contains {name:?}");
    let compiler = std::env::current_exe()?;
    kernels.iter_mut().for_each(|k| k.trusted |= options.trusted);
    if options.code {
        for kernel in &kernels {
            println!("{}\n{}", kernel.name, isa::compile(&compiler, &options.family, kernel)?);
        }
    }
    let reports = isa::check_all(&compiler, &options.family, &kernels)?;
    if options.json {
        let all: Vec<_> = reports.iter().map(isa::Report::json).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        print!("{}", isa::table(&reports));
    }
    let failures: Vec<_> =
        reports.iter().flat_map(|r| r.failures.iter().map(move |f| format!("{}: {f}", r.name))).collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
