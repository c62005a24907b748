//! The section on where an adapter overtakes the CPU, from host slice to host slice.

use super::chart::{Axis, Line, chart};
use super::paint::{series, series_variable};
use super::{Plot, escaped, figure, groups, swatch};
use crate::bench::report::{COPY, Cell, Report};
use crate::terminal::bytes;

/// Lines that one chart can show.
const MOST_LINES: usize = 8;

/// A batch's size (or its rows' length), and the CPU's time over the adapter's.
struct Point {
    at: u64,
    ratio: f64,
}

/// A chart for each adapter, operation and precision, with the crossing points in words.
pub fn section(report: &Report) -> Plot {
    let is_cpu = |cell: &&Cell| report.devices[cell.device].kind == "cpu";
    let planned = || report.cells.iter().filter(|cell| cell.planned && cell.op != COPY);
    let cpu: Vec<&Cell> = planned().filter(is_cpu).collect();
    let adapters = planned().filter(|cell| !is_cpu(cell));
    let mut figures = String::new();
    for ((device, op, precision), cells) in groups(adapters, |cell| (cell.device, cell.op, cell.precision()))
    {
        let title = format!("{}: {op}, {precision}", report.devices[device].name);
        figures += &one(&title, &cells, &cpu)?;
    }
    if figures.is_empty() {
        return Ok(figures);
    }
    Ok(format!(
        "<h2>CPU against GPU</h2>\n<p>The CPU's time over the adapter's, both from host slice to host slice: above 1 the \
         adapter is ahead.</p>\n<div class=\"figures\">\n{figures}</div>\n"
    ))
}

fn one(title: &str, cells: &[&Cell], cpu: &[&Cell]) -> Plot {
    let by_columns = groups(cells.iter().copied(), |cell| cell.cols);
    let several = by_columns.iter().any(|(_, cells)| cells.len() > 1);
    let mut lines: Vec<(String, Vec<Point>)> = if several {
        let line = |(cols, cells): (u64, Vec<&Cell>)| {
            (format!("{cols} columns"), points(&cells, cpu, |c| c.rows * c.cols * 4))
        };
        by_columns.into_iter().map(line).collect()
    } else {
        vec![("by row length".to_owned(), points(cells, cpu, |cell| cell.cols))]
    };
    lines.retain(|(_, points)| points.len() > 1);
    let every = lines.len().div_ceil(MOST_LINES).max(1);
    let lines: Vec<_> = lines.into_iter().step_by(every).collect();
    if lines.is_empty() {
        return Ok(String::new());
    }
    let unit = |at: u64| if several { bytes(at) } else { format!("{at} columns") };
    let mut below = String::from("<ul class=\"legend\">");
    for (index, (name, points)) in lines.iter().enumerate() {
        below += &swatch(&series_variable(index), &format!("{name}: {}", crossing(points, &unit)));
    }
    below += "</ul>\n";
    let name = if several { "bytes of input" } else { "columns" };
    Ok(figure(title, &draw(&lines, name, several)?, &below))
}

fn draw(lines: &[(String, Vec<Point>)], name: &str, in_bytes: bool) -> Plot {
    let drawn: Vec<Line> = lines
        .iter()
        .enumerate()
        .map(|(index, (_, points))| Line {
            color: series(index),
            points: points.iter().map(|p| ((p.at as f64).log2(), p.ratio.log2())).collect(),
            marked: Vec::new(),
            dashed: false,
        })
        .collect();
    let all = || drawn.iter().flat_map(|line| &line.points);
    let ends = |of: fn(&(f64, f64)) -> f64| {
        let values = all().map(of);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (across, upright) = (ends(|p| p.0), ends(|p| p.1));
    let upright = (upright.0.min(-1.0).floor(), upright.1.max(1.0).ceil());
    let whole = |(from, to): (f64, f64), step: usize| -> Vec<f64> {
        (from.ceil() as i64..=to.floor() as i64).step_by(step).map(|n| n as f64).collect()
    };
    let size = |x: &f64| {
        let at = x.exp2().round() as u64;
        if in_bytes { super::binary(at) } else { at.to_string() }
    };
    let x = Axis { name, range: across, ticks: whole(across, 2), text: &size };
    // So that 1 is among the numbers whatever the step.
    let step = ((upright.1 - upright.0) / 7.0).ceil().max(1.0);
    let ticks = whole((upright.0 / step, upright.1 / step), 1).into_iter().map(|n| n * step).collect();
    let y = Axis { name: "CPU time / adapter time", range: upright, ticks, text: &ratio };
    chart(&drawn, &x, &y, Some(0.0))
}

/// The shapes that both were measured with, in order of size.
fn points(cells: &[&Cell], cpu: &[&Cell], at: fn(&Cell) -> u64) -> Vec<Point> {
    let time = |cell: &Cell| cell.end_to_end.map(|spread| spread.median);
    let mut points: Vec<Point> = cells
        .iter()
        .filter_map(|cell| {
            let same = |c: &&&Cell| {
                (c.rows, c.cols, c.op, c.precision) == (cell.rows, cell.cols, cell.op, cell.precision)
            };
            Some(Point { at: at(cell), ratio: time(cpu.iter().find(same)?)? / time(cell)? })
        })
        .collect();
    points.sort_by_key(|point| point.at);
    points
}

/// Where the adapter overtakes the CPU for good, in words.
fn crossing(points: &[Point], unit: &dyn Fn(u64) -> String) -> String {
    let Some(behind) = points.iter().rposition(|point| point.ratio < 1.0) else {
        return "the adapter is ahead throughout".to_owned();
    };
    let Some(ahead) = points.get(behind + 1) else {
        return "the CPU is ahead at the largest".to_owned();
    };
    let (from, to) = (&points[behind], ahead);
    let part = -from.ratio.log2() / (to.ratio.log2() - from.ratio.log2()).max(f64::MIN_POSITIVE);
    let at = (from.at as f64).log2() + part * ((to.at as f64).log2() - (from.at as f64).log2());
    format!("the adapter is ahead from about {}", escaped(&unit(at.exp2().round() as u64)))
}

/// A power of two as a ratio.
fn ratio(power: &f64) -> String {
    match power {
        p if *p < 0.0 => format!("1/{}", (-p).exp2().round()),
        p => p.exp2().round().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crossing_point_is_told() {
        let made = |ratios: &[f64]| -> String {
            let points: Vec<Point> =
                ratios.iter().enumerate().map(|(i, r)| Point { at: 1 << (10 + i), ratio: *r }).collect();
            crossing(&points, &|at| at.to_string())
        };
        assert_eq!(made(&[2.0, 3.0]), "the adapter is ahead throughout");
        assert_eq!(made(&[2.0, 0.5]), "the CPU is ahead at the largest");
        assert_eq!(made(&[0.25, 0.5, 2.0]), "the adapter is ahead from about 2896");
        assert_eq!((ratio(&-3.0).as_str(), ratio(&0.0).as_str(), ratio(&2.0).as_str()), ("1/8", "1", "4"));
    }
}
