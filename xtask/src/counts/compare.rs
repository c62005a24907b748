//! What changed between the checked-in counts and those of now.

use std::collections::BTreeSet;

use super::file::{Counts, Metrics, rounded};

/// One number that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The kernel.
    pub kernel: String,
    /// What was counted of it.
    pub metric: String,
    /// The number in the file; none for a new kernel or metric.
    pub before: Option<f64>,
    /// The number of now; none where the kernel or metric is gone.
    pub now: Option<f64>,
}

impl Change {
    /// By how many per cent it grew; infinite from 0, none where there is nothing to compare with.
    pub fn percent(&self) -> Option<f64> {
        let (before, now) = (self.before?, self.now?);
        Some(if before == now { 0.0 } else { (now - before) / before * 100.0 })
    }

    /// Whether it must be written to the file: beyond the tolerance in either direction, new or gone.
    pub fn is_beyond(&self, tolerance: f64) -> bool {
        self.percent().is_none_or(|p| p.abs() > tolerance)
    }

    fn row(&self, tolerance: f64) -> String {
        let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| n.to_string());
        let percent = match self.percent() {
            Some(percent) => format!("{percent:+.2} %"),
            None if self.before.is_none() => "new".to_owned(),
            None => "gone".to_owned(),
        };
        let mark = if self.is_beyond(tolerance) { " !" } else { "" };
        let (before, now) = (number(self.before), number(self.now));
        format!("{:<56} {:<24} {before:>10} {now:>10} {percent:>10}{mark}\n", self.kernel, self.metric)
    }
}

/// Every number that differs, by the kernels' names.
pub fn changes(before: &Counts, now: &Counts) -> Vec<Change> {
    let empty = Metrics::new();
    let kernels: BTreeSet<_> = before.kernels.keys().chain(now.kernels.keys()).collect();
    let mut changes = Vec::new();
    for kernel in kernels {
        let old = before.kernels.get(kernel).unwrap_or(&empty);
        let new = now.kernels.get(kernel).unwrap_or(&empty);
        let metrics: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        changes.extend(metrics.into_iter().map(|metric| Change {
            kernel: kernel.clone(),
            metric: metric.clone(),
            before: old.get(metric).copied().map(rounded),
            now: new.get(metric).copied().map(rounded),
        }));
    }
    changes.retain(|c| c.before != c.now);
    changes
}

/// The changes as a table of text; `!` marks those beyond the tolerance.
pub fn table(changes: &[Change], tolerance: f64) -> String {
    let head = format!("{:<56} {:<24} {:>10} {:>10} {:>10}\n", "kernel", "metric", "file", "now", "change");
    changes.iter().fold(head, |text, change| text + &change.row(tolerance))
}
