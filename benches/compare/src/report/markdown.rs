//! The tables as Markdown, in the form that `docs/` uses.

use super::Report;
use super::tables::{Table, all};

pub fn document(report: &Report) -> String {
    let mut text = format!("# Softmax beside its peers\n\n{}\n", machine(report));
    for table in all(report) {
        text += &self::table(&table);
    }
    text
}

/// What the machine is, in a sentence.
pub fn machine(report: &Report) -> String {
    let machine = &report.machine;
    let load = |load: Option<f64>| load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.1}"));
    let [begin, end] = machine.load.map(load);
    let adapter = if machine.adapter.is_empty() { "none" } else { &machine.adapter };
    format!(
        "{}, {} threads, {}; GPU adapter: {adapter}. Softmax over the last axis, f32; {} rounds; load {begin} \
         before, {end} after.",
        machine.processor, machine.threads, machine.system, report.rounds
    )
}

fn table(table: &Table) -> String {
    let mut text = format!("\n## {}\n\n", table.title);
    if !table.note.is_empty() {
        text += &format!("{}\n\n", table.note);
    }
    let line =
        |cells: Vec<&str>| format!("| {} |\n", cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(" | "));
    text += &line(table.head.iter().map(String::as_str).collect());
    text += &format!("|{}\n", "---|".repeat(table.head.len()));
    for cells in &table.lines {
        text += &line(cells.iter().map(|c| c.text.as_str()).collect());
    }
    text
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
