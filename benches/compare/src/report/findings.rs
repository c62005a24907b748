//! Tables of what the results are: accuracy, special rows, who took part.

use super::tables::{Table, Text, errors, heading, order};
use super::{Accuracy, Line, Outcome, Present, Report, Special};
use crate::protocol::Place;

pub fn accuracy(report: &Report) -> Table {
    let timed: Vec<&Line> = report.lines.iter().filter(|line| first_series(report, line)).collect();
    let names = order(
        (report.accuracy.iter().flat_map(|a| &a.cells).map(|c| c.name.as_str()))
            .chain(timed.iter().flat_map(|l| &l.cells).map(|c| c.name.as_str())),
    );
    let mut head = ["", "rows x columns", "elements"].map(String::from).to_vec();
    head.extend(names.iter().map(|name| heading(name)));
    let random = |line: &Accuracy| {
        let elements = format!("normal, deviation {}", line.deviation);
        let begin =
            [line.section.clone(), format!("{} x {}", line.rows, line.cols), elements].map(Text::from);
        let cells = names.iter().map(|name| outcome(&line.cells, name, errors));
        begin.into_iter().chain(cells).collect()
    };
    let measured = |line: &&Line| {
        let section = if line.place == Place::Cpu { "CPU" } else { "GPU" };
        let shape = format!("{} x {}", line.rows, line.cols);
        let begin = [section.to_owned(), shape, "uniform in [-8, 8)".to_owned()].map(Text::from);
        let of = |name: &&str| line.cells.iter().find(|c| c.name == *name).and_then(|c| c.errors.as_ref());
        let cells = names.iter().map(|name| of(name).map_or_else(Text::default, |e| errors(e).into()));
        begin.into_iter().chain(cells).collect()
    };
    Table {
        title: "Accuracy",
        note: "The largest error in units of the last place against softmax in f64, of results in f32's \
               normal range. A row is wrong with a result more than 4096 away."
            .to_owned(),
        head,
        lines: report.accuracy.iter().map(random).chain(timed.iter().map(measured)).collect(),
    }
}

/// Whether a line is of the first number of threads, or the kernel alone: the others compute the same.
fn first_series(report: &Report, line: &Line) -> bool {
    let first = report.lines.iter().find_map(|l| l.threads);
    match line.place {
        Place::Cpu => line.threads == first,
        Place::Kernel => true,
        Place::EndToEnd => false,
    }
}

fn outcome<T>(cells: &[Outcome<T>], name: &str, show: impl Fn(&T) -> String) -> Text {
    let Some(cell) = cells.iter().find(|c| c.name == name) else { return Text::default() };
    match (&cell.found, &cell.failed) {
        (Some(found), _) => show(found).into(),
        (None, why) => format!("failed: {}", brief(why.as_deref().unwrap_or("no reason given"))).into(),
    }
}

/// The beginning of a reason; all of it is in the JSON.
fn brief(why: &str) -> String {
    let line = why.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

pub fn special(report: &Report) -> Table {
    let names = order(report.special.iter().flat_map(|s| &s.cells).map(|c| c.name.as_str()));
    let mut head = ["", "what", "row"].map(String::from).to_vec();
    head.extend(names.iter().map(|name| heading(name)));
    let line = |line: &Special| {
        let begin = [line.section.clone(), line.what.clone(), values(&line.row)].map(Text::from);
        let ours = line.cells.iter().find(|c| c.name == "reproducible").and_then(|c| c.found.as_ref());
        let show = |found: &Vec<u32>| match ours {
            Some(ours) if alike(ours, found) => "same".to_owned(),
            _ => values(found),
        };
        let cells = names.iter().map(|&name| {
            let itself = name == "reproducible";
            outcome(&line.cells, name, |found| if itself { values(found) } else { show(found) })
        });
        begin.into_iter().chain(cells).collect()
    };
    Table {
        title: "Special rows",
        note: "\"same\" is what Reproducible gives, NaN for NaN, zero for zero, within a part in 1000."
            .to_owned(),
        head,
        lines: report.special.iter().map(line).collect(),
    }
}

fn alike(a: &[u32], b: &[u32]) -> bool {
    let pair = |(&a, &b): (&u32, &u32)| {
        let (a, b) = (f32::from_bits(a), f32::from_bits(b));
        (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() < 1e-3 * a.abs()
    };
    a.len() == b.len() && a.iter().zip(b).all(pair)
}

fn values(row: &[u32]) -> String {
    let value = |&bits: &u32| match f32::from_bits(bits) {
        x if x.is_nan() && bits >> 31 == 1 => "-NaN".to_owned(),
        x if x == 0.0 || x.is_nan() || x.is_infinite() => format!("{x}"),
        x if (1e-3..1e4).contains(&x.abs()) => format!("{}", (x * 1e4).round() / 1e4),
        x => format!("{x:.2e}"),
    };
    if row.is_empty() { "empty".to_owned() } else { row.iter().map(value).collect::<Vec<_>>().join(" ") }
}

/// Who took part; the sections in which one said the same together.
pub fn contestants(report: &Report) -> Table {
    let mut groups: Vec<(&Present, Vec<&str>)> = Vec::new();
    for present in &report.contestants {
        let same = |(p, _): &&mut (&Present, Vec<&str>)| {
            p.name == present.name && p.hello.setting == present.hello.setting
        };
        match groups.iter_mut().find(same) {
            Some((_, sections)) => sections.push(&present.section),
            None => groups.push((present, vec![&present.section])),
        }
    }
    groups.sort_by_key(|(present, _)| crate::contestants::ALL.iter().position(|c| c.name == present.name));
    let line = |(present, sections): (&Present, Vec<&str>)| {
        let hello = &present.hello;
        let name = heading(&present.name);
        [name, hello.version.clone(), sections.join("; "), hello.setting.clone()].map(Text::from).to_vec()
    };
    Table {
        title: "Contestants",
        note: "Each in a process of its own, all with the same rows.".to_owned(),
        head: ["", "version", "where", "what is called, and how it is set"].map(String::from).to_vec(),
        lines: groups.into_iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(x: &[f32]) -> Vec<u32> {
        x.iter().map(|x| x.to_bits()).collect()
    }

    #[test]
    fn values_are_short() {
        let row = bits(&[f32::NAN, -f32::NAN, -f32::INFINITY, 0.0, 1.0, 0.26894143, -1e7, 8.2e-40]);
        assert_eq!(values(&row), "NaN -NaN -inf 0 1 0.2689 -1.00e7 8.20e-40");
        assert_eq!(values(&[]), "empty");
    }

    #[test]
    fn alike_tells_zeros_and_nans_apart() {
        assert!(alike(&bits(&[0.5, f32::NAN, 0.0]), &bits(&[0.50001, -f32::NAN, -0.0])));
        assert!(!alike(&bits(&[0.0]), &bits(&[8.2e-40])));
        assert!(!alike(&bits(&[f32::NAN]), &bits(&[0.0])));
        assert!(!alike(&bits(&[0.5]), &bits(&[])));
    }
}
