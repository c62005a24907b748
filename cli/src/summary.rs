//! What a run did, for people and for programs.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use wgpu_softmax::Context;
use wgpu_softmax::stream::{Share, Summary as Streamed};

use crate::check::Check;
use crate::device::Place;
use crate::job::Job;
use crate::npy::shape_text;
use crate::terminal::{bytes, table};

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
    /// What was read.
    pub input: FileSummary,
    /// What was written.
    pub output: FileSummary,
    /// Whether the output is there: a failed check leaves none.
    pub written: bool,
    /// How many rows.
    pub rows: u64,
    /// Elements in a row.
    pub columns: u64,
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
    /// The name of a context's device in what a stream tells.
    pub fn name(context: &Context) -> String {
        context.adapter().map_or_else(|| "the CPU".to_owned(), ToString::to_string)
    }

    /// The devices of a stream, in the order in which they were asked for, then the CPU that took over.
    pub fn all(contexts: &[Context], streamed: &Streamed) -> Vec<Self> {
        let elements: u64 = streamed.shares.iter().map(|share| share.elements).sum();
        let of = |place: Place, share: Option<&Share>| Self {
            place,
            kernel: share
                .filter(|share| share.elements > 0)
                .map_or("none: it had nothing to compute", |share| share.timing.kernel),
            elements: share.map_or(0, |share| share.elements),
            share: share.map_or(0.0, |share| share.elements as f64 / elements.max(1) as f64),
            seconds: share.map_or(0.0, |share| share.timing.compute.as_secs_f64()),
        };
        let cpu = streamed.shares.iter().find(|share| share.on_cpu);
        let share = |context: &Context| match context.adapter().map(ToString::to_string) {
            Some(name) => streamed.shares.iter().find(|share| !share.on_cpu && *share.device == *name),
            None => cpu,
        };
        let mut all: Vec<_> = contexts.iter().map(|c| of(c.into(), share(c))).collect();
        if contexts.iter().all(|context| context.adapter().is_some())
            && let Some(cpu) = cpu.filter(|cpu| cpu.elements > 0)
        {
            all.push(of((&Context::cpu("a device failed")).into(), Some(cpu)));
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
    pub fn new(job: &Job, resumed_rows: Option<u64>, streamed: &Streamed) -> Self {
        let (rows, seconds) =
            (job.shape.row_count() - resumed_rows.unwrap_or(0), streamed.total.as_secs_f64());
        Self {
            memory: job.memory,
            resumed_rows,
            rows,
            rows_were_cut: streamed.rows_were_cut,
            seconds,
            bytes_per_second: (rows * job.shape.cols() * 4) as f64 / seconds.max(1e-9),
            faults: streamed.faults.iter().map(|(name, error)| format!("{name}: {error}")).collect(),
        }
    }
}

/// An array in a file.
#[derive(Clone, Debug, Serialize)]
pub struct FileSummary {
    /// The file as it was named.
    pub path: PathBuf,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// Bytes of data.
    pub bytes: u64,
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
    /// For people: a few lines that end with a newline.
    pub fn text(&self) -> String {
        let mut rows = vec![self.line("input", file_text(&self.input))];
        rows.extend(self.devices.iter().flat_map(|device| self.device_lines(device)));
        rows.extend(self.work.resumed_rows.map(|rows| self.line("resumed", self.resumed_text(rows))));
        rows.extend(self.work.faults.iter().map(|fault| self.line("failed", fault.clone())));
        rows.extend(self.check.as_ref().map(|check| self.line("check", check_text(check, self.precision))));
        rows.push(self.line("output", self.output_text()));
        let scale = if self.scale == 1.0 { String::new() } else { format!(", scale {}", self.scale) };
        let (rows_there, columns) = (count(self.rows, "row"), count(self.columns, "column"));
        format!(
            "{}{scale}, {}: {rows_there} of {columns}\n{}\n{}",
            self.op,
            self.precision,
            table(&rows),
            table(&self.time_table())
        )
    }

    fn line(&self, label: &str, text: String) -> Vec<String> {
        vec![format!("  {label:<7}"), text]
    }

    fn device_lines(&self, device: &Device) -> Vec<Vec<String>> {
        let share = match self.devices.len() {
            1 => String::new(),
            _ => format!(", {:.1} % of the elements", 100.0 * device.share),
        };
        vec![
            self.line("device", format!("{}{share}", device.place)),
            self.line("kernel", device.kernel.to_owned()),
        ]
    }

    fn resumed_text(&self, rows: u64) -> String {
        match rows {
            0 => "nothing was left to go on with".to_owned(),
            rows => format!("{rows} of {} rows were done", self.rows),
        }
    }

    fn output_text(&self) -> String {
        if self.written { file_text(&self.output) } else { "not written, since the check failed".to_owned() }
    }

    fn time_table(&self) -> Vec<Vec<String>> {
        let (time, read, written) = (&self.seconds, self.input.bytes, self.output.bytes);
        let parts = [
            ("open", Some(time.open), 0),
            ("read", Some(time.read), read),
            ("prepare", time.prepare, 0),
            ("upload", time.upload, read),
            ("kernel", Some(time.kernel), read + written),
            ("read back", time.read_back, written),
            ("check", time.check, read + written),
            ("write", Some(time.write), written),
            ("total", Some(time.total), read + written),
        ];
        // Of a run that was resumed the time is not that of all bytes.
        let moved = |bytes| if self.work.resumed_rows.is_some_and(|rows| rows > 0) { 0 } else { bytes };
        let rows = parts.iter().filter_map(|&(name, time, bytes)| Some(time_row(name, time?, moved(bytes))));
        rows.collect()
    }
}

fn time_row(name: &str, seconds: f64, moved: u64) -> Vec<String> {
    let speed = moved as f64 / seconds;
    let speed =
        if speed >= 1.0 && speed.is_finite() { format!("{}/s", bytes(speed as u64)) } else { String::new() };
    vec![format!("  {name:<9}"), format!("{:>10.3} ms", seconds * 1e3), format!("{speed:>9}")]
}

fn count(n: u64, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

fn file_text(file: &FileSummary) -> String {
    format!("{}, shape {}, {}", file.path.display(), shape_text(&file.shape), bytes(file.bytes))
}

fn check_text(check: &Check, precision: &str) -> String {
    let of = format!("{} of {} results", check.differing, check.compared);
    match &check.first {
        None => format!("bit-identical to the CPU, {} results", check.compared),
        Some(first) if precision == "fast" && check.passed => format!(
            "{of} differ from the reproducible ones, by at most {} ulp and {:.2e}; first at row {}, column {}: {} for {}",
            check.max_ulp, check.max_difference, first.row, first.column, first.found, first.expected
        ),
        Some(first) => format!(
            "FAILED, {of} differ; first at row {}, column {}: {} here, {} on the CPU",
            first.row, first.column, first.found, first.expected
        ),
    }
}
