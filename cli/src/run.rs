//! `softmax run`: an operation on the rows of a NumPy file.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use wgpu_softmax::stream::{Fallback, Summary as Streamed};
use wgpu_softmax::{Context, DeviceChoice, NUMERICS_VERSION, Op, Shape};

use crate::check::Check;
use crate::failure::Failure;
use crate::job::Job;
use crate::journal::Identity;
use crate::npy::{self, Elements, Source, header_bytes};
use crate::operation::Operation;
use crate::output::{Output, Start};
use crate::store::Store;
use crate::summary::{Device, FileSummary, Summary, Work};
use crate::{interrupt, profile, terminal};

/// Compute the rows of a NumPy file
///
/// Reads an array of f32 with any number of axes and computes along the last one. The output is an
/// array of the same shape; logsumexp drops the last axis. An array without axes is one element.
///
/// The array may be larger than any memory: it is read, computed and written a chunk at a time, and so
/// is a row that is too long. The bits are those of the whole array in memory.
///
/// The output is written beside its name and gets the name when it is complete: whatever goes wrong,
/// there is never half a file, and the output may be the input. An interrupted run leaves what it has
/// done beside the name; --resume goes on with it, and without --resume the next run begins anew.
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
    ///
    /// auto is a hardware GPU where there is one, else the CPU. What the CPU has done before a GPU would
    /// have started goes to the CPU, unless --check is to compare the two. Given several times, the rows
    /// are shared by measured speed.
    #[arg(long, default_value = "auto")]
    device: Vec<DeviceChoice>,
    /// What happens where a device fails and no other is left
    #[arg(long, value_enum, default_value_t)]
    fallback: FallbackName,
    /// Memory for chunks, such as 512MiB or 2GB; else a quarter of what is free, 1 GiB at most
    ///
    /// What the process holds besides (its code, a device's driver) is below 128 MiB.
    #[arg(long, value_name = "SIZE")]
    memory: Option<bytesize::ByteSize>,
    /// Go on with what an interrupted run of the same command has left, if it has
    #[arg(long)]
    resume: bool,
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
    /// Keep nothing for later runs, and use nothing that earlier ones kept
    ///
    /// Compiled pipelines and measured speeds are kept in the user's cache directory. The same as
    /// setting SOFTMAX_NO_CACHE.
    #[arg(long)]
    no_cache: bool,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum FallbackName {
    /// The run ends, and can be resumed
    #[default]
    Stop,
    /// The CPU does the rest, with the same bits
    Cpu,
}

/// What is made of what.
struct Plan {
    dims: Vec<usize>,
    output_dims: Vec<usize>,
    header: Vec<u8>,
    output_bytes: u64,
}

impl Plan {
    fn new(op: Op, dims: Vec<usize>, shape: Shape) -> Result<Self, Failure> {
        let kept = if op.kind.is_elementwise() { dims.len() } else { dims.len().saturating_sub(1) };
        let output_dims = dims[..kept].to_vec();
        let header = header_bytes(&output_dims);
        let header = header.map_err(|e| Failure::Cannot(format!("the output's header: {e}")))?;
        let output_bytes = header.len() as u64 + 4 * op.kind.output_words(shape)?;
        Ok(Self { dims, output_dims, header, output_bytes })
    }
}

