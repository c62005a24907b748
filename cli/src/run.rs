//! `softmax run`: an operation on the rows of a NumPy file.

use std::path::PathBuf;

use wgpu_softmax::{Context, DeviceChoice, NUMERICS_VERSION, Op, Shape};

use crate::check::Check;
use crate::failure::Failure;
use crate::job::Job;
use crate::npy::{self, Source};
use crate::operation::Operation;
use crate::output::Output;
use crate::summary::{FileSummary, Summary};
use crate::{interrupt, profile, terminal};

/// Compute the rows of a NumPy file
///
/// Reads an array of f32 with any number of axes and computes along the last one. The output is an
/// array of the same shape; logsumexp drops the last axis. An array without axes is one element.
///
/// The output is written beside its name and gets the name when it is complete: whatever goes wrong,
/// there is never half a file, and the output may be the input. The input must not be shortened by
/// another program while the command runs.
///
/// Exit status: 0, or 1 where --check failed, 2 where something could not be done, 130 after an
/// interruption. In the last three cases no output is written.
#[derive(clap::Args)]
pub struct Args {
    /// The array to read
    #[arg(value_name = "IN.npy")]
    input: PathBuf,
    /// The array to write
    #[arg(short, long, value_name = "OUT.npy")]
    output: PathBuf,
    #[command(flatten)]
    operation: Operation,
    /// Where to compute: auto, cpu, or a number or part of a name from `softmax devices`
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Thresholds of the planner for the GPU, as `softmax tune` wrote them
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Compute on the CPU too and compare
    ///
    /// With --precision reproducible every bit must be equal. With fast, bits may differ from the
    /// reproducible ones: the largest distance is told, and the check fails only where one of the
    /// two is NaN or infinite and the other is not. A failed check writes no output.
    #[arg(long)]
    check: bool,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        interrupt::catch();
        let op = self.operation.op()?;
        let profile = self.profile.as_deref().map(profile::read).transpose()?;
        let source = Source::open(&self.input)?;
        let dims = source.shape().to_vec();
        let fail = |e: wgpu_softmax::Error| Failure::of_file(&self.input, e);
        let shape = Shape::last_axis(&dims).map_err(fail)?;
        let results = usize::try_from(op.kind.output_words(shape).map_err(fail)?).unwrap_or(usize::MAX);
        let mut y = npy::zeros(results, &self.output)?;
        let output = Output::create(&self.output)?;
        let mut job = Job::new(op, shape);
        let context = job.open(&self.device, profile.as_ref())?;
        let x = job.read(source)?;
        job.compute(&context, x.elements(), &mut y)?;
        let check = if self.check { Some(job.check(x.elements(), &y)?) } else { None };
        let written = check.as_ref().is_none_or(|check| check.passed);
        if written {
            job.write(output, &output_dims(op, &dims), &y)?;
        }
        let summary = self.summary(job, &context, &dims, check)?;
        self.report(&summary)
    }

    fn summary(
        &self,
        mut job: Job,
        on: &Context,
        dims: &[usize],
        check: Option<Check>,
    ) -> Result<Summary, Failure> {
        let file = |path: &PathBuf, shape: Vec<usize>| FileSummary {
            path: path.clone(),
            bytes: (npy::elements(&shape).unwrap_or(0) * size_of::<f32>()) as u64,
            shape,
        };
        Ok(Summary {
            op: self.operation.name(),
            scale: self.operation.factor()?,
            precision: self.operation.precision(),
            numerics_version: NUMERICS_VERSION,
            input: file(&self.input, dims.to_vec()),
            output: file(&self.output, output_dims(job.op, dims)),
            written: check.as_ref().is_none_or(|check| check.passed),
            rows: job.shape.row_count(),
            columns: job.shape.cols(),
            device: on.into(),
            kernel: job.kernel.to_owned(),
            seconds: job.end(),
            check,
        })
    }

    fn report(&self, summary: &Summary) -> Result<(), Failure> {
        if self.json {
            terminal::print_json(summary)?;
        } else {
            terminal::print(summary.text().as_bytes())?;
        }
        if summary.written { Ok(()) } else { Err(Failure::Differs) }
    }
}

/// The result's axes.
fn output_dims(op: Op, dims: &[usize]) -> Vec<usize> {
    let kept = if op.kind.is_elementwise() { dims.len() } else { dims.len().saturating_sub(1) };
    dims[..kept].to_vec()
}
