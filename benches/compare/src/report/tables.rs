//! The report's tables, the same for Markdown and the page.

use super::{Cell, Line, Missing, Report, Spread, Times};
use crate::contestants::ALL;
use crate::oracle::Errors;
use crate::protocol::Place;

/// A table and what it says.
pub struct Table {
    pub title: &'static str,
    pub note: String,
    pub head: Vec<String>,
    pub lines: Vec<Vec<Text>>,
}

/// A cell's text, and whether it is in favour of ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    pub text: String,
    pub good: Option<bool>,
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self { text: text.into(), good: None }
    }
}

/// A clock that times were taken by.
#[derive(Clone, Copy, PartialEq)]
enum Clock {
    Wall,
    Cpu,
    Device,
}

pub fn all(report: &Report) -> Vec<Table> {
    let tables = [
        ratios(
            report,
            "Times",
            &[Clock::Wall, Clock::Device],
            "Wall time, where \"by its clock\" stands the device's own. Each peer's cell: its time by that \
             of Reproducible, by that of Fast, medians over rounds of the ratio within a round; above 1, \
             ours is faster. GB/s count one read and one write.",
        ),
        ratios(
            report,
            "The same rounds by processor time",
            &[Clock::Cpu],
            "Time of all threads of the process, which other programs disturb least. With several \
             threads it counts those that spin while they wait.",
        ),
        rates(report),
        super::findings::accuracy(report),
        super::findings::special(report),
        failures(report),
        super::findings::contestants(report),
        missing(report),
    ];
    tables.into_iter().filter(|table| !table.lines.is_empty()).collect()
}

/// The contestants that a part of the report knows, in their usual order.
pub fn order<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<&'static str> {
    ALL.iter().map(|c| c.name).filter(|&name| names.clone().any(|n| n == name)).collect()
}

pub fn heading(name: &str) -> String {
    match name {
        "reproducible" => "Reproducible".to_owned(),
        "fast" => "Fast".to_owned(),
        other => other.to_owned(),
    }
}

fn timed(report: &Report) -> Vec<&'static str> {
    order(report.lines.iter().flat_map(|l| &l.cells).map(|c| c.name.as_str()))
}

fn place(line: &Line, clock: Clock) -> String {
    match (line.place, line.threads) {
        (Place::Cpu, Some(1)) => "CPU, 1 thread".to_owned(),
        (Place::Cpu, threads) => format!("CPU, {} threads", threads.unwrap_or_default()),
        (Place::Kernel, _) if clock == Clock::Device => "kernel, by its clock".to_owned(),
        (Place::Kernel, _) => "kernel".to_owned(),
        (Place::EndToEnd, _) => "end to end".to_owned(),
    }
}

fn shape(line: &Line) -> String {
    format!("{} x {}", line.rows, line.cols)
}

fn ratios(report: &Report, title: &'static str, clocks: &[Clock], note: &str) -> Table {
    let peers: Vec<_> =
        timed(report).into_iter().filter(|name| !["reproducible", "fast"].contains(name)).collect();
    let mut head =
        ["shape", "", "Reproducible GB/s", "Fast GB/s", "Reproducible / Fast"].map(String::from).to_vec();
    head.extend(peers.iter().map(|name| format!("{name} / Reproducible, Fast")));
    let both = report.lines.iter().flat_map(|line| clocks.iter().map(move |&clock| (line, clock)));
    let of = |(line, clock): (&Line, Clock)| {
        let cell = |name: &str| line.cells.iter().find(|c| c.name == name);
        let mut texts: Vec<Text> = vec![shape(line).into(), place(line, clock).into()];
        texts.extend(["reproducible", "fast"].map(|name| rate(line, cell(name), clock, |s| s.median)));
        texts.push(versus(cell("reproducible"), clock));
        texts.extend(peers.iter().map(|name| versus(cell(name), clock)));
        // By a clock that no peer has there is nothing to compare.
        let some = clock != Clock::Device || texts[5..].iter().any(|t| !t.text.is_empty());
        some.then_some(texts)
    };
    Table { title, note: note.to_owned(), head, lines: both.filter_map(of).collect() }
}

