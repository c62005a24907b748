//! The largest error of random rows.

use anyhow::Result;

use crate::oracle::Oracle;
use crate::report::Accuracy;
use crate::rows::normal;
use crate::team::Team;

/// Rows, columns and the standard deviation of their elements: rows of three and of a thousand, flat
/// to spread so wide that most results vanish, and one row of 16.7 M.
const BATCHES: [(usize, usize, f64); 7] = [
    (20_000, 3, 1.0),
    (20_000, 3, 10.0),
    (1000, 1000, 0.1),
    (1000, 1000, 1.0),
    (1000, 1000, 10.0),
    (1000, 1000, 30.0),
    (1, 1 << 24, 1.0),
];
/// The most elements with `--quick`.
const QUICK: usize = 100_000;

/// Every contestant's errors, a line for each batch.
pub fn lines(team: &mut Team<'_>, section: &str, quick: bool) -> Result<Vec<Accuracy>> {
    let batches = BATCHES.iter().filter(|(rows, cols, _)| !quick || rows * cols <= QUICK);
    let line = |&(rows, cols, deviation): &(usize, usize, f64)| {
        let x = normal(rows * cols, deviation);
        let oracle = Oracle::new(&x, cols);
        let cells = team.once(&x, rows, cols, |y| oracle.errors(&y))?;
        Ok(Accuracy { section: section.to_owned(), rows, cols, deviation, cells })
    };
    batches.map(line).collect()
}
