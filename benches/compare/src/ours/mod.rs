//! This library as a contestant.

mod cpu;
mod gpu;

use anyhow::{Context as _, Result, ensure};
use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters};
use wgpu_softmax::{Op, OpKind, Precision};

use crate::protocol::{Hello, Place, serve};

/// What a contestant in Rust is started with; the Python ones take the same.
#[derive(clap::Args, Clone, Debug)]
pub struct Seat {
    /// Which contestant to be
    pub name: String,
    /// Where it computes: cpu, or kernel and end-to-end, which both mean the GPU
    #[arg(long, value_enum)]
    pub place: Place,
    /// Threads it may use on the CPU
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// A part of the adapter's name or backend
    #[arg(long, default_value = "")]
    pub adapter: String,
}

impl Seat {
    /// The first adapter, hardware before software, whose name or backend contains what was asked.
    ///
    /// # Errors
    /// Where there is none, with those there are.
    pub fn find_adapter(&self) -> Result<AdapterEntry> {
        let all = pollster::block_on(adapters());
        let listed: Vec<String> = all.iter().map(ToString::to_string).collect();
        let part = self.adapter.to_lowercase();
        let mut named = all.into_iter().filter(|a| a.to_string().to_lowercase().contains(&part));
        named.next().with_context(|| format!("no adapter's name contains {part:?}; there are {listed:?}"))
    }
}

/// Softmax at scale 1.
fn softmax(precision: Precision) -> Op {
    Op::new(OpKind::Softmax).precision(precision)
}

/// Serves `reproducible` or `fast`.
///
/// # Errors
/// Where the driver does not speak the protocol.
pub fn play(seat: &Seat) -> Result<()> {
    serve(|| {
        let precision = match seat.name.as_str() {
            "reproducible" => Precision::Reproducible,
            "fast" => Precision::Fast,
            other => anyhow::bail!("{other:?} is none of ours; there are \"reproducible\" and \"fast\""),
        };
        ensure!(seat.threads > 0, "0 threads cannot compute; give 1 or more");
        match seat.place {
            Place::Cpu => {
                let cpu = cpu::Cpu::open(precision, seat.threads);
                Ok((cpu.hello(), Box::new(cpu)))
            }
            Place::Kernel | Place::EndToEnd => {
                let gpu = gpu::Gpu::open(precision, seat.find_adapter()?)?;
                Ok((gpu.hello(), Box::new(gpu)))
            }
        }
    })
}

/// The version of this library.
fn hello(setting: String, device: String) -> Hello {
    Hello { version: env!("CARGO_PKG_VERSION").to_owned(), setting, device }
}
