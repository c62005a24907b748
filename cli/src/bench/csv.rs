//! The report as comma-separated values: a line per cell, with the device's name in each.

use super::report::{Report, Spread};

const HEADER: [&str; 23] = [
    "device",
    "kind",
    "rows",
    "cols",
    "dtype",
    "op",
    "precision",
    "kernel",
    "planned",
    "bytes",
    "checked",
    "device_median_s",
    "device_low_s",
    "device_high_s",
    "device_least_s",
    "device_runs",
    "clock",
    "end_to_end_median_s",
    "end_to_end_runs",
    "gb_per_s",
    "share_of_copy",
    "ring_bytes",
    "error",
];

/// All of it, with a header.
pub fn csv(report: &Report) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for cell in &report.cells {
        let device = &report.devices[cell.device];
        let part = |spread: &Option<Spread>, of: fn(&Spread) -> f64| text(spread.as_ref().map(of));
        let runs = |spread: &Option<Spread>| text(spread.as_ref().map(|s| s.runs));
        let time = &cell.device_time;
        writer.write_record([
            device.name.clone(),
            device.kind.to_owned(),
            cell.rows.to_string(),
            cell.cols.to_string(),
            cell.dtype.to_owned(),
            cell.op.to_owned(),
            text(cell.precision),
            cell.kernel.to_owned(),
            cell.planned.to_string(),
            cell.bytes.to_string(),
            cell.checked.to_string(),
            part(time, |s| s.median),
            part(time, |s| s.low),
            part(time, |s| s.high),
            part(time, |s| s.least),
            runs(time),
            text(cell.clock),
            part(&cell.end_to_end, |s| s.median),
            runs(&cell.end_to_end),
            text(cell.gb_per_s),
            text(cell.share_of_copy),
            text(cell.ring_bytes),
            text(cell.error.as_ref()),
        ])?;
    }
    writer.into_inner().map_err(|e| csv::Error::from(std::io::Error::other(e.to_string())))
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
