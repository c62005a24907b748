//! What was measured: the data behind the table, the JSON, the CSV and the page.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use wgpu_softmax::{Error, NUMERICS_VERSION};

use crate::failure::Failure;
use crate::measure::{Measured, Refusal, Samples, last_level_cache};
use crate::terminal::{Digits, table};

/// The name under which a copy stands among operations and kernels.
pub const COPY: &str = "copy";

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The command's version.
    pub version: &'static str,
    /// The version of the numerical contract.
    pub numerics_version: u32,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// How long it took.
    pub seconds: f64,
    /// What the CPU is.
    pub cpu: String,
    /// Bytes of the CPU's last-level cache.
    pub last_level_cache: u64,
    /// What was measured; a cell's `device` is a place in this list.
    pub devices: Vec<DeviceInfo>,
    /// Every measurement, and every one that could not be made.
    pub cells: Vec<Cell>,
}

/// A device in the report.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceInfo {
    /// What it is called.
    pub name: String,
    /// "cpu", "gpu", or "software" for a program that plays one.
    pub kind: &'static str,
    /// The number that `--device` takes; none for the CPU.
    pub index: Option<usize>,
    /// The adapter's backend.
    pub backend: Option<String>,
    /// The adapter's driver.
    pub driver: Option<String>,
    /// What keeps the rounding of each operation there; none for the CPU.
    pub rounding: Option<&'static str>,
}

/// One shape, operation, precision and kernel on one device.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Its place in [`Report::devices`].
    pub device: usize,
    /// Rows of the batch.
    pub rows: u64,
    /// Elements in a row.
    pub cols: u64,
    /// The elements' type: "f32" is the only one there is.
    pub dtype: &'static str,
    /// The operation, or "copy".
    pub op: &'static str,
    /// "reproducible" or "fast"; none for a copy.
    pub precision: Option<&'static str>,
    /// The kernel, or "copy".
    pub kernel: &'static str,
    /// Whether this is what the planner takes for the shape.
    pub planned: bool,
    /// Bytes that are read and written once each.
    pub bytes: u64,
    /// Why there are no times: the kernel does not take the shape, or the answer was wrong.
    pub error: Option<String>,
    /// Whether the answer was compared with the specification, and is right.
    pub checked: bool,
    /// The computation alone.
    pub device_time: Option<Spread>,
    /// What took it: "timestamps" of the device, or "wall" around a submission and its fence.
    pub clock: Option<&'static str>,
    /// From host slice to host slice.
    pub end_to_end: Option<Spread>,
    /// `bytes` over the median of `device_time`, in 10^9 bytes a second.
    pub gb_per_s: Option<f64>,
    /// That over the copy's, on the same device with the same shape.
    pub share_of_copy: Option<f64>,
    /// Bytes of the inputs and results that took turns.
    pub ring_bytes: Option<u64>,
}

/// Times in seconds: half of the runs lie between `low` and `high`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The lower quartile.
    pub low: f64,
    /// The upper quartile.
    pub high: f64,
    /// The quickest run.
    pub least: f64,
    /// How many runs.
    pub runs: usize,
}

impl From<&Samples> for Spread {
    fn from(samples: &Samples) -> Self {
        let (low, high) = samples.quartiles();
        Self { median: samples.median(), low, high, least: samples.least(), runs: samples.count() }
    }
}

impl Cell {
    /// Notes what came of it; `copy` is the copy's rate with the same shape.
    pub fn filled(mut self, outcome: Result<Measured, Refusal>, copy: Option<f64>) -> Self {
        match outcome {
            Err(refusal) => self.error = Some(refusal.to_string()),
            Ok(measured) => {
                let time = Spread::from(&measured.device);
                let rate = self.bytes as f64 / time.median / 1e9;
                self.kernel = measured.kernel;
                self.checked = true;
                self.device_time = Some(time);
                self.clock = Some(if measured.device_clock { "timestamps" } else { "wall" });
                self.end_to_end = measured.end_to_end.as_ref().map(Spread::from);
                self.gb_per_s = Some(rate);
                self.share_of_copy = copy.map(|copy| rate / copy);
                self.ring_bytes = Some(measured.ring_bytes);
            }
        }
        self
    }

    /// Rows and columns as `--shape` takes them.
    pub fn shape(&self) -> String {
        format!("{}x{}", self.rows, self.cols)
    }

    /// The precision's name, or a dash for a copy.
    pub fn precision(&self) -> &'static str {
        self.precision.unwrap_or("-")
    }
}

impl Report {
    /// A report without cells yet.
    pub fn new(devices: Vec<DeviceInfo>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            numerics_version: NUMERICS_VERSION,
            started: now.map_or(0, |since| since.as_secs()),
            seconds: 0.0,
            cpu: crate::cpu::description(),
            last_level_cache: last_level_cache(),
            devices,
            cells: Vec::new(),
        }
    }

    /// For people: a table for each device.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (index, device) in self.devices.iter().enumerate() {
            let cells = self.cells.iter().filter(|cell| cell.device == index);
            let header = HEADER.map(str::to_owned).to_vec();
            let rows: Vec<_> = std::iter::once(header).chain(cells.map(row)).collect();
            text += &format!("{}\n{}\n", device.name, table(&rows));
        }
        text + &format!(
            "{} cells, {} s; half of the runs lie between the times in brackets; * is the planner's choice\n",
            self.cells.len(),
            Digits(self.seconds)
        )
    }

    /// What it means for the exit status: a kernel that does not take a shape is no failure.
    pub fn outcome(&self, refusals: &[Refusal]) -> Result<(), Failure> {
        if refusals.iter().any(|refusal| matches!(refusal, Refusal::Wrong(_))) {
            return Err(Failure::Differs);
        }
        let failed = refusals.iter().find_map(|refusal| match refusal {
            Refusal::Cannot(Error::Device { .. }) | Refusal::Memory(_) => Some(refusal.to_string()),
            _ => None,
        });
        failed.map_or(Ok(()), |line| Err(Failure::Cannot(line)))
    }
}

const HEADER: [&str; 9] =
    ["  shape", "op", "precision", "kernel", "device ms", "", "end to end ms", "GB/s", "of copy"];

fn row(cell: &Cell) -> Vec<String> {
    let star = if cell.planned { "*" } else { "" };
    let kernel = format!("{}{star}", cell.kernel);
    let mut row =
        vec![format!("  {}", cell.shape()), cell.op.to_owned(), cell.precision().to_owned(), kernel];
    let time = |spread: Option<Spread>| spread.map_or_else(String::new, |spread| ms(spread.median));
    let between = cell.device_time.map(|t| format!("[{}, {}]", ms(t.low), ms(t.high)));
    let rate = cell.gb_per_s.map(|rate| Digits(rate).to_string());
    let share = cell.share_of_copy.map(|share| format!("{:.0} %", share * 100.0));
    row.push(format!("{:>9}", time(cell.device_time)));
    row.push(between.unwrap_or_default());
    row.push(format!("{:>13}", time(cell.end_to_end)));
    row.push(format!("{:>5}", rate.unwrap_or_default()));
    row.push(format!("{:>7}", share.unwrap_or_default()));
    // Behind the last column, so that a long reason pushes none aside.
    row.extend(cell.error.clone());
    row
}

/// Milliseconds with as many digits as tell something.
pub fn ms(seconds: f64) -> String {
    Digits(seconds * 1e3).to_string()
}
