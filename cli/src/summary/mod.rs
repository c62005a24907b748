//! What a run did, for people and for programs.

mod text;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use wgpu_softmax::{Context, NUMERICS_VERSION};

use crate::check::Check;
use crate::device::Place;
use crate::failure::Failure;
use crate::files::{Container, Name};
use crate::job::Job;
use crate::ran::{Ran, Share};
use crate::run::{Args, Done, Plan};
use crate::terminal;

/// A run that is over.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The operation's name on the command line.
    pub op: &'static str,
    /// What each element was multiplied by.
    pub scale: f32,
    /// "reproducible" or "fast".
    pub precision: &'static str,
    /// The version of the numerical contract that the bits follow.
    pub numerics_version: u32,
    /// The axes that rows run along, as they were named; `None` for the last one.
    pub axis: Option<String>,
    /// What stood beside the input.
    pub beside: Vec<String>,
    /// What was read.
    pub input: FileSummary,
    /// What was written.
    pub output: FileSummary,
    /// Whether the output is there: a failed check leaves none.
    pub written: bool,
    /// How many rows.
    pub rows: u64,
    /// Elements in a row; `None` where rows have any lengths.
    pub columns: Option<u64>,
    /// Where it was computed; the first of several devices.
    pub device: Place,
    /// By which kernel.
    pub kernel: String,
    /// All devices, and what each did.
    pub devices: Vec<Device>,
    /// How the rows went through.
    #[serde(rename = "stream")]
    pub work: Work,
    /// How long each part took.
    pub seconds: Parts<f64>,
    /// What `--check` found.
    pub check: Option<Check>,
}

/// A device, and what it did.
#[derive(Clone, Debug, Serialize)]
pub struct Device {
    /// Which it is.
    #[serde(flatten)]
    pub place: Place,
    /// The kernel that ran on it.
    pub kernel: &'static str,
    /// Elements that it computed; those of rows that were cut count once for each pass.
    pub elements: u64,
    /// How much of all elements that is.
    pub share: f64,
    /// How long it computed.
    pub seconds: f64,
}

impl Device {
    /// The devices of a run, in the order in which they were asked for, then the CPU that took over.
    pub fn all(contexts: &[Context], ran: &Ran) -> Vec<Self> {
        let elements: u64 = ran.shares.iter().map(|share| share.elements).sum();
        let of = |place: Place, share: Option<&Share>| Self {
            place,
            kernel: share
                .filter(|share| share.elements > 0)
                .map_or("none: it had nothing to compute", |share| share.timing.kernel),
            elements: share.map_or(0, |share| share.elements),
            share: share.map_or(0.0, |share| share.elements as f64 / elements.max(1) as f64),
            seconds: share.map_or(0.0, |share| share.timing.compute.as_secs_f64()),
        };
        let mut all: Vec<_> = contexts.iter().map(|c| of(c.into(), ran.share(c))).collect();
        let cpu = Context::cpu("a device failed");
        if contexts.iter().all(|context| context.adapter().is_some())
            && let Some(share) = ran.share(&cpu).filter(|share| share.elements > 0)
        {
            all.push(of((&cpu).into(), Some(share)));
        }
        all
    }
}

/// How the rows went through.
#[derive(Clone, Debug, Serialize)]
pub struct Work {
    /// Bytes of memory that were allowed for chunks; `None` where the machine decided.
    pub memory: Option<u64>,
    /// Rows that an earlier run had done, where one was to be resumed.
    pub resumed_rows: Option<u64>,
    /// Rows that this run computed.
    pub rows: u64,
    /// Whether rows were cut, being too long for the memory allowed or a buffer.
    pub rows_were_cut: bool,
    /// Seconds from the first element to the last result.
    pub seconds: f64,
    /// Bytes of elements in a second of those.
    pub bytes_per_second: f64,
    /// Devices that failed, and how.
    pub faults: Vec<String>,
}

