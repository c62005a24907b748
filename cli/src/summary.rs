//! What a run did, for people and for programs.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::check::Check;
use crate::device::Place;
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
    /// Where it was computed.
    pub device: Place,
    /// By which kernel.
    pub kernel: String,
    /// How long each part took.
    pub seconds: Parts<f64>,
    /// What `--check` found.
    pub check: Option<Check>,
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

/// Something for each part of a run; `None` where there was no such part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts<T> {
    /// Making the device ready.
    pub open: T,
    /// File to memory; `None` where the file is mapped and read while it is used.
    pub read: Option<T>,
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
    pub write: Option<T>,
    /// From the first of them to the end of the last.
    pub total: T,
}

impl Parts<Duration> {
    /// The same in seconds.
    pub fn seconds(&self) -> Parts<f64> {
        let of = |part: Option<Duration>| part.map(|d| d.as_secs_f64());
        Parts {
            open: self.open.as_secs_f64(),
            read: of(self.read),
            prepare: of(self.prepare),
            upload: of(self.upload),
            kernel: self.kernel.as_secs_f64(),
            read_back: of(self.read_back),
            check: of(self.check),
            write: of(self.write),
            total: self.total.as_secs_f64(),
        }
    }
}

impl Summary {
    /// For people: a few lines that end with a newline.
    pub fn text(&self) -> String {
        let mut rows =
            vec![self.line("input", file_text(&self.input)), self.line("device", self.device.to_string())];
        rows.push(self.line("kernel", self.kernel.clone()));
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

    fn output_text(&self) -> String {
        if self.written { file_text(&self.output) } else { "not written, since the check failed".to_owned() }
    }

    fn time_table(&self) -> Vec<Vec<String>> {
        let (time, read, written) = (&self.seconds, self.input.bytes, self.output.bytes);
        let mapped = if time.read.is_none() { "input mapped: read while in use" } else { "" };
        let parts = [
            ("open", Some(time.open), 0),
            ("read", time.read, read),
            ("prepare", time.prepare, 0),
            ("upload", time.upload, read),
            ("kernel", Some(time.kernel), read + written),
            ("read back", time.read_back, written),
            ("check", time.check, read + written),
            ("write", time.write, written),
            ("total", Some(time.total), read + written),
        ];
        let mut rows: Vec<_> = parts
            .iter()
            .filter_map(|&(name, seconds, bytes)| Some(time_row(name, seconds?, bytes)))
            .collect();
        if let Some(last) = rows.last_mut() {
            last.push(mapped.to_owned());
        }
        rows
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
