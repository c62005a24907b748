//! What the battery found, for people and for programs.

use std::time::Duration;

use serde::Serialize;
use wgpu_softmax::{Error, NUMERICS_VERSION, OpKind};

use crate::failure::Failure;
use crate::terminal::{self, Digits};

/// The whole finding.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether every device could be tried and no bit differed.
    passed: bool,
    numerics_version: u32,
    full: bool,
    seconds: f64,
    devices: Vec<Device>,
}

/// One device's part.
#[derive(Debug, Serialize)]
pub struct Device {
    /// What it is called.
    pub name: String,
    /// Why it was not tried, or not to the end.
    pub error: Option<String>,
    /// What the probe found; none where it cannot be probed.
    pub arithmetic: Option<Arithmetic>,
    /// Each kernel's part.
    pub kernels: Vec<Kernel>,
    /// The part of tensors: other axes and types, masks.
    pub tensors: Kernel,
}

/// Whether a device adds, subtracts and multiplies as the promise needs.
#[derive(Debug, Serialize)]
pub struct Arithmetic {
    /// How many operations were tried.
    pub tried: usize,
    /// How many were wrong.
    pub failed: usize,
    /// Each of addition, subtraction and multiplication that was, in a line with the first case.
    pub wrong: Vec<String>,
}

/// One kernel's part.
#[derive(Debug, Serialize)]
pub struct Kernel {
    /// What it is called.
    pub name: String,
    operations: Vec<Tally>,
}

/// One operation's part.
#[derive(Debug, Serialize)]
struct Tally {
    op: &'static str,
    #[serde(skip)]
    kind: OpKind,
    cases: usize,
    words: usize,
    differing: usize,
    first: Option<String>,
}

impl Device {
    /// One of which nothing is known yet.
    pub fn new(name: String, kernels: &[String], arithmetic: Option<Arithmetic>) -> Self {
        let tally =
            |kind: OpKind| Tally { op: kind.name(), kind, cases: 0, words: 0, differing: 0, first: None };
        let kernel = |name: &String| Kernel { name: name.clone(), operations: OpKind::ALL.map(tally).into() };
        let tensors = kernel(&"tensors".to_owned());
        Self { name, error: None, arithmetic, kernels: kernels.iter().map(kernel).collect(), tensors }
    }

    /// One that could not be tried.
    pub fn failed(name: String, error: Error) -> Self {
        Self { error: Some(error.to_string()), ..Self::new(name, &[], None) }
    }

    fn parts(&self) -> impl Iterator<Item = &Kernel> {
        self.kernels.iter().chain([&self.tensors])
    }

    fn is_equal(&self) -> bool {
        let equal = self.parts().flat_map(|k| &k.operations).all(|t| t.differing == 0);
        equal && self.arithmetic.as_ref().is_none_or(|a| a.failed == 0)
    }
}

impl Kernel {
    /// Notes a case that ran.
    pub fn count(&mut self, kind: OpKind, words: usize, difference: Option<String>) {
        if let Some(tally) = self.operations.iter_mut().find(|tally| tally.kind == kind) {
            tally.cases += 1;
            tally.words += words;
            tally.differing += usize::from(difference.is_some());
            tally.first = tally.first.take().or(difference);
        }
    }
}

impl Tally {
    fn cell(&self) -> String {
        match self {
            Tally { cases: 0, .. } => "-".to_owned(),
            Tally { differing: 0, cases, .. } => format!("{cases} equal"),
            Tally { differing, cases, .. } => format!("{differing} of {cases} DIFFER"),
        }
    }
}

impl Report {
    /// Puts the parts together.
    pub fn new(full: bool, took: Duration, devices: Vec<Device>) -> Self {
        let passed = devices.iter().all(|d| d.is_equal() && d.error.is_none());
        Self { passed, numerics_version: NUMERICS_VERSION, full, seconds: took.as_secs_f64(), devices }
    }

