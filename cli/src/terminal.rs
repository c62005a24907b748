//! Lines on standard output and standard error, without a panic where nobody reads them.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Writes to standard output. A reader that has left, as in `softmax devices | head -1`, has seen
/// what it wanted: that is no failure.
pub fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    printed(out.write_all(text).and_then(|()| out.flush()))
}

/// What became of writing to standard output.
pub fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Cannot(format!("standard output: {error}; nothing of the report is complete")))
        }
        _ => Ok(()),
    }
}

/// Writes one JSON value and a newline to standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(value).map_err(|e| Failure::Cannot(format!("the JSON report: {e}")))?;
    print(format!("{json}\n").as_bytes())
}

/// Writes one line to standard error, whatever the text holds (a file name may hold a newline).
pub fn tell(line: &str) {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Where even standard error cannot be written to, the exit status remains.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Takes away what a progress bar has left on the line.
pub fn clear_line() {
    let mut err = io::stderr();
    if err.is_terminal() {
        let _ = err.write_all(b"\r\x1b[2K");
    }
}

/// Puts the cells of a table below each other, two spaces apart.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|c: &String| c.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A number of bytes as people read it, in powers of 1000.
pub fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let power = (count.max(1).ilog10() / 3) as usize;
    match power {
        0 => format!("{count} B"),
        _ => format!("{} {}", Digits(count as f64 / 1000f64.powi(power as i32)), units[power]),
    }
}

/// More bytes than there are, and those: the first rounded up, so that it is enough where it is given
/// back, and the second not to the same figure.
pub fn needed_and_allowed(needed: u64, allowed: u64) -> (String, String) {
    let up = rounded(needed, 1);
    let back = up.parse().map_or(0, |size: bytesize::ByteSize| size.as_u64());
    // Figures of decimals may be read as a byte less.
    let needed = if back < needed { rounded(needed, 2) } else { up };
    let nearest = bytes(allowed);
    let allowed = if nearest == needed { rounded(allowed, 0) } else { nearest };
    (needed, allowed)
}

/// Cut to three digits, plus `more` in the last one; with 1, what is exact in them stays.
fn rounded(count: u64, more: u64) -> String {
    let step = 10u64.pow(count.max(1).ilog10().saturating_sub(2));
    let more = if more == 1 && count.is_multiple_of(step) { 0 } else { more };
    bytes((count / step).saturating_add(more).saturating_mul(step))
}

/// A time as people read it.
pub fn time(time: std::time::Duration) -> String {
    match time.as_secs_f64() {
        s if s < 999.5e-6 => format!("{} us", Digits(s * 1e6)),
        s if s < 999.5e-3 => format!("{} ms", Digits(s * 1e3)),
        s => format!("{} s", Digits(s)),
    }
}

/// A positive number to three or four digits: 0.0123, 1.23, 12.3, 123.
pub struct Digits(pub f64);

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = match self.0 {
            // Below 0.1 there is a zero behind the point for each power of ten.
            x if 0.0 < x && x < 0.9995 => 2 + (-x.log10().floor()).min(99.0) as usize,
            x if x < 9.995 => 2,
            x if x < 99.95 => 1,
            _ => 0,
        };
        write!(f, "{:.decimals$}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_to_three_digits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(256_000), "256 kB");
        assert_eq!(bytes(1_234_567), "1.23 MB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
    }

    #[test]
    fn what_is_needed_is_enough_when_it_is_given_back() {
        let back = |text: &str| text.parse::<bytesize::ByteSize>().unwrap().as_u64();
        for power in 0..16 {
            for digits in (1..2000).chain([4801, 9994, 9995, 9999]) {
                let count = digits * 10u64.pow(power);
                for (count, less) in [(count, 1), (count + 1, 1), (count, count / 1000 + 1)] {
                    let (needed, allowed) = needed_and_allowed(count, count - less.min(count));
                    assert!(back(&needed) >= count, "{count}: {needed}");
                    assert!(back(&needed) - count <= count / 50, "{count}: {needed}");
                    assert_ne!(needed, allowed, "{count}");
                }
            }
        }
        let told = |needed, allowed| needed_and_allowed(needed, allowed);
        assert_eq!(told(4_800_001, 4_800_000), ("4.81 MB".to_owned(), "4.80 MB".to_owned()));
        assert_eq!(told(2_097_152, 1_048_576), ("2.10 MB".to_owned(), "1.05 MB".to_owned()));
    }

    #[test]
    fn times_are_told_to_three_digits() {
        let told = [50, 120_000, 999_600, 25_000_000, 2_000_000_000]
            .map(|ns| time(std::time::Duration::from_nanos(ns)));
        assert_eq!(told, ["0.0500 us", "120 us", "1.00 ms", "25.0 ms", "2.00 s"]);
    }

    #[test]
    fn small_numbers_keep_three_digits() {
        let told =
            [0.0, 0.000_012_34, 0.005, 0.32, 0.999_7, 9.994, 12.34].map(|number| Digits(number).to_string());
        assert_eq!(told, ["0.00", "0.0000123", "0.00500", "0.320", "1.00", "9.99", "12.3"]);
    }

    #[test]
    fn a_table_lines_its_columns_up() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["long".to_owned(), "c".to_owned()]];
        assert_eq!(table(&rows), "a     b\nlong  c\n");
    }
}
