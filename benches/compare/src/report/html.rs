//! The tables as a page that needs no other file.

use super::Report;
use super::markdown::machine;
use super::tables::{Table, Text, all};

const STYLE: &str = include_str!("page.css");

pub fn document(report: &Report) -> String {
    let tables: String = all(report).iter().map(table).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Softmax beside its peers</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>Softmax beside its peers</h1>\n<p>{}</p>\n{tables}</body>\n</html>\n",
        escaped(&machine(report))
    )
}

fn table(table: &Table) -> String {
    let head: String = table.head.iter().map(|h| format!("<th>{}</th>", escaped(h))).collect();
    let line = |line: &Vec<Text>| format!("<tr>{}</tr>\n", line.iter().map(cell).collect::<String>());
    let lines: String = table.lines.iter().map(line).collect();
    format!(
        "<h2>{}</h2>\n<p>{}</p>\n<div><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table></div>\n",
        escaped(table.title),
        escaped(&table.note)
    )
}

fn cell(text: &Text) -> String {
    let class = match text.good {
        None => "",
        Some(true) => " class=\"good\"",
        Some(false) => " class=\"bad\"",
    };
    format!("<td{class}>{}</td>", escaped(&text.text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