impl Work {
    /// Of a run that is over.
    fn new(job: &Job, plan: &Plan, resumed_rows: Option<u64>, ran: &Ran) -> Self {
        let (rows, seconds) = (job.rows - resumed_rows.unwrap_or(0), ran.total.as_secs_f64());
        // Of ragged rows none were done before.
        let elements = if rows == job.rows { plan.elements } else { rows * job.layout.shape.cols() };
        Self {
            memory: job.memory,
            resumed_rows,
            rows,
            rows_were_cut: ran.rows_were_cut,
            seconds,
            bytes_per_second: (elements * plan.input.bytes()) as f64 / seconds.max(1e-9),
            faults: ran.faults.clone(),
        }
    }
}

/// An array in a file.
#[derive(Clone, Debug, Serialize)]
pub struct FileSummary {
    /// The file as it was named; to programs in Unicode, with U+FFFD for what is none.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// "npy", "npz" or "safetensors".
    pub container: &'static str,
    /// What the array is called in it.
    pub tensor: Option<String>,
    /// The type of its elements.
    pub dtype: &'static str,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// Bytes of data.
    pub bytes: u64,
}

fn lossy<S: serde::Serializer>(path: &std::path::Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

/// Something for each part of a run; `None` where there was no such part. Parts overlap: their times add
/// up to more than the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts<T> {
    /// Making the device ready.
    pub open: T,
    /// File to memory.
    pub read: T,
    /// Compiling shaders, making buffers, and whatever else the other parts do not hold.
    pub prepare: Option<T>,
    /// Memory to device.
    pub upload: Option<T>,
    /// The computation itself.
    pub kernel: T,
    /// Device to memory.
    pub read_back: Option<T>,
    /// The comparison with the CPU.
    pub check: Option<T>,
    /// Memory to file.
    pub write: T,
    /// From the first of them to the end of the last.
    pub total: T,
}

impl Parts<Duration> {
    /// The same in seconds.
    pub fn seconds(&self) -> Parts<f64> {
        let of = |part: Option<Duration>| part.map(|d| d.as_secs_f64());
        Parts {
            open: self.open.as_secs_f64(),
            read: self.read.as_secs_f64(),
            prepare: of(self.prepare),
            upload: of(self.upload),
            kernel: self.kernel.as_secs_f64(),
            read_back: of(self.read_back),
            check: of(self.check),
            write: self.write.as_secs_f64(),
            total: self.total.as_secs_f64(),
        }
    }
}

impl Summary {
    /// Writes it to standard output; where that fails, the line says that the output is there.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        let text = || terminal::print(self.text().as_bytes());
        let printed = if json { terminal::print_json(self) } else { text() };
        printed.map_err(|failure| match failure {
            Failure::Cannot(line) if self.written => {
                Failure::Cannot(format!("{line}; the output {} is written", self.output.path.display()))
            }
            other => other,
        })
    }

    /// Of a run that is over, which ends the job's clock.
    pub fn new(
        args: &Args,
        job: &mut Job,
        (name, container, shape): (Name, Container, Vec<usize>),
        contexts: &[Context],
        plan: &Plan,
        done: Done,
    ) -> Result<Self, Failure> {
        let (devices, seconds, form) = (Device::all(contexts, &done.ran), job.end(), &plan.form);
        let input = FileSummary {
            path: name.path,
            container: container.name(),
            tensor: name.array,
            dtype: plan.input.name(),
            shape,
            bytes: plan.elements * plan.input.bytes(),
        };
        let output = FileSummary {
            path: plan.output.path.clone(),
            container: form.container.name(),
            tensor: (form.container != Container::Npy).then(|| form.name.clone()),
            dtype: form.dtype.name(),
            shape: form.dims.clone(),
            bytes: form.bytes,
        };
        Ok(Self {
            op: args.operation.name(),
            scale: args.operation.factor()?,
            precision: args.operation.precision(),
            numerics_version: NUMERICS_VERSION,
            axis: args.axis.as_ref().map(ToString::to_string),
            beside: plan.beside.names.clone(),
            input,
            output,
            written: done.check.as_ref().is_none_or(|check| check.passed),
            rows: job.rows,
            columns: plan.beside.offsets.is_none().then_some(job.layout.shape.cols()),
            device: devices[0].place.clone(),
            kernel: devices[0].kernel.to_owned(),
            devices,
            work: Work::new(job, plan, args.resume.then_some(done.rows_before), &done.ran),
            seconds,
            check: done.check,
        })
    }
}
