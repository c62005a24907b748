//! What can be asked for. `cargo xtask peers` takes the same and passes it on.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, ensure};
use clap::Args;

use crate::contestants::{self, Home, Section};

/// Elements of a batch unless told: 64 MiB, beyond the caches of most CPUs.
const ELEMENTS: usize = 1 << 24;
/// The same with `--quick`.
const QUICK_ELEMENTS: usize = 1 << 18;
const COLS: [usize; 8] = [3, 10, 128, 1000, 4096, 32_768, 131_072, 1 << 24];
const QUICK_COLS: [usize; 3] = [3, 128, 4096];
const ROUNDS: usize = 15;
const QUICK_ROUNDS: usize = 3;

/// The options of a comparison.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Columns, or ROWSxCOLS; columns alone mean as many rows as make up --elements
    #[arg(long, value_delimiter = ',')]
    pub shapes: Vec<Size>,
    /// Elements of a batch whose rows are not given [default: 16777216]
    #[arg(long)]
    pub elements: Option<usize>,
    /// Rounds, in each of which every contestant runs once [default: 15]
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Threads on the CPU, one series for each; 0 leaves the CPU out [default: 1,2]
    #[arg(long, value_delimiter = ',')]
    pub threads: Vec<usize>,
    /// Peers to compare with, by name [default: all]
    #[arg(long, value_delimiter = ',')]
    pub peers: Vec<String>,
    /// A part of the GPU adapter's name or backend [default: the first, hardware before software]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub adapter: String,
    /// Leave the GPU out
    #[arg(long)]
    pub no_gpu: bool,
    /// Three small shapes, three rounds, no row of 16.7M: to see that it all works
    #[arg(long)]
    pub quick: bool,
    /// The folder for report.json, report.md and report.html
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// The program that serves the Rust peers
    #[arg(long, hide = true)]
    pub rust_peers: Option<PathBuf>,
    /// The folder with the Python peers' serve.py
    #[arg(long, hide = true)]
    pub scripts: Option<PathBuf>,
    /// The Python that runs it, python3 unless given
    #[arg(long, hide = true)]
    pub python: Option<PathBuf>,
    /// Why peers could not be set up, as "rust: reason" or "python: reason"
    #[arg(long, hide = true)]
    pub because: Vec<String>,
}

/// A shape: columns, and rows where they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    rows: Option<usize>,
    cols: usize,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| match part.parse() {
            Ok(number @ 1..) => Ok(number),
            _ => Err(format!("{text:?} is neither columns nor ROWSxCOLS, such as 1000 or 8192x4096")),
        };
        Ok(match text.split_once('x') {
            None => Self { rows: None, cols: number(text)? },
            Some((rows, cols)) => Self { rows: Some(number(rows)?), cols: number(cols)? },
        })
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rows.map_or(Ok(()), |rows| write!(f, "{rows}x"))?;
        write!(f, "{}", self.cols)
    }
}

impl Options {
    /// The shapes to measure, rows and columns.
    pub fn sizes(&self) -> Vec<(usize, usize)> {
        let elements = self.elements.unwrap_or(if self.quick { QUICK_ELEMENTS } else { ELEMENTS });
        let defaults = if self.quick { QUICK_COLS.as_slice() } else { COLS.as_slice() };
        let named = if self.shapes.is_empty() {
            defaults.iter().map(|&cols| Size { rows: None, cols }).collect()
        } else {
            self.shapes.clone()
        };
        named.iter().map(|s| (s.rows.unwrap_or((elements / s.cols).max(1)), s.cols)).collect()
    }

