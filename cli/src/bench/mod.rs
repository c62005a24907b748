//! `softmax bench`: how fast, how far from a copy, and against what else.

mod csv;
mod device;
mod html;
mod report;
mod select;
mod shapes;
mod sweep;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::measure::Effort;
use crate::output::Output;
use crate::{interrupt, profile, terminal};
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
/// planned, which takes a minute or two on two cores with software adapters.
///
/// Exit status: 0, or 1 where an answer was wrong, or 2 where something could not be done. A kernel
/// that does not take a shape is a line that says why, and no failure.
#[derive(clap::Args)]
pub struct Args {
    /// Measure this shape; may be given several times
    #[arg(long, value_name = "ROWSxCOLS")]
    shape: Vec<String>,
    /// Measure row lengths, or numbers of rows: cols=1..131072 (the powers of two there and a few odd
    /// ones), cols=3,128,1000, rows=1..4096
    #[arg(long, value_name = "AXIS=VALUES")]
    sweep: Vec<String>,
    /// How large the input of a batch is, where no number of rows is given: 64KiB,32MiB
    #[arg(long, value_name = "SIZE", value_delimiter = ',')]
    bytes: Vec<String>,
    /// What is computed: softmax, log-softmax, logsumexp, row-stats, or all
    #[arg(long, value_name = "NAME", default_value = "softmax")]
    op: Vec<String>,
    /// How: reproducible, fast, or all
    #[arg(long, value_name = "NAME", default_value = "all")]
    precision: Vec<String>,
    /// By which kernel: planned, all, or names
    #[arg(long, value_name = "NAME", default_value = "planned")]
    kernel: Vec<String>,
    /// On what: all, auto, cpu, or a number or part of a name from `softmax devices`
    #[arg(long, value_name = "DEVICE", default_value = "all")]
    device: Vec<String>,
    /// Thresholds of the planner for the GPUs that are measured, as `softmax tune` wrote them
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// What is measured beside each shape
    #[arg(long, value_enum, default_value_t)]
    baseline: Baseline,
    /// Seconds for the runs of a cell on the device, and as many from host to host
    #[arg(long, value_name = "SECONDS", default_value = "0.2", allow_hyphen_values = true)]
    time: String,
    /// The most runs of a cell; there are five, however long they take
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
        let begin = |path: &Option<PathBuf>| path.as_deref().map(Output::create).transpose();
        let (csv, html) = (begin(&self.csv)?, begin(&self.html)?);
        let mut devices = device::open(&self.device)?;
        if let Some(path) = &self.profile {
            let profile = profile::read(path)?;
            devices.iter_mut().try_for_each(|device| device.use_profile(&profile))?;
        }
        let (report, refusals) = sweep.run(devices)?;
        if let (Some(output), Some(path)) = (csv, &self.csv) {
            finish(output, &csv::csv(&report).map_err(|e| unmade(path, &e))?)?;
        }
        if let (Some(output), Some(path)) = (html, &self.html) {
            finish(output, html::page(&report).map_err(|e| unmade(path, &*e))?.as_bytes())?;
        }
        if self.json {
            terminal::print_json(&report)?;
        } else {
            terminal::print(report.text().as_bytes())?;
        }
        report.outcome(&refusals)
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

fn finish(mut output: Output, bytes: &[u8]) -> Result<(), Failure> {
    output.write(bytes)?;
    output.finish()
}

fn unmade(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::of_file(path, format!("the report could not be made: {error}"))
}
