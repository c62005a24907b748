//! `softmax tune`: the planner's thresholds on an adapter, by measurement.

mod ladder;
mod numbers;
mod sweep;

use std::path::PathBuf;
use std::time::Instant;

use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::profile::ProfileKey;
use wgpu_softmax::gpu::{Options, Profile};
use wgpu_softmax::{DeviceChoice, Op, OpKind, Shape};

use crate::device::{adapters_if, choose};
use crate::failure::Failure;
use crate::measure::{Batch, Gpu, Refusal};
use crate::output::Output;
use crate::progress::Progress;
use crate::{interrupt, terminal};

/// Find the fastest kernel for each row length on an adapter, and write it as a profile
///
/// Every kernel computes rows of growing length, in turn and several times over; its answers are
/// compared with the specification first, bit for bit. A kernel takes over from the one before where
/// it is faster by more than the noise. The profile is data that `softmax run --profile`, `softmax
/// bench --profile` and the library's `Options::profile` load; it changes speed, never bits.
///
/// Exit status: 0, or 1 where an answer was wrong, or 2 where something could not be done, and then
/// nothing is written; a profile that was measured and could not be written is printed.
#[derive(clap::Args)]
pub struct Args {
    /// The adapter: auto, or a number or part of a name from `softmax devices`
    #[arg(long, default_value = "auto", allow_hyphen_values = true)]
    device: DeviceChoice,
    /// Where the profile is written; printed where none is named
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The longest rows to measure; those beyond go by the shipped profile
    #[arg(long, value_name = "COLUMNS", allow_hyphen_values = true)]
    cols: Option<String>,
    /// Half of the lengths, fewer rounds, and only which kernel, not its numbers
    #[arg(long)]
    quick: bool,
}

/// Numbers of the search that depend on the adapter and on --quick.
#[derive(Clone, Copy, Debug)]
struct Search {
    /// Elements of a batch.
    elements: u64,
    /// Rounds of a race.
    rounds: usize,
    /// From one row length to the next.
    factor: u64,
    /// The longest rows.
    most: u64,
}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        interrupt::catch();
        let cols = self.cols.as_deref().map(columns).transpose()?;
        let entry = self.adapter()?;
        let search = self.search(entry.is_hardware(), cols);
        search.check_size()?;
        let output = self.out.as_deref().map(Output::create).transpose()?;
        let mut gpu = Gpu::open(&entry)?;
        let progress = Progress::cells(2 * search.lengths().count(), Instant::now());
        let mut report = vec![sweep::heading()];
        let ladders = sweep::ladders(&mut gpu, &search, &mut report, &progress).map_err(told)?;
        drop(progress);
        let mut rungs = ladder::merge(&ladders);
        if cols.is_some() {
            rungs.iter_mut().for_each(|rung| rung.cols = rung.cols.min(search.most));
        }
        if !self.quick {
            numbers::tune(&mut gpu, &search, &mut rungs, &mut report).map_err(told)?;
        }
        let profile = Profile::new(ProfileKey::of(&gpu.capabilities()), rungs)?;
        let table = terminal::print(format!("{entry}\n\n{}\n", terminal::table(&report)).as_bytes());
        let text = format!("{}# {entry}, {}\n", profile.to_text(), entry.info.driver_info);
        match output {
            Some(output) => Failure::of_all([table, written(output, &text)]),
            None => table.and_then(|()| terminal::print(text.as_bytes())),
        }
    }

    fn adapter(&self) -> Result<AdapterEntry, Failure> {
        let there = adapters_if(true);
        choose(&self.device, &there)?.map_err(|reason| {
            let why = match self.device {
                DeviceChoice::Cpu => format!("{reason}, and has"),
                _ => format!("auto takes the CPU, because {reason}; the CPU has"),
            };
            let way = match there[..] {
                [] => "install a Vulkan driver, so that there is an adapter",
                _ => "name an adapter from `softmax devices` with --device",
            };
            Failure::Cannot(format!("{why} no thresholds to tune; {way}"))
        })
    }

    fn search(&self, hardware: bool, cols: Option<u64>) -> Search {
        let (rounds, factor, most) = if self.quick { (5, 4, 1 << 17) } else { (11, 2, 1 << 20) };
        // A program on the CPU is busy with little; a GPU must have more than its caches hold.
        let elements = if hardware { 1 << 24 } else { 1 << 17 };
        Search { elements, rounds, factor, most: cols.unwrap_or(most) }
    }
}

impl Search {
    /// The row lengths, multiples of 4.
    fn lengths(&self) -> impl Iterator<Item = u64> + use<> {
        let (factor, most) = (self.factor, self.most);
        std::iter::successors(Some(4u64), move |cols| cols.checked_mul(factor))
            .take_while(move |cols| *cols <= most)
    }

    /// Rows of that length that make a batch, at least one.
    fn shape(&self, cols: u64) -> Shape {
        Shape::rows((self.elements / cols).max(1) as usize, cols as usize)
    }

    /// Whether there is memory for the longest rows: better told now than when they are reached.
    fn check_size(&self) -> Result<(), Failure> {
        let Some(longest) = self.lengths().last() else { return Ok(()) };
        Batch::check_size(self.shape(longest)).map_err(|refusal| match refusal {
            Refusal::Memory(what) => told(Refusal::Memory(format!("--cols {}: {what}", self.most))),
            other => told(other),
        })
    }
}

/// From `--cols`.
fn columns(text: &str) -> Result<u64, Failure> {
    text.trim()
        .parse()
        .ok()
        .filter(|cols| *cols >= 4)
        .ok_or_else(|| Failure::Cannot(format!("--cols {text}: write a number of columns, at least 4")))
}

/// Writes the profile, and prints it where that cannot be done: measuring again takes long.
fn written(mut output: Output, text: &str) -> Result<(), Failure> {
    let written = output.write(text.as_bytes()).and_then(|()| output.finish());
    let printed = if written.is_err() { terminal::print(text.as_bytes()) } else { Ok(()) };
    Failure::of_all([printed, written])
}

/// What is measured: softmax, every bit of it.
fn op() -> Op {
    Op::new(OpKind::Softmax)
}

/// Options that force a rung's kernel with its numbers.
fn forced(rung: wgpu_softmax::gpu::profile::Rung) -> Result<Options, Refusal> {
    let mut any = rung;
    any.cols = u64::MAX;
    let profile = Profile::new(ProfileKey::default(), vec![any])?;
    Ok(Options::default().profile(profile).force(rung.kernel))
}

fn told(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Wrong(what) => {
            terminal::tell(&format!("WRONG: {what}"));
            Failure::Differs
        }
        Refusal::Memory(what) => {
            Failure::Cannot(format!("{what}; give a smaller --cols, or make memory free"))
        }
        Refusal::Cannot(error) => error.into(),
    }
}
