//! Rows with special values, where libraries differ.

use anyhow::Result;

use crate::report::Special;
use crate::team::Team;

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;
/// The largest subnormal.
const SUBNORMAL: f32 = 1.175_494_2e-38;

const ROWS: [(&str, &[f32]); 14] = [
    ("NaN among others", &[1.0, NAN, 2.0]),
    ("NaN with its sign set", &[1.0, -NAN, 2.0]),
    ("NaN and -inf", &[-INF, NAN, -INF]),
    ("+inf among others", &[0.0, INF, 1.0]),
    ("nothing but +inf", &[INF, INF]),
    ("nothing but -inf", &[-INF, -INF, -INF]),
    ("-inf among others", &[0.0, -INF, 1.0]),
    ("far below the maximum", &[0.0, 1.0, -1e7]),
    ("-FLT_MAX as a mask", &[0.0, f32::MIN, 1.0]),
    ("all below -1e38", &[-3e38, f32::MIN, -3e38]),
    ("both ends of the range", &[f32::MAX, f32::MIN]),
    ("subnormal elements", &[SUBNORMAL, -SUBNORMAL, 0.0]),
    ("a subnormal result", &[0.0, -90.0]),
    ("a row of no columns", &[]),
];

/// What every contestant makes of them, and of a batch without rows.
pub fn lines(team: &mut Team<'_>, section: &str) -> Result<Vec<Special>> {
    let batches = ROWS.iter().map(|&(what, row)| (what, row, 1, row.len()));
    batches
        .chain([("no rows, of 3 columns", [].as_slice(), 0, 3)])
        .map(|(what, row, rows, cols)| {
            let cells = team.once(row, rows, cols, |y| bits(&y))?;
            Ok(Special { section: section.to_owned(), what: what.to_owned(), row: bits(row), cells })
        })
        .collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}