    /// For people: a table, each kernel's first difference, and the outcome.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for device in &self.devices {
            text.push_str(&device.text());
        }
        text + &self.last_line()
    }

    /// What it means for the exit status.
    pub fn outcome(&self) -> Result<(), Failure> {
        let mut failed =
            self.devices.iter().filter_map(|d| Some(format!("{}: {}", d.name, d.error.as_ref()?)));
        match failed.next() {
            _ if !self.devices.iter().all(Device::is_equal) => Err(Failure::Differs),
            Some(failure) => Err(Failure::Cannot(failure)),
            None => Ok(()),
        }
    }

    fn last_line(&self) -> String {
        let tallies = || self.devices.iter().flat_map(Device::parts).flat_map(|k| &k.operations);
        let words: usize = tallies().map(|t| t.words).sum();
        let (version, seconds) = (self.numerics_version, Digits(self.seconds));
        match self.passed {
            true => format!("every bit equal: {words} results, numerics version {version}, {seconds} s\n"),
            false => format!("NOT PROVEN EQUAL, see above; numerics version {version}, {seconds} s\n"),
        }
    }
}

impl Device {
    fn text(&self) -> String {
        let mut rows = vec![vec!["  kernel".to_owned()]];
        rows[0].extend(OpKind::ALL.map(|kind| kind.name().to_owned()));
        // A kernel that this device has not, such as one of subgroups, has run no case.
        let ran = |kernel: &&Kernel| kernel.operations.iter().any(|tally| tally.cases > 0);
        for kernel in self.parts().filter(ran) {
            let cells = kernel.operations.iter().map(Tally::cell);
            rows.push([format!("  {}", kernel.name)].into_iter().chain(cells).collect());
        }
        let error = self.error.as_ref().map(|error| format!("FAILED: {error}"));
        let firsts: String = self.firsts().chain(error).map(|line| format!("  {line}\n")).collect();
        format!("{}\n  {}\n{}{firsts}\n", self.name, self.arithmetic_text(), terminal::table(&rows))
    }

    fn firsts(&self) -> impl Iterator<Item = String> {
        self.parts().flat_map(|kernel| {
            let firsts = kernel.operations.iter().filter_map(|tally| tally.first.as_ref());
            firsts.map(|first| format!("{}: {first}", kernel.name))
        })
    }

    fn arithmetic_text(&self) -> String {
        match &self.arithmetic {
            None => "rounding not tried".to_owned(),
            Some(Arithmetic { tried, failed: 0, .. }) => {
                format!("rounds to nearest, ties to even: {tried} operations tried")
            }
            Some(Arithmetic { tried, failed, wrong }) => {
                let wrong: String = wrong.iter().map(|line| format!("\n    {line}")).collect();
                format!("DOES NOT ROUND TO NEAREST EVEN in {failed} of {tried} operations{wrong}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu_softmax::verify::{Thoroughness, cases, expected, first_difference};

    fn report_of(change: impl Fn(&mut Vec<u32>)) -> Report {
        let case =
            cases(Thoroughness::Quick, &[]).find(|c| c.cols > 2 && c.op.kind == OpKind::Softmax).unwrap();
        let expected = expected(&case);
        let mut found = expected.clone();
        change(&mut found);
        let mut device = Device::new("a device".to_owned(), &["a kernel".to_owned()], None);
        let difference = first_difference(&case, &expected, &found).map(|d| d.to_string());
        device.kernels[0].count(case.op.kind, expected.len(), difference);
        Report::new(false, Duration::from_secs(1), vec![device])
    }

    #[test]
    fn equal_bits_pass() {
        let report = report_of(|_| ());
        assert!(report.passed && report.text().contains("1 equal"), "{}", report.text());
    }

    #[test]
    fn one_bit_fails_and_is_shown() {
        let report = report_of(|words| words[1] ^= 1);
        assert!(!report.passed);
        assert!(
            report.text().contains("1 of 1 DIFFER") && report.text().contains("column 1"),
            "{}",
            report.text()
        );
    }

    #[test]
    fn wrong_arithmetic_fails() {
        let arithmetic = Arithmetic { tried: 3, failed: 1, wrong: vec!["Add: 1 of 1".to_owned()] };
        let device = Device::new("a device".to_owned(), &[], Some(arithmetic));
        let report = Report::new(false, Duration::ZERO, vec![device]);
        assert!(report.text().contains("DOES NOT ROUND") && report.text().contains("Add: 1 of 1"));
        assert!(matches!(report.outcome(), Err(Failure::Differs)));
    }

    #[test]
    fn a_device_that_fails_is_no_success() {
        let device = Device::failed("a device".to_owned(), Error::Device { why: "lost".to_owned() });
        let report = Report::new(false, Duration::ZERO, vec![device]);
        assert!(report.text().contains("lost") && matches!(report.outcome(), Err(Failure::Cannot(_))));
    }
}
