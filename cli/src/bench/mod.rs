//! `softmax bench`: how fast, how far from a copy, and against what else.

mod csv;
mod device;
mod files;
mod html;
mod report;
mod select;
mod shapes;
mod sweep;

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::measure::Effort;
use crate::{interrupt, profile, terminal};
use files::Files;
use select::Kernels;
use sweep::Sweep;

/// Measure kernels on devices, and how near they come to a copy
///
/// Each cell is one shape, operation, precision and kernel on one device. Its answer is compared with
/// the specification first: bit for bit, or within 1e-4 for fast. Then come the median time on the device, the time
/// from host to host, and the share of the bandwidth that a plain copy of the same batch reaches on the
/// same device in the same run. Buffers take turns, so that caches do not flatter. Elements are f32,
/// the one type there is.
///
/// Without options: batches of 64 KiB, 1 MiB and 32 MiB of 3 to 131072 columns by every device, as
/// planned, which takes half a minute to two on two cores with software adapters.
///
/// Exit status: 0, or 1 where an answer was wrong, or 2 where something could not be done. A kernel
/// that does not take a shape is a line that says why, and no failure.
#[derive(clap::Args)]
pub struct Args {
    /// Measure this shape; may be given several times
    #[arg(long, value_name = "ROWSxCOLS", allow_hyphen_values = true)]
    shape: Vec<String>,
    /// Measure row lengths, or numbers of rows: cols=1..131072 (the powers of two there and a few odd
    /// ones), cols=3,128,1000, rows=1..4096; rows alone are of 1000 columns
    #[arg(long, value_name = "AXIS=VALUES")]
    sweep: Vec<String>,
    /// How large the input of a batch is, where no number of rows is given: 64KiB,32MiB
    #[arg(long, value_name = "SIZE", value_delimiter = ',', allow_hyphen_values = true)]
    bytes: Vec<String>,
    /// What is computed: a list of softmax, log-softmax, logsumexp, row-stats (which have no fast
    /// precision), or all
    #[arg(long, value_name = "NAME", default_value = "softmax")]
    op: Vec<String>,
    /// How: reproducible, fast, a list of both, or all
    #[arg(long, value_name = "NAME", default_value = "all")]
    precision: Vec<String>,
    /// By which kernels: planned, all, or a list of names, as in thread,split,planned
    #[arg(long, value_name = "NAME", default_value = "planned")]
    kernel: Vec<String>,
    /// On what: all, auto, cpu, or a number or part of a name from `softmax devices`; may be given
    /// several times
    #[arg(long, value_name = "DEVICE", default_value = "all", allow_hyphen_values = true)]
    device: Vec<String>,
    /// Thresholds of the planner for the GPUs that are measured, as `softmax tune` wrote them
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Keep roundings by seals although a device takes decorations, to see what those save
    #[arg(long)]
    sealed: bool,
    /// What is measured beside each shape
    #[arg(long, value_enum, default_value_t)]
    baseline: Baseline,
    /// Seconds for the runs of a cell on the device, and as many from host to host
    #[arg(long, value_name = "SECONDS", default_value = "0.2", allow_hyphen_values = true)]
    time: String,
    /// The most runs of a cell; where that allows five there are five, however long they take
    #[arg(long, value_name = "N", default_value = "50", allow_hyphen_values = true)]
    samples: String,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Write the cells to a file of comma-separated values as well
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a report with plots as well, in one file that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// What kernels are measured against.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq)]
enum Baseline {
    /// A copy of the same bytes, 16 at a time on GPUs
    #[default]
    Copy,
    /// Nothing
    None,
}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        interrupt::catch();
        let sweep = Sweep {
            shapes: shapes::shapes(&self.shape, &self.sweep, &self.bytes)?,
            ops: select::operations(&self.op)?,
            precisions: select::precisions(&self.precision)?,
            kernels: Kernels::parse(&self.kernel)?,
            copy: self.baseline == Baseline::Copy,
            effort: self.effort()?,
        };
        let files = Files::begin(self.csv.as_deref(), self.html.as_deref())?;
        let mut devices = device::open(&self.device)?;
        if self.sealed {
            device::seal(&mut devices);
        }
        if let Some(path) = &self.profile {
            device::use_profile(&mut devices, &profile::read(path)?)?;
        }
        if sweep.asks_for_fast_statistics() {
            terminal::tell("note: row-stats have no fast precision, and are measured as reproducible");
        }
        let (report, refusals) = sweep.run(devices)?;
        let printed =
            if self.json { terminal::print_json(&report) } else { terminal::print(report.text().as_bytes()) };
        // Each of them, whatever became of the others: measuring again takes long.
        let [csv, html] = files.write(&report);
        Failure::of_all([printed, csv, html, report.outcome(&refusals)])
    }

    fn effort(&self) -> Result<Effort, Failure> {
        let time = self.time.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let time = time.ok_or_else(|| {
            Failure::Cannot(format!("--time {}: write a number of seconds, as in 0.2", self.time))
        })?;
        let samples = self.samples.parse().ok().filter(|samples| *samples > 0).ok_or_else(|| {
            Failure::Cannot(format!("--samples {}: write a number of runs, at least 1", self.samples))
        })?;
        Ok(Effort { time, samples })
    }
}
