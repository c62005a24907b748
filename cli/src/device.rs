//! Devices on the command line: the choice of one, and what is said of it.

use serde::Serialize;
use wgpu_softmax::gpu::adapter::{self, AdapterEntry, adapters};
use wgpu_softmax::gpu::{Compiled, Options};
use wgpu_softmax::{Context, DeviceChoice};

use crate::cpu;
use crate::failure::Failure;
use crate::store::Store;

/// The adapters there are; none where nobody asks for one, since looking for them takes a tenth of a
/// second, and some drivers talk while it lasts.
pub fn adapters_if(needed: bool) -> Vec<AdapterEntry> {
    if needed { pollster::block_on(adapters()) } else { Vec::new() }
}

/// The adapter that a choice stands for, or the reason why that is the CPU. An empty name, of which every
/// adapter's name has a part, fits none here.
pub fn choose(choice: &DeviceChoice, from: &[AdapterEntry]) -> Result<Result<AdapterEntry, String>, Failure> {
    if *choice == DeviceChoice::Name(String::new()) {
        let what = "no adapter: the name \"\" fits none; give --device auto, cpu, or a number or part of a name from `softmax devices`";
        return Err(Failure::Cannot(what.to_owned()));
    }
    match adapter::choose(choice, from) {
        Ok(Err(reason)) if from.is_empty() && *choice == DeviceChoice::Auto => Ok(Err(reason + &hidden())),
        Err(error) => Err(Failure::Cannot(error.to_string() + &hidden())),
        chosen => Ok(chosen?),
    }
}

/// What may keep adapters out of sight, to be said where one is missing.
fn hidden() -> String {
    std::env::var_os("WGPU_BACKEND").map_or_else(String::new, |names| {
        format!("; WGPU_BACKEND is set to {names:?}, and hides all other backends: unset it to see them")
    })
}

/// Opens all that `--device` names, each once, with the pipelines that earlier runs compiled.
pub fn open_all(choices: &[DeviceChoice], store: &Store) -> Result<(Vec<Context>, Vec<Compiled>), Failure> {
    let there = adapters_if(choices.iter().any(|choice| *choice != DeviceChoice::Cpu));
    let (mut all, mut kept): (Vec<Context>, _) = (Vec::new(), Vec::new());
    for choice in choices {
        let chosen = choose(choice, &there)?;
        let number = chosen.as_ref().ok().map(|entry| entry.index);
        if all.iter().any(|other| other.adapter().map(|entry| entry.index) == number) {
            continue;
        }
        let (context, compiled) = open(chosen, store)?;
        all.push(context);
        kept.push(compiled);
    }
    Ok((all, kept))
}

fn open(chosen: Result<AdapterEntry, String>, store: &Store) -> Result<(Context, Compiled), Failure> {
    match chosen {
        Err(reason) => Ok((Context::cpu(reason), Compiled::new())),
        Ok(entry) => {
            let compiled = store.compiled(&entry);
            let options = Options::default().compiled(compiled.clone());
            Ok((pollster::block_on(Context::on(entry, options))?, compiled))
        }
    }
}

/// Where something ran.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// "gpu" or "cpu".
    pub kind: &'static str,
    /// The adapter's name, or what the CPU computes with.
    pub name: String,
    /// The number that `--device` takes; none for the CPU.
    pub index: Option<usize>,
    /// The adapter's backend.
    pub backend: Option<String>,
    /// Why the CPU is used, where it is.
    pub reason: Option<String>,
}

impl From<&Context> for Place {
    fn from(context: &Context) -> Self {
        match context.adapter() {
            Some(entry) => Self {
                kind: "gpu",
                name: entry.info.name.clone(),
                index: Some(entry.index),
                backend: Some(entry.info.backend.to_string()),
                reason: None,
            },
            None => Self {
                kind: "cpu",
                name: cpu::description(),
                index: None,
                backend: None,
                reason: context.fallback_reason().map(str::to_owned),
            },
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.index, &self.backend, &self.reason) {
            (Some(index), Some(backend), _) => write!(f, "{index}: {} ({backend})", self.name),
            (.., Some(reason)) => write!(f, "the CPU ({}): {reason}", self.name),
            _ => write!(f, "the CPU ({})", self.name),
        }
    }
}
