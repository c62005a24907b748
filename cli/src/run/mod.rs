//! `softmax run`: an operation on an array in a file.

mod plan;

use std::path::PathBuf;

use clap::ValueEnum;
use wgpu_softmax::stream::Fallback;
use wgpu_softmax::{Context, DType, DeviceChoice, NUMERICS_VERSION};

use crate::beside;
use crate::check::Check;
use crate::failure::Failure;
use crate::files::{Elements, Name, Source};
use crate::job::Job;
use crate::journal::Identity;
use crate::layout::Axes;
use crate::operation::Operation;
use crate::output::{Array, Begin};
use crate::parts::Parts;
use crate::ran::Ran;
use crate::store::Store;
use crate::summary::Summary;
use crate::{interrupt, numbers, profile};
pub use plan::Plan;

/// Compute softmax, log-softmax or log-sum-exp of an array in a file
///
/// Reads an array of f16, bf16, f32 or f64 with any number of axes, from a .npy, .npz or .safetensors
/// file, and computes along the last axis or those that --axis names. The output is an array of the same
/// shape and type; logsumexp drops the axes of a row. An array without axes is one element.
///
/// The array may be larger than any memory: it is read, computed and written a chunk at a time, and so
/// is a row that is too long. The bits are those of the whole array in memory. Rows along other axes than
/// the last ones, and arrays with masks and the like, are computed in parts along their first axis, or
/// as a whole where rows run along that one.
///
/// The output is written beside its name and gets the name when it is complete: whatever goes wrong,
/// there is never half a file, and the output may be the input. An interrupted run leaves what it has
/// done beside the name; --resume goes on with it, and without --resume the next run begins anew.
///
/// Exit status: 0, or 1 where --check failed, 2 where something could not be done, 130 after an
/// interruption. In the last three cases no file is written; only where it is the report that cannot be
/// written, the output is there, and the line of the error says so. A pipe may have got the first rows.
#[derive(clap::Args)]
pub struct Args {
    /// The array to read: a .npy, .npz or .safetensors file; of several arrays in one, FILE:NAME
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// The file to write: .npy, .npz or .safetensors by its name, else as the input; FILE:NAME names the
    /// array in it
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// The array to read of several in a file, as IN:NAME
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
    /// The axes that rows run along, such as -1 or 0,2; none is all of them as one row. Else the last one
    #[arg(long, value_name = "AXES", allow_hyphen_values = true)]
    pub axis: Option<Axes>,
    /// The type of the results; else the input's
    #[arg(long, value_enum, value_name = "TYPE")]
    dtype: Option<DTypeName>,
    #[command(flatten)]
    pub operation: Operation,
    /// Where to compute: auto, cpu, or a number or part of a name from `softmax devices`
    ///
    /// auto is a hardware GPU where there is one, else the CPU. What the CPU has done before a GPU would
    /// have started goes to the CPU, unless --check is to compare the two. Given several times, the rows
    /// are shared by measured speed.
    #[arg(long, default_value = "auto", allow_hyphen_values = true)]
    device: Vec<DeviceChoice>,
    /// What happens where a device fails and no other is left
    #[arg(long, value_enum, default_value_t)]
    fallback: FallbackName,
    /// Memory for chunks, such as 512MiB or 2GB; else a quarter of what is free, 1 GiB at most
    ///
    /// What the process holds besides (its code, a device's driver) is below 128 MiB.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = numbers::size)]
    memory: Option<bytesize::ByteSize>,
    /// Go on with what an interrupted run of the same command has left, if it has
    #[arg(long)]
    pub resume: bool,
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
    #[command(flatten)]
    beside: beside::Args,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum FallbackName {
    /// The run ends, and can be resumed
    #[default]
    Stop,
    /// The CPU does the rest, with the same bits
    Cpu,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum DTypeName {
    /// IEEE binary16
    F16,
    /// The upper half of an f32; in .safetensors files
    Bf16,
    /// IEEE binary32
    F32,
    /// IEEE binary64, on the CPU
    F64,
}

impl From<DTypeName> for DType {
    fn from(name: DTypeName) -> Self {
        match name {
            DTypeName::F16 => DType::F16,
            DTypeName::Bf16 => DType::BF16,
            DTypeName::F32 => DType::F32,
            DTypeName::F64 => DType::F64,
        }
    }
}

/// What was done.
pub struct Done {
    /// Rows that an earlier run had done.
    pub rows_before: u64,
    /// What devices did with the others.
    pub ran: Ran,
    /// What the comparison found.
    pub check: Option<Check>,
}

/// Where it is done.
struct Place<'a> {
    contexts: &'a [Context],
    parts: Option<&'a Parts<'a>>,
}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        interrupt::catch();
        self.operation.op()?;
        let source = Source::open(&self.name()?)?;
        let plan = Plan::new(&self, &source)?;
        let store = Store::new(self.no_cache);
        let mut job =
            Job::new(plan.op, plan.layout.clone(), plan.rows, plan.form.dtype, self.memory(), store);
        let contexts = self.contexts(&plan, &mut job)?;
        let parts = plan.parts(&self, &contexts)?;
        let (mut output, rows_before) = self.begin(&source, &contexts, &plan)?;
        let input = (source.name().clone(), source.container(), source.shape().to_vec());
        let mut elements = if self.check { source.again()? } else { source }.into_elements()?;
        let place = Place { contexts: &contexts, parts: parts.as_ref() };
        let done = match self.compute(&mut job, &place, &mut elements, rows_before, &mut output) {
            Ok(done) => done,
            Err(failure) => return Err(leave(output, &elements, failure)),
        };
        if done.check.as_ref().is_none_or(|check| check.passed) {
            job.finish(output)?;
        } else {
            output.discard();
        }
        let ran = done.ran.clone();
        let told = self.report(&Summary::new(&self, &mut job, input, &contexts, &plan, done)?);
        job.remember(&contexts, &ran, plan.rows - rows_before);
        told
    }

    /// Makes the devices ready.
    fn contexts(&self, plan: &Plan, job: &mut Job) -> Result<Vec<Context>, Failure> {
        let profile = self.profile.as_deref().map(profile::read).transpose()?;
        match plan.devices(&self.device)? {
            (_, Some(reason)) => Ok(vec![Context::cpu(reason)]),
            (devices, None) => job.open(&devices, profile.as_ref(), self.check),
        }
    }

    /// The input's name, with that of the array in it.
    fn name(&self) -> Result<Name, Failure> {
        let mut name = Name::of(&self.input);
        if let (Some(behind), Some(tensor)) = (&name.array, &self.tensor)
            && behind != tensor
        {
            let what = format!("{name} and --tensor {tensor} name two arrays; name one");
            return Err(Failure::Cannot(what));
        }
        name.array = self.tensor.clone().or(name.array);
        Ok(name)
    }

    fn memory(&self) -> Option<u64> {
        self.memory.map(|memory| memory.as_u64())
    }

    fn begin(&self, source: &Source, contexts: &[Context], plan: &Plan) -> Result<(Array, u64), Failure> {
        let begin = Begin {
            form: &plan.form,
            identity: self.identity(source, contexts, plan)?,
            resume: self.resume,
            read_back: self.check,
        };
        Array::begin(&plan.output.path, begin, plan.row_bytes())
    }

    fn compute(
        &self,
        job: &mut Job,
        place: &Place<'_>,
        elements: &mut Elements,
        rows_before: u64,
        output: &mut Array,
    ) -> Result<Done, Failure> {
        let fallback = match self.fallback {
            FallbackName::Stop => Fallback::Stop,
            FallbackName::Cpu => Fallback::Cpu,
        };
        let ran = match place.parts {
            Some(parts) => job.parts(parts, place.contexts, fallback, elements, rows_before, output)?,
            None => job.stream(place.contexts, fallback, elements, rows_before, output)?,
        };
        elements.end()?;
        let check = if self.check { Some(job.check(place.parts, elements, output)?) } else { None };
        // Once more: the comparison has read it again.
        elements.end()?;
        Ok(Done { rows_before, ran, check })
    }

    /// What another run must be like to go on with this one's output.
    fn identity(
        &self,
        source: &Source,
        contexts: &[Context],
        plan: &Plan,
    ) -> Result<Option<Identity>, Failure> {
        let why = match (source.identity(), &plan.beside.offsets) {
            (None, _) => "a pipe cannot be read again",
            (_, Some(_)) => "rows of any lengths are computed as a whole, of which nothing is kept",
            (Some(input), None) => {
                let is_fast = self.operation.precision() == "fast";
                let names = || contexts.iter().map(device_name).collect();
                return Ok(Some(Identity {
                    numerics_version: NUMERICS_VERSION,
                    operation: self.description(plan)?,
                    devices: is_fast.then(names),
                    input: input.clone(),
                }));
            }
        };
        if self.resume { Err(plan::cannot_resume(&self.input, why)) } else { Ok(None) }
    }

    /// All that the bytes of the output depend on besides the input and the devices.
    fn description(&self, plan: &Plan) -> Result<String, Failure> {
        let (operation, beside) = (self.operation.description(&plan.op)?, &plan.beside.identity);
        let axis = self.axis.as_ref().map_or(String::new(), |axis| format!(", axis {axis}"));
        let (form, name) = (&plan.form, &plan.form.name);
        Ok(format!("{operation}{axis}{beside}, {} as {} {name}", form.dtype, form.container.name()))
    }

    fn report(&self, summary: &Summary) -> Result<(), Failure> {
        summary.print(self.json)?;
        if summary.written { Ok(()) } else { Err(Failure::Differs) }
    }
}

fn device_name(context: &Context) -> String {
    context.adapter().map_or_else(|| "the CPU".to_owned(), ToString::to_string)
}

/// Leaves of an output what another run can go on with, and says so.
fn leave(output: Array, elements: &Elements, failure: Failure) -> Failure {
    if elements.is_spoilt() {
        output.discard();
        return failure;
    }
    match failure {
        Failure::Cannot(line) if output.is_kept() => Failure::Cannot(line + interrupt::RESUME),
        other => other,
    }
}