fn spread(times: &Times, clock: Clock) -> Option<Spread> {
    match clock {
        Clock::Wall => Some(times.wall),
        Clock::Cpu => Some(times.cpu),
        Clock::Device => times.device,
    }
}

fn rate(line: &Line, cell: Option<&Cell>, clock: Clock, of: fn(&Spread) -> f64) -> Text {
    let time = cell.and_then(|cell| spread(cell.times.as_ref()?, clock));
    time.map_or_else(Text::default, |time| {
        let bytes = 8.0 * line.rows as f64 * line.cols as f64;
        significant(bytes / of(&time) / 1e6).into()
    })
}

/// Ratios to each of ours.
fn versus(cell: Option<&Cell>, clock: Clock) -> Text {
    let Some(cell) = cell else { return Text::default() };
    if cell.failed.is_some() {
        return "failed".into();
    }
    let ratio = |v: &super::Versus| match clock {
        Clock::Wall => Some(v.wall),
        Clock::Cpu => Some(v.cpu),
        Clock::Device => v.device,
    };
    let Some(ratios) = cell.versus.iter().map(ratio).collect::<Option<Vec<_>>>() else {
        return Text::default();
    };
    let mut text = ratios.iter().map(|&r| significant(r)).collect::<Vec<_>>().join(", ");
    let wrong = cell.errors.is_some_and(|e| e.wrong_rows > 0);
    if wrong && !text.is_empty() {
        text += " (wrong results)";
    }
    let good = ratios.first().map(|&r| r >= 1.0).filter(|_| cell.name != "reproducible");
    Text { text, good }
}

fn rates(report: &Report) -> Table {
    let names = timed(report);
    let mut head = vec!["shape".to_owned(), String::new()];
    head.extend(names.iter().map(|name| heading(name)));
    let of = |line: &Line| {
        let mut texts: Vec<Text> = vec![shape(line).into(), place(line, Clock::Wall).into()];
        for name in &names {
            let cell = line.cells.iter().find(|c| c.name == *name);
            let rate = |of| rate(line, cell, Clock::Wall, of).text;
            let (median, best) = (rate(|s: &Spread| s.median), rate(|s: &Spread| s.best));
            texts.push(if median.is_empty() { Text::default() } else { format!("{median} / {best}").into() });
        }
        texts
    };
    Table {
        title: "GB/s: median / best",
        note: "Wall time; one read and one write of each element.".to_owned(),
        head,
        lines: report.lines.iter().map(of).collect(),
    }
}

fn failures(report: &Report) -> Table {
    let mut lines: Vec<Vec<Text>> = Vec::new();
    for line in &report.lines {
        for cell in &line.cells {
            if let Some(why) = &cell.failed {
                let what = format!("{}, {}", shape(line), place(line, Clock::Wall));
                lines.push(vec![heading(&cell.name).into(), what.into(), why.as_str().into()]);
            }
        }
    }
    let head = ["", "at", "why"].map(String::from).to_vec();
    Table { title: "Failed", note: String::new(), head, lines }
}

/// Who could not take part, the sections with one reason together.
fn missing(report: &Report) -> Table {
    let mut groups: Vec<(&Missing, Vec<&str>)> = Vec::new();
    for missing in &report.missing {
        match groups.iter_mut().find(|(m, _)| m.name == missing.name && m.why == missing.why) {
            Some((_, sections)) => sections.push(&missing.section),
            None => groups.push((missing, vec![&missing.section])),
        }
    }
    let line = |(missing, sections): (&Missing, Vec<&str>)| {
        vec![heading(&missing.name).into(), sections.join("; ").into(), missing.why.as_str().into()]
    };
    Table {
        title: "Missing",
        note: "Peers that were asked for and could not take part.".to_owned(),
        head: ["", "where", "why"].map(String::from).to_vec(),
        lines: groups.into_iter().map(line).collect(),
    }
}

/// Three digits, as many as the measurements are worth.
pub fn significant(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

pub fn errors(errors: &Errors) -> String {
    let worst = errors.worst_ulp.map_or_else(|| "not finite".to_owned(), significant);
    match errors.wrong_rows {
        0 => worst,
        1 => format!("{worst}, 1 row wrong"),
        rows => format!("{worst}, {rows} rows wrong"),
    }
}
