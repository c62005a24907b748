//! The report as a page: one file, no script, no network.

mod chart;
mod crossing;
mod heat;
mod paint;
mod rates;
mod shares;
mod table;

use std::collections::{BTreeSet, HashSet};
use std::error::Error;

use super::report::{COPY, Cell, Report};
use crate::terminal::{Digits, bytes};

/// A drawing.
type Plot = Result<String, Box<dyn Error>>;

const STYLE: &str = include_str!("style.css");

/// All of it.
pub fn page(report: &Report) -> Plot {
    let sections = [shares::section(report)?, rates::section(report)?, crossing::section(report)?];
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>softmax bench</title>\n\
         <style>\n{STYLE}{}</style>\n</head>\n<body>\n<main>\n{}{}{}</main>\n</body>\n</html>\n",
        paint::rules(),
        header(report),
        sections.concat(),
        table::section(report),
    ))
}

fn header(report: &Report) -> String {
    let devices: String = report.devices.iter().enumerate().map(|(at, _)| device(report, at)).collect();
    format!(
        "<h1>softmax bench</h1>\n<p>{} cells in {} s, softmax {}, numerics version {}. CPU: {}, last-level cache {}. \
         {}</p>\n<div class=\"scroll\"><table>\n\
         <thead><tr><th>device</th><th>driver</th><th>roundings</th><th>clock</th><th class=\"n\">best copy, GB/s</th><th class=\"n\">buffers that take turns</th></tr></thead>\n\
         <tbody>\n{devices}</tbody>\n</table></div>\n",
        report.cells.len(),
        Digits(report.seconds),
        report.version,
        report.numerics_version,
        escaped(&report.cpu),
        bytes(report.last_level_cache),
        compared(report),
    )
}

/// What the header says of the answers: how many were compared, and how many of those were wrong.
fn compared(report: &Report) -> String {
    let is_wrong = |cell: &&Cell| cell.error.as_ref().is_some_and(|e| e.starts_with("WRONG"));
    let cells = || report.cells.iter().filter(|cell| cell.op != COPY);
    let compared = cells().filter(|cell| cell.checked || is_wrong(cell)).count();
    let said = match (compared, cells().count() - compared) {
        (0, _) => "No answer was timed, and the table says why".to_owned(),
        (_, 0) => "Every answer was compared with the specification before it was timed".to_owned(),
        (_, others) => {
            let others = if others == 1 { "one cell was".to_owned() } else { format!("{others} cells were") };
            format!(
                "Every answer that was timed was compared with the specification before; \
                 {others} not measured, and the table says why"
            )
        }
    };
    match report.cells.iter().filter(is_wrong).count() {
        0 => said + ".",
        n => format!("{said}: <strong class=\"wrong\">{n} were wrong</strong>, see the table."),
    }
}

fn device(report: &Report, at: usize) -> String {
    let info = &report.devices[at];
    let cells = || report.cells.iter().filter(|cell| cell.device == at);
    let clock = cells().find_map(|cell| cell.clock).unwrap_or("-");
    let copy = cells().filter(|cell| cell.op == COPY).filter_map(|cell| cell.gb_per_s).reduce(f64::max);
    let ring = cells().filter_map(|cell| cell.ring_bytes).max();
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{clock}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
        escaped(&info.name),
        escaped(info.driver.as_deref().unwrap_or("-")),
        info.rounding.unwrap_or("-"),
        copy.map_or("-".to_owned(), |rate| Digits(rate).to_string()),
        ring.map_or("-".to_owned(), |ring| format!("up to {}", bytes(ring))),
    )
}

/// What sets the rows of batches apart: the number of rows, or, where each length of row comes in
/// several sizes, about how many bytes of input there are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    Rows,
    Bytes,
}

impl Size {
    /// Bytes, unless two shapes would fall together.
    fn for_cells(cells: &[&Cell]) -> Self {
        let mut seen = HashSet::new();
        let shapes: HashSet<_> = cells.iter().map(|cell| (cell.rows, cell.cols)).collect();
        let apart = shapes.iter().all(|(rows, cols)| seen.insert((cols, size_class(rows * cols * 4))));
        if apart { Size::Bytes } else { Size::Rows }
    }

    fn of(self, cell: &Cell) -> u64 {
        match self {
            Size::Rows => cell.rows,
            Size::Bytes => size_class(cell.rows * cell.cols * 4),
        }
    }

    /// The name of a row of batches of that size, which are some of these.
    fn text(self, size: u64, cells: &[&Cell]) -> String {
        if self == Size::Rows {
            return format!("{size} rows");
        }
        let of_it = cells.iter().filter(|cell| self.of(cell) == size);
        let found: BTreeSet<u64> = of_it.map(|cell| cell.rows * cell.cols * 4).collect();
        match (found.len(), found.last()) {
            (1, Some(&only)) => exact(only),
            (_, largest) => format!("up to {}", exact(largest.copied().unwrap_or(size))),
        }
    }
}

/// The nearest power of two.
fn size_class(bytes: u64) -> u64 {
    1 << (bytes.max(1) as f64).log2().round() as u32
}

/// A number of bytes: in powers of 1024 where that is exact, else in powers of 1000.
fn exact(count: u64) -> String {
    let unit = 1u64 << (count.max(1).ilog2() / 10 * 10);
    if count.is_multiple_of(unit) { binary(count) } else { bytes(count) }
}

/// A power of two of bytes, in powers of 1024.
fn binary(bytes: u64) -> String {
    let (power, units) = (bytes.max(1).ilog2() / 10, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]);
    format!("{} {}", bytes >> (10 * power), units[power as usize])
}

/// Groups of cells that are alike in what `key` says, in their first order.
fn groups<'a, K: PartialEq>(
    cells: impl IntoIterator<Item = &'a Cell>,
    key: impl Fn(&Cell) -> K,
) -> Vec<(K, Vec<&'a Cell>)> {
    let mut groups: Vec<(K, Vec<&Cell>)> = Vec::new();
    for cell in cells {
        let key = key(cell);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(cell),
            None => groups.push((key, vec![cell])),
        }
    }
    groups
}

/// A drawing with what it shows, and more text below.
fn figure(title: &str, svg: &str, below: &str) -> String {
    let (title, svg) = (escaped(title), svg.trim_start());
    let svg = svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1);
    format!(
        "<figure>\n<figcaption>{title}</figcaption>\n<div class=\"scroll\">{svg}</div>\n{below}</figure>\n"
    )
}

/// A colour's meaning.
fn swatch(variable: &str, name: &str) -> String {
    format!("<li><span style=\"background: var({variable})\"></span>{}</li>", escaped(name))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
