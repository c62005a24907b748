//! Which shapes are measured.

use std::collections::BTreeSet;

use bytesize::ByteSize;
use wgpu_softmax::Shape;

use crate::failure::Failure;

/// Row lengths that stand for all: a few columns, a class of each kernel, vocabularies.
const COLUMNS: [u64; 7] = [3, 32, 128, 1000, 4096, 32_768, 131_072];
/// Bytes of a batch's input: one that any cache holds, one that some hold, one that none does.
const BYTES: [u64; 3] = [64 << 10, 1 << 20, 32 << 20];
/// Lengths between powers of two: no multiple of 4 but two, and the vocabulary of GPT-2.
const ODD: [u64; 8] = [3, 10, 33, 100, 1000, 3001, 10_007, 50_257];
/// Columns of a sweep over rows alone.
const ROW_SWEEP_COLUMNS: u64 = 1000;
/// Bytes of the batches of a sweep over columns alone.
const COLUMN_SWEEP_BYTES: u64 = 32 << 20;

/// The shapes that the options ask for, each once, in order of columns.
pub fn shapes(shapes: &[String], sweeps: &[String], bytes: &[String]) -> Result<Vec<Shape>, Failure> {
    let mut found = BTreeSet::new();
    for text in shapes {
        let (rows, cols) = shape(text)?;
        found.insert((cols, rows));
    }
    let bytes = bytes.iter().map(|text| size(text)).collect::<Result<Vec<_>, _>>()?;
    match swept(sweeps)? {
        (None, None) if shapes.is_empty() => {
            let bytes = if bytes.is_empty() { BYTES.to_vec() } else { bytes };
            found.extend(of_bytes(&COLUMNS, &bytes));
        }
        (None, None) if bytes.is_empty() => {}
        (None, None) => {
            return Err(Failure::Cannot(
                "--bytes says how large the batches of --sweep are; with --shape they are given".to_owned(),
            ));
        }
        (Some(rows), cols) => {
            if !bytes.is_empty() {
                return Err(Failure::Cannot(
                    "--bytes and --sweep rows=... both say how many rows; leave one out".to_owned(),
                ));
            }
            let cols = cols.unwrap_or(vec![ROW_SWEEP_COLUMNS]);
            found.extend(cols.iter().flat_map(|&cols| rows.iter().map(move |&rows| (cols, rows))));
        }
        (None, Some(cols)) => {
            let bytes = if bytes.is_empty() { vec![COLUMN_SWEEP_BYTES] } else { bytes };
            found.extend(of_bytes(&cols, &bytes));
        }
    }
    found.into_iter().map(|(cols, rows)| addressed(rows, cols)).collect()
}

/// As many rows of each length as make a batch of each size, at least one.
fn of_bytes(cols: &[u64], bytes: &[u64]) -> Vec<(u64, u64)> {
    cols.iter().flat_map(|&cols| bytes.iter().map(move |bytes| (cols, (bytes / 4 / cols).max(1)))).collect()
}

fn addressed(rows: u64, cols: u64) -> Result<Shape, Failure> {
    match (usize::try_from(rows), usize::try_from(cols)) {
        (Ok(rows), Ok(cols)) => Ok(Shape::rows(rows, cols)),
        _ => Err(Failure::Cannot(format!("{rows}x{cols} is more than this machine can address"))),
    }
}

/// "8192x4096": rows, then columns.
fn shape(text: &str) -> Result<(u64, u64), Failure> {
    let wrong = || Failure::Cannot(format!("--shape {text}: write rows and columns as in 8192x4096"));
    let (rows, cols) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let (rows, cols) = (number(rows).ok_or_else(wrong)?, number(cols).ok_or_else(wrong)?);
    if rows == 0 || cols == 0 {
        return Err(Failure::Cannot(format!(
            "--shape {text} has no element to measure; give at least one row and one column"
        )));
    }
    Ok((rows, cols))
}

/// Values of an axis, where it is swept.
type Swept = Option<Vec<u64>>;

