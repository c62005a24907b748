//! A run that is over, for people.

use super::{Device, FileSummary, Summary};
use crate::check::Check;
use crate::files::{shape_text, short};
use crate::terminal::{bytes, table};

impl Summary {
    /// For people: a few lines that end with a newline.
    pub fn text(&self) -> String {
        let mut rows = vec![self.line("input", file_text(&self.input))];
        rows.extend(self.beside.iter().map(|name| self.line("with", name.clone())));
        rows.extend(self.devices.iter().flat_map(|device| self.device_lines(device)));
        rows.extend(self.work.resumed_rows.map(|rows| self.line("resumed", self.resumed_text(rows))));
        rows.extend(self.work.faults.iter().map(|fault| self.line("failed", fault.clone())));
        rows.extend(self.check.as_ref().map(|check| self.line("check", check_text(check, self.precision))));
        rows.push(self.line("output", self.output_text()));
        let scale = if self.scale == 1.0 { String::new() } else { format!(", scale {}", self.scale) };
        let axis = self.axis.as_ref().map_or(String::new(), |axis| match &axis[..] {
            "none" => " over all axes".to_owned(),
            axis => format!(" along axis {axis}"),
        });
        let columns = self.columns.map_or("any lengths".to_owned(), |columns| count(columns, "column"));
        format!(
            "{}{axis}{scale}, {}: {} of {columns}\n{}\n{}",
            self.op,
            self.precision,
            count(self.rows, "row"),
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
    let name = file.tensor.as_ref().map_or(String::new(), |tensor| format!(":{}", short(tensor, 80)));
    let (path, dtype, shape) = (file.path.display(), file.dtype, shape_text(&file.shape));
    format!("{path}{name}, {dtype}, shape {shape}, {}", bytes(file.bytes))
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
