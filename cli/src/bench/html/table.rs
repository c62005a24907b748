//! The section with every cell.

use super::escaped;
use crate::bench::report::{Cell, Report, ms};
use crate::terminal::{Digits, bytes};

/// A table; what could not be measured says why.
pub fn section(report: &Report) -> String {
    let rows: String = report.cells.iter().map(|cell| row(report, cell)).collect();
    format!(
        "<h2>All cells</h2>\n<p>Times in milliseconds: the median, and between which half of the runs lie. \
         Elements are f32. A star marks the planner's choice.</p>\n<div class=\"scroll tall\"><table>\n<thead><tr>\
         <th>device</th><th class=\"n\">rows</th><th class=\"n\">columns</th><th>operation</th><th>precision</th><th>kernel</th>\
         <th class=\"n\">on device</th><th class=\"n\">half of the runs</th><th class=\"n\">end to end</th><th class=\"n\">GB/s</th><th class=\"n\">of copy</th><th class=\"n\">runs</th>\
         <th class=\"n\">ring</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn row(report: &Report, cell: &Cell) -> String {
    let device = &report.devices[cell.device];
    let device = device.index.map_or_else(
        || "cpu".to_owned(),
        |index| format!("{index} {}", device.backend.as_deref().unwrap_or("")),
    );
    let star = if cell.planned { " *" } else { "" };
    let mut row = format!(
        "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}{star}</td>",
        escaped(&device),
        cell.rows,
        cell.cols,
        cell.op,
        cell.precision(),
        cell.kernel
    );
    match (&cell.error, &cell.device_time) {
        (Some(error), _) => row += &format!("<td colspan=\"7\" class=\"why\">{}</td>", escaped(error)),
        (None, Some(time)) => {
            let numbers = [
                ms(time.median),
                format!("{} to {}", ms(time.low), ms(time.high)),
                cell.end_to_end.map_or(String::new(), |time| ms(time.median)),
                cell.gb_per_s.map_or(String::new(), |rate| Digits(rate).to_string()),
                cell.share_of_copy.map_or(String::new(), |share| format!("{:.0}%", share * 100.0)),
                time.runs.to_string(),
                cell.ring_bytes.map_or(String::new(), bytes),
            ];
            row.extend(numbers.map(|number| format!("<td class=\"n\">{number}</td>")));
        }
        (None, None) => {}
    }
    row + "</tr>\n"
}
