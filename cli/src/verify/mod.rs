//! `softmax verify`: whether this machine's devices keep the promise of equal bits.

mod battery;
mod report;
mod subject;

use wgpu_softmax::DeviceChoice;
use wgpu_softmax::verify::Thoroughness;

use crate::failure::Failure;
use crate::{interrupt, terminal};

/// Check that every device gives the same bits as the specification
///
/// Runs a battery of rows (every kind of length, special values, scales, rows made to break things)
/// with every operation and every kernel of each device, and compares each bit with what the
/// specification says. Before that, it tries whether the device adds and multiplies as the promise
/// needs.
///
/// Exit status: 0, or 1 where a bit differed, or 2 where none did and a device failed, or 130 after an
/// interruption.
#[derive(clap::Args)]
pub struct Args {
    /// What to verify: all, cpu, or a number or part of a name from `softmax devices`
    #[arg(long, default_value = "all", allow_hyphen_values = true)]
    device: String,
    /// Try every length up to 1040 and rows of up to a million: many minutes on a software adapter
    #[arg(long)]
    full: bool,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        interrupt::catch();
        let level = if self.full { Thoroughness::Full } else { Thoroughness::Quick };
        let candidates = match self.device.trim().to_ascii_lowercase().as_str() {
            "all" => subject::all(),
            one => vec![subject::one(&one.parse::<DeviceChoice>().unwrap_or_default())?],
        };
        let report = battery::run(candidates, level);
        if self.json {
            terminal::print_json(&report)?;
        } else {
            terminal::print(report.text().as_bytes())?;
        }
        report.outcome()
    }
}
