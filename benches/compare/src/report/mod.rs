//! What was found. The JSON is this, as it stands; the Markdown and the page are its tables.

mod findings;
mod html;
mod machine;
mod markdown;
mod statistics;
mod tables;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

pub use machine::{Machine, load};
pub use statistics::{Spread, Versus};

use crate::oracle::Errors;
use crate::protocol::{Hello, Place};

/// Everything that a run found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// Rounds of each series.
    pub rounds: usize,
    /// Who took part, and how.
    pub contestants: Vec<Present>,
    /// Who did not, and why.
    pub missing: Vec<Missing>,
    /// The times, a line for each shape and way of measuring.
    pub lines: Vec<Line>,
    /// The accuracy, a line for each batch of random rows.
    pub accuracy: Vec<Accuracy>,
    /// What special rows give.
    pub special: Vec<Special>,
}

/// A contestant of a section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Present {
    /// Its name.
    pub name: String,
    /// Where: `CPU, 1 thread`, or `GPU`.
    pub section: String,
    /// What it said of itself.
    pub hello: Hello,
}

/// A contestant that could not take part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Where it was missed.
    pub section: String,
    /// The reason.
    pub why: String,
}

/// Times of one shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// What was measured.
    pub place: Place,
    /// Threads on the CPU.
    pub threads: Option<usize>,
    /// Rows of the batch.
    pub rows: usize,
    /// Columns of the batch.
    pub cols: usize,
    /// Each contestant's part.
    pub cells: Vec<Cell>,
}

/// One contestant at one shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// Why there is no time; else `None`.
    pub failed: Option<String>,
    /// How far its results were from f64.
    pub errors: Option<Errors>,
    /// Times in milliseconds.
    pub times: Option<Times>,
    /// Its time by that of each of ours, in the same round.
    pub versus: Vec<Versus>,
}

/// Milliseconds by each clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Times {
    /// From call to answer.
    pub wall: Spread,
    /// Of all the process's threads.
    pub cpu: Spread,
    /// By the device's own clock, where it has one.
    pub device: Option<Spread>,
}

/// Errors of random rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accuracy {
    /// Where: `CPU` or `GPU`.
    pub section: String,
    /// Rows of the batch.
    pub rows: usize,
    /// Columns of the batch.
    pub cols: usize,
    /// The standard deviation of the normally distributed elements.
    pub deviation: f64,
    /// Each contestant's.
    pub cells: Vec<Outcome<Errors>>,
}

/// Results of one special row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Special {
    /// Where: `CPU` or `GPU`.
    pub section: String,
    /// What is special.
    pub what: String,
    /// The row's bits, since JSON has no NaN.
    pub row: Vec<u32>,
    /// Each contestant's results, as bits.
    pub cells: Vec<Outcome<Vec<u32>>>,
}

/// What a contestant gave, or why it gave nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome<T> {
    /// Its name.
    pub name: String,
    /// What it gave.
    pub found: Option<T>,
    /// Why not.
    pub failed: Option<String>,
}

impl Report {
    /// Writes `report.json`, `report.md` and `report.html` into a folder, which is made.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in
            [("report.json", json), ("report.md", self.markdown()), ("report.html", self.html())]
        {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        markdown::document(self)
    }

    /// The report as a page that needs no other file.
    pub fn html(&self) -> String {
        html::document(self)
    }
}
