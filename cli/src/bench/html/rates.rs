//! The section with GB/s by columns, a line per kernel.

use super::chart::{Axis, Line, chart, round_ticks};
use super::paint::{COPY, series, series_variable};
use super::{Plot, figure, groups, swatch};
use crate::bench::report::{self, Cell, Report};
use crate::terminal::Digits;

/// A chart for each device, operation and precision that was measured at several lengths of rows.
pub fn section(report: &Report) -> Plot {
    let all = || report.cells.iter().filter(|cell| cell.op != report::COPY);
    let mut figures = String::new();
    for ((device, op, precision), cells) in groups(all(), |cell| (cell.device, cell.op, cell.precision())) {
        // The CPU's kernels are others: each kind has all colours to itself.
        let alike = |cell: &&Cell| report.devices[cell.device].kind == report.devices[device].kind;
        let kernels = groups(all().filter(alike), |cell| cell.kernel);
        let kernels: Vec<_> = kernels.into_iter().map(|(name, _)| name).collect();
        let copies = report.cells.iter().filter(|c| c.device == device && c.op == report::COPY);
        let title = format!("{}: {op}, {precision}", report.devices[device].name);
        figures += &one(&title, &kernels, &largest(cells), &largest(copies.collect()))?;
    }
    if figures.is_empty() {
        return Ok(figures);
    }
    Ok(format!(
        "<h2>Speed by row length</h2>\n<p>10<sup>9</sup> bytes a second, read and written, of the largest batch of \
         each length. Large points: the planner's choice. Dashed: the copy of the same batch.</p>\n\
         <div class=\"figures\">\n{figures}</div>\n"
    ))
}

/// Of each length of rows and kernel the cell with the most elements that was measured.
fn largest(cells: Vec<&Cell>) -> Vec<&Cell> {
    let measured = cells.into_iter().filter(|cell| cell.gb_per_s.is_some());
    let each = groups(measured, |cell| (cell.kernel, cell.cols));
    each.into_iter().filter_map(|(_, cells)| cells.into_iter().max_by_key(|cell| cell.rows)).collect()
}

fn one(title: &str, names: &[&str], cells: &[&Cell], copies: &[&Cell]) -> Plot {
    let mut ticks: Vec<f64> = cells.iter().map(|cell| place(cell).0).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    let (Some(&first), Some(&last)) = (ticks.first(), ticks.last()) else { return Ok(String::new()) };
    if ticks.len() < 2 {
        return Ok(String::new());
    }
    let (lines, legend) = lines(names, cells, copies);
    let most = lines.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max);
    let upright = round_ticks(most);
    let (columns, rate) = (|x: &f64| x.exp2().round().to_string(), |y: &f64| short(*y));
    let x = Axis { name: "columns", range: (first, last), ticks, text: &columns };
    let range = (0.0, upright.last().copied().unwrap_or(1.0));
    let y = Axis { name: "GB/s", range, ticks: upright, text: &rate };
    Ok(figure(title, &chart(&lines, &x, &y, None)?, &format!("<ul class=\"legend\">{legend}</ul>\n")))
}

/// A line per kernel, in the colour it has in every chart, and the copy's; and what they mean.
fn lines(names: &[&str], cells: &[&Cell], copies: &[&Cell]) -> (Vec<Line>, String) {
    let places = |cells: &[&Cell]| cells.iter().map(|cell| place(cell)).collect();
    let copy = Line { color: COPY, points: places(copies), marked: Vec::new(), dashed: true };
    let (mut lines, mut legend) = (vec![copy], String::new());
    for (kernel, cells) in groups(cells.iter().copied(), |cell| cell.kernel) {
        let index = names.iter().position(|name| *name == kernel).unwrap_or(0);
        let marked = cells.iter().filter(|cell| cell.planned).map(|cell| place(cell)).collect();
        lines.push(Line { color: series(index), points: places(&cells), marked, dashed: false });
        legend += &swatch(&series_variable(index), kernel);
    }
    if !copies.is_empty() {
        legend += &swatch("--copy", "copy");
    }
    (lines, legend)
}

/// Columns, as a power of two, and rate.
fn place(cell: &Cell) -> (f64, f64) {
    ((cell.cols as f64).log2(), cell.gb_per_s.unwrap_or(0.0))
}

/// A number of an axis.
fn short(number: f64) -> String {
    if number.fract().abs() < 1e-9 { format!("{number:.0}") } else { Digits(number).to_string() }
}