/// What was done.
struct Done {
    rows_before: u64,
    streamed: Streamed,
    check: Option<Check>,
}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        interrupt::catch();
        let op = self.operation.op()?;
        let profile = self.profile.as_deref().map(profile::read).transpose()?;
        let source = Source::open(&self.input)?;
        let (shape, plan) = self.plan(op, &source)?;
        let mut job =
            Job::new(op, shape, self.memory.map(|memory| memory.as_u64()), Store::new(self.no_cache));
        let contexts = job.open(&self.device, profile.as_ref(), self.check)?;
        let (mut output, rows_before) = self.begin(&source, &contexts, &plan)?;
        let mut elements = job.elements(if self.check { source.again()? } else { source })?;
        let outcome = self.compute(&mut job, &contexts, &mut elements, rows_before, &mut output, &plan);
        let done = match outcome {
            Ok(done) => done,
            Err(failure) => return Err(leave(output, &elements, failure)),
        };
        if done.check.as_ref().is_none_or(|check| check.passed) {
            job.finish(output)?;
        } else {
            output.discard();
        }
        let (streamed, rows) = (done.streamed.clone(), shape.row_count() - rows_before);
        let summary = self.summary(&mut job, &contexts, plan, done)?;
        let told = self.report(&summary);
        job.remember(&contexts, &streamed, rows);
        told
    }

    fn plan(&self, op: Op, source: &Source) -> Result<(Shape, Plan), Failure> {
        let dims = source.shape().to_vec();
        let fail = |e: wgpu_softmax::Error| Failure::of_file(&self.input, e);
        let shape = Shape::last_axis(&dims).map_err(fail)?;
        op.kind.output_words(shape).map_err(fail)?;
        Ok((shape, Plan::new(op, dims, shape)?))
    }

    fn begin(&self, source: &Source, contexts: &[Context], plan: &Plan) -> Result<(Output, u64), Failure> {
        let start = Start {
            header: &plan.header,
            bytes: plan.output_bytes,
            identity: self.identity(source, contexts)?,
            resume: self.resume,
            read_back: self.check,
        };
        Output::begin(&self.output, start)
    }

    fn compute(
        &self,
        job: &mut Job,
        contexts: &[Context],
        elements: &mut Elements,
        rows_before: u64,
        output: &mut Output,
        plan: &Plan,
    ) -> Result<Done, Failure> {
        let fallback = match self.fallback {
            FallbackName::Stop => Fallback::Stop,
            FallbackName::Cpu => Fallback::Cpu,
        };
        let streamed = job.compute(contexts, fallback, elements, rows_before, output)?;
        elements.end()?;
        let check =
            if self.check { Some(job.check(elements, output, plan.header.len() as u64)?) } else { None };
        // Once more: the comparison has read it again.
        elements.end()?;
        Ok(Done { rows_before, streamed, check })
    }

    /// What another run must be like to go on with this one's output.
    fn identity(&self, source: &Source, contexts: &[Context]) -> Result<Option<Identity>, Failure> {
        let Some(input) = source.identity()? else {
            return if self.resume { Err(cannot_resume(&self.input)) } else { Ok(None) };
        };
        let is_fast = self.operation.precision() == "fast";
        let names = || contexts.iter().map(Device::name).collect();
        Ok(Some(Identity {
            numerics_version: NUMERICS_VERSION,
            operation: self.operation.description()?,
            devices: is_fast.then(names),
            input,
        }))
    }

    fn summary(
        &self,
        job: &mut Job,
        contexts: &[Context],
        plan: Plan,
        done: Done,
    ) -> Result<Summary, Failure> {
        let file = |path: &PathBuf, shape: Vec<usize>| FileSummary {
            path: path.clone(),
            bytes: (npy::elements(&shape).unwrap_or(0) * size_of::<f32>()) as u64,
            shape,
        };
        let devices = Device::all(contexts, &done.streamed);
        let seconds = job.end();
        Ok(Summary {
            op: self.operation.name(),
            scale: self.operation.factor()?,
            precision: self.operation.precision(),
            numerics_version: NUMERICS_VERSION,
            input: file(&self.input, plan.dims),
            output: file(&self.output, plan.output_dims),
            written: done.check.as_ref().is_none_or(|check| check.passed),
            rows: job.shape.row_count(),
            columns: job.shape.cols(),
            device: devices[0].place.clone(),
            kernel: devices[0].kernel.to_owned(),
            devices,
            work: Work::new(job, self.resume.then_some(done.rows_before), &done.streamed),
            seconds,
            check: done.check,
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

fn cannot_resume(input: &Path) -> Failure {
    Failure::of_file(input, "a pipe cannot be read again; leave --resume out, or name a file")
}

/// Leaves of an output what another run can go on with, and says so.
fn leave(output: Output, elements: &Elements, failure: Failure) -> Failure {
    if elements.is_spoilt() {
        output.discard();
        return failure;
    }
    match failure {
        Failure::Cannot(line) if output.is_kept() => Failure::Cannot(line + interrupt::RESUME),
        other => other,
    }
}
