//! Who there is, and how each is started.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::options::Options;
use crate::protocol::Place;

/// Which program serves a contestant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Home {
    /// This one.
    Ours,
    /// The package in `benches/peers`.
    Rust,
    /// The scripts in `benches/peers/python`.
    Python,
}

/// A contestant: its name in options and reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contestant {
    pub name: &'static str,
    pub home: Home,
    cpu: bool,
    gpu: bool,
}

const fn contestant(name: &'static str, home: Home, cpu: bool, gpu: bool) -> Contestant {
    Contestant { name, home, cpu, gpu }
}

/// All of them; ours come first, since the others are compared with them.
pub const ALL: [Contestant; 11] = [
    contestant("reproducible", Home::Ours, true, true),
    contestant("fast", Home::Ours, true, true),
    contestant("numpy", Home::Python, true, false),
    contestant("torch", Home::Python, true, true),
    contestant("onnxruntime", Home::Python, true, false),
    contestant("jax", Home::Python, true, false),
    contestant("candle", Home::Rust, true, false),
    contestant("burn", Home::Rust, false, true),
    contestant("iree", Home::Python, false, true),
    contestant("torch-compile", Home::Python, false, true),
    contestant("triton", Home::Python, false, true),
];

/// Where and with how many threads all contestants of a turn compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Section {
    /// `Cpu`, or `Kernel` for everything on a GPU.
    pub place: Place,
    pub threads: usize,
}

/// Peers by their names; an empty list means all.
///
/// # Errors
/// Where there is no such peer, with those there are.
pub fn peers(names: &[String]) -> Result<Vec<Contestant>> {
    let all = || ALL.into_iter().filter(|c| c.home != Home::Ours);
    for name in names {
        let known: Vec<_> = all().map(|c| c.name).collect();
        ensure!(known.contains(&name.as_str()), "--peers {name}: there are {}", known.join(", "));
    }
    Ok(all().filter(|c| names.is_empty() || names.iter().any(|n| n == c.name)).collect())
}

/// The series that are asked for.
pub fn sections(options: &Options) -> Vec<Section> {
    let cpu = options.cpu_threads().into_iter().map(|threads| Section { place: Place::Cpu, threads });
    let gpu = (!options.no_gpu).then_some(Section { place: Place::Kernel, threads: 1 });
    cpu.chain(gpu).collect()
}

impl Contestant {
    pub fn plays(&self, section: Section) -> bool {
        if section.place == Place::Cpu { self.cpu } else { self.gpu }
    }

    /// What starts it, so that it uses no more threads than it may.
    pub fn command(&self, section: Section, options: &Options) -> Result<Command> {
        let mut command = match self.home {
            Home::Ours => {
                let mut own = Command::new(std::env::current_exe()?);
                own.arg("serve");
                own
            }
            Home::Rust => {
                Command::new(options.rust_peers.as_ref().context("not built: --rust-peers names it")?)
            }
            Home::Python => {
                let scripts = options.scripts.as_ref().context("--scripts does not name their folder")?;
                python(options.python.as_deref().unwrap_or(Path::new("python3")), scripts)?
            }
        };
        let threads = section.threads.to_string();
        let place = if section.place == Place::Cpu { "cpu" } else { "kernel" };
        command.args([self.name, "--place", place, "--threads", &threads]);
        command.arg(format!("--adapter={}", options.adapter));
        if section.place == Place::Cpu {
            for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC", "PJRT_NPROC"] {
                command.env(name, &threads);
            }
        }
        Ok(command)
    }
}

fn python(interpreter: &Path, scripts: &Path) -> Result<Command> {
    let script = scripts.join("serve.py");
    ensure!(script.exists(), "{} is not there", script.display());
    let mut command = Command::new(interpreter);
    command.arg("-u").arg(script).env("PYTHONDONTWRITEBYTECODE", "1");
    // numpy asks for huge pages for its arrays, which all but double the speed of whoever reads them.
    // Memory belongs to the caller: all contestants get what the system gives unasked.
    command.env("NUMPY_MADVISE_HUGEPAGE", "0");
    Ok(command)
}
