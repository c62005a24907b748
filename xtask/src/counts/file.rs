//! The checked-in files: text, one line per kernel, sorted, so that a change shows as its lines.
//!
//! ```text
//! # free text
//! tool: rustc 1.95.0
//! name: metric=1.5 other=2
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

/// The key of the line that names the tool whose work was counted.
const TOOL: &str = "tool";

/// What is counted of a kernel, by the metric's name.
pub type Metrics = BTreeMap<String, f64>;

/// The counts of many kernels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// The compiler that they depend on, with its version.
    pub tool: String,
    /// By the kernel's name.
    pub kernels: BTreeMap<String, Metrics>,
}

impl Counts {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Where a line is neither a comment nor `name: metric=number ...`, a name stands twice, or no
    /// line names the tool.
    pub fn parse(text: &str) -> Result<Self> {
        let mut counts = Self::default();
        for (at, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            counts.take(line).with_context(|| format!("line {}: {line}", at + 1))?;
        }
        if counts.tool.is_empty() {
            bail!("no line \"{TOOL}: ...\"");
        }
        Ok(counts)
    }

    fn take(&mut self, line: &str) -> Result<()> {
        let (name, rest) = line.split_once(": ").context("not \"name: ...\"")?;
        if name == TOOL {
            rest.clone_into(&mut self.tool);
            return Ok(());
        }
        let metrics = rest.split_whitespace().map(metric).collect::<Result<_>>()?;
        match self.kernels.insert(name.to_owned(), metrics) {
            None => Ok(()),
            Some(_) => bail!("{name} stands twice"),
        }
    }

    /// The file's text; `about` becomes its first lines.
    pub fn text(&self, about: &str) -> String {
        let mut text: String = about.lines().map(|l| format!("# {l}\n")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{TOOL}: {}", self.tool);
        for (name, metrics) in &self.kernels {
            let metrics = metrics.iter().map(|(name, value)| format!(" {name}={}", rounded(*value)));
            let _ = writeln!(text, "{name}:{}", metrics.collect::<String>());
        }
        text
    }
}

fn metric(word: &str) -> Result<(String, f64)> {
    let (name, value) = word.split_once('=').with_context(|| format!("{word}: not metric=number"))?;
    let value: f64 = value.parse().with_context(|| format!("{word}: not a number"))?;
    if !value.is_finite() || value < 0.0 {
        bail!("{word}: not a count");
    }
    Ok((name.to_owned(), value))
}

/// As files hold it: three decimals, far finer than any tolerance.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