/// Numbers of rows and row lengths of "rows=..." and "cols=...".
fn swept(sweeps: &[String]) -> Result<(Swept, Swept), Failure> {
    let (mut rows, mut cols) = (None, None);
    for text in sweeps {
        let wrong = || {
            Failure::Cannot(format!(
                "--sweep {text}: write cols=1..131072, rows=1..4096, or a list as in cols=3,128,1000; all from 1 on"
            ))
        };
        let (axis, values) = text.split_once('=').ok_or_else(wrong)?;
        let values = values_of(values).ok_or_else(wrong)?;
        let place = match axis.trim() {
            "rows" => &mut rows,
            "cols" => &mut cols,
            _ => return Err(wrong()),
        };
        if place.replace(values).is_some() {
            return Err(Failure::Cannot(format!(
                "--sweep {text}: {axis} are swept twice; give one --sweep for it"
            )));
        }
    }
    Ok((rows, cols))
}

/// A range's ends, the powers of two and the odd lengths between; or the numbers of a list.
fn values_of(text: &str) -> Option<Vec<u64>> {
    let Some((from, to)) = text.split_once("..") else {
        return text.split(',').map(|text| number(text).filter(|n| *n > 0)).collect();
    };
    let (from, to) = (number(from)?, number(to.trim_start_matches('='))?);
    if from == 0 || from > to {
        return None;
    }
    let powers = (0..64).map(|power| 1u64 << power);
    let between = powers.chain(ODD).filter(|n| (from..=to).contains(n));
    let values: BTreeSet<u64> = between.chain([from, to]).collect();
    Some(values.into_iter().collect())
}

fn number(text: &str) -> Option<u64> {
    text.trim().replace('_', "").parse().ok()
}

fn size(text: &str) -> Result<u64, Failure> {
    match text.trim().parse::<ByteSize>() {
        Ok(size) if size.as_u64() >= 4 => Ok(size.as_u64()),
        _ => Err(Failure::Cannot(format!(
            "--bytes {text}: write a size of 4 bytes or more, as in 64KiB or 32MiB"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(shape: &str, sweep: &str, bytes: &str) -> Result<Vec<(u64, u64)>, String> {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match shapes(&list(shape), &list(sweep), &list(bytes)) {
            Ok(shapes) => Ok(shapes.iter().map(|s| (s.row_count(), s.cols())).collect()),
            Err(Failure::Cannot(line)) => Err(line),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn shapes_are_rows_and_columns() {
        assert_eq!(made("8192x4096 1x3 8192x4096", "", "").unwrap(), [(1, 3), (8192, 4096)]);
    }

    #[test]
    fn a_range_has_its_ends_powers_of_two_and_odd_ones() {
        let cols: Vec<u64> = made("", "cols=5..20", "4KiB").unwrap().iter().map(|s| s.1).collect();
        assert_eq!(cols, [5, 8, 10, 16, 20]);
        assert_eq!(made("", "cols=1..131072", "").unwrap().len(), 26);
    }

    #[test]
    fn batches_of_a_sweep_have_the_bytes_that_are_asked_for() {
        assert_eq!(made("", "cols=10,4096", "1MiB").unwrap(), [(26_214, 10), (64, 4096)]);
        assert_eq!(
            made("", "cols=4096", "1KiB,").unwrap_err(),
            "--bytes 1KiB,: write a size of 4 bytes or more, as in 64KiB or 32MiB"
        );
        assert_eq!(made("", "cols=7 rows=2,3", "").unwrap(), [(2, 7), (3, 7)]);
        assert_eq!(made("", "rows=9", "").unwrap(), [(9, 1000)]);
    }

    #[test]
    fn the_default_has_each_length_in_each_size() {
        assert_eq!(made("", "", "").unwrap().len(), COLUMNS.len() * BYTES.len());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (shape, sweep, bytes, word) in [
            ("0x5", "", "", "0x5 has no element"),
            ("5", "", "", "8192x4096"),
            ("-1x5", "", "", "8192x4096"),
            ("99999999999999999999x5", "", "", "8192x4096"),
            ("", "cols", "", "cols=1..131072"),
            ("", "depth=3", "", "cols=1..131072"),
            ("", "cols=0..5", "", "from 1 on"),
            ("", "cols=9..5", "", "cols=1..131072"),
            ("", "cols=a", "", "cols=1..131072"),
            ("", "cols=1 cols=2", "", "twice"),
            ("", "rows=1", "1MiB", "leave one out"),
            ("2x2", "", "1MiB", "with --shape"),
            ("", "", "many", "--bytes many"),
            ("", "", "2B", "--bytes 2B"),
        ] {
            let said = made(shape, sweep, bytes).unwrap_err();
            assert!(said.contains(word), "{said:?} does not say {word:?}");
        }
    }
}