    /// The number of rounds.
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { QUICK_ROUNDS } else { ROUNDS })
    }

    /// The thread counts of the series on the CPU.
    pub fn cpu_threads(&self) -> Vec<usize> {
        let asked = if self.threads.is_empty() { &[1, 2] } else { self.threads.as_slice() };
        asked.iter().copied().filter(|&threads| threads > 0).collect()
    }

    /// Whether a peer in Rust, and one in Python, can take part in what is asked for.
    pub fn needs(&self) -> (bool, bool) {
        let wanted = contestants::peers(&self.peers).unwrap_or_default();
        let needed = |home| {
            let plays = |section: Section| wanted.iter().any(|c| c.home == home && c.plays(section));
            contestants::sections(self).into_iter().any(plays)
        };
        (needed(Home::Rust), needed(Home::Python))
    }

    /// Checks what clap cannot.
    ///
    /// # Errors
    /// With the option, what it was and what to do.
    pub fn check(&self) -> Result<()> {
        ensure!(self.rounds() > 0, "--rounds 0 measures nothing; give 1 or more");
        ensure!(self.elements != Some(0), "--elements 0 makes no batch; give 1 or more");
        for (rows, cols) in self.sizes() {
            let fits = rows.checked_mul(cols).is_some_and(|n| n <= 1 << 32);
            ensure!(fits, "--shapes {rows}x{cols}: more than 2^32 elements; give fewer rows");
        }
        let some = !self.no_gpu || !self.cpu_threads().is_empty();
        ensure!(some, "--threads 0 and --no-gpu leave nothing to measure; drop one of them");
        contestants::peers(&self.peers).map(drop)
    }

    /// The command line that says the same.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut line: Vec<OsString> = Vec::new();
        let mut add = |name: &str, value: OsString| line.extend([name.into(), value]);
        let lists = [
            ("--shapes", self.shapes.iter().map(ToString::to_string).collect::<Vec<_>>()),
            ("--threads", self.threads.iter().map(ToString::to_string).collect()),
            ("--peers", self.peers.clone()),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            add(name, list.join(",").into());
        }
        for (name, number) in [("--elements", self.elements), ("--rounds", self.rounds)] {
            number.into_iter().for_each(|n| add(name, n.to_string().into()));
        }
        if !self.adapter.is_empty() {
            add("--adapter", (&self.adapter).into());
        }
        let paths = [
            ("--out", &self.out),
            ("--rust-peers", &self.rust_peers),
            ("--scripts", &self.scripts),
            ("--python", &self.python),
        ];
        for (name, path) in paths {
            path.iter().for_each(|path| add(name, path.into()));
        }
        self.because.iter().for_each(|reason| add("--because", reason.into()));
        line.extend(
            [("--no-gpu", self.no_gpu), ("--quick", self.quick)].iter().filter(|f| f.1).map(|f| f.0.into()),
        );
        line
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &[OsString]) -> Options {
        Program::parse_from([OsString::from("program")].iter().chain(line)).options
    }

    #[test]
    fn arguments_say_the_same() {
        let all = Options {
            shapes: vec!["1000".parse().expect("columns"), "8x3".parse().expect("rows and columns")],
            elements: Some(5000),
            rounds: Some(2),
            threads: vec![1, 4],
            peers: vec!["torch".to_owned(), "burn".to_owned()],
            adapter: "nvidia".to_owned(),
            no_gpu: true,
            quick: true,
            out: Some("a folder".into()),
            rust_peers: Some("peers".into()),
            scripts: Some("scripts".into()),
            python: Some("python".into()),
            because: vec!["rust: no network".to_owned(), "python: none".to_owned()],
        };
        assert_eq!(parse(&all.arguments()), all);
        assert_eq!(parse(&Options::default().arguments()), Options::default());
    }

    #[test]
    fn columns_alone_make_up_the_elements() {
        let line = ["--shapes", "3,8x5,4096", "--elements", "1000"].map(OsString::from);
        assert_eq!(parse(&line).sizes(), [(333, 3), (8, 5), (1, 4096)]);
        assert_eq!(parse(&[]).sizes()[0], (5_592_405, 3));
        assert!(parse(&["--threads".into(), "0".into()]).cpu_threads().is_empty());
    }

    #[test]
    fn only_the_homes_of_wanted_peers_are_needed() {
        let needs = |line: &[&str]| parse(&line.iter().map(OsString::from).collect::<Vec<_>>()).needs();
        assert_eq!(needs(&[]), (true, true));
        assert_eq!(needs(&["--peers", "numpy"]), (false, true));
        assert_eq!(needs(&["--peers", "candle"]), (true, false));
        assert_eq!(needs(&["--peers", "burn", "--no-gpu"]), (false, false));
        assert_eq!(needs(&["--peers", "numpy", "--threads", "0"]), (false, false));
    }
}
