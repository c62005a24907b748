//! The contestants of a section, each with its process.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};

use crate::child::Child;
use crate::contestants::{Contestant, Home, Section};
use crate::options::Options;
use crate::protocol::{Place, Sample};
use crate::report::{Missing, Outcome, Present};

/// Everyone who takes part in a section.
pub struct Team<'a> {
    pub section: Section,
    pub members: Vec<Member<'a>>,
    folder: &'a Path,
}

/// A contestant that could be started once; it is started anew where it has died since.
pub struct Member<'a> {
    pub contestant: Contestant,
    section: Section,
    options: &'a Options,
    child: Child,
    log: PathBuf,
    output: PathBuf,
}

impl<'a> Team<'a> {
    /// Starts each of `wanted` that plays in the section; who cannot be started is missing.
    pub fn start(
        section: Section,
        wanted: &[Contestant],
        options: &'a Options,
        folder: &'a Path,
    ) -> (Self, Vec<Missing>) {
        let (mut members, mut missing) = (Vec::new(), Vec::new());
        for &contestant in wanted.iter().filter(|c| c.plays(section)) {
            match Member::start(contestant, section, options, folder) {
                Ok(member) => members.push(member),
                Err(error) => missing.push(Missing {
                    name: contestant.name.to_owned(),
                    section: section.to_string(),
                    why: options.explain(contestant.home, &error),
                }),
            }
        }
        (Self { section, members, folder }, missing)
    }

    /// Puts a batch where the contestants find it.
    pub fn input(&self, x: &[f32]) -> Result<PathBuf> {
        let path = self.folder.join("input.f32");
        crate::protocol::write(&path, x)?;
        Ok(path)
    }

    /// Who is there.
    pub fn present(&self) -> Vec<Present> {
        let of = |member: &Member<'_>| Present {
            name: member.contestant.name.to_owned(),
            section: self.section.to_string(),
            hello: member.child.hello.clone(),
        };
        self.members.iter().map(of).collect()
    }

    /// What each member makes of a batch, run once.
    pub fn once<T>(
        &mut self,
        x: &[f32],
        rows: usize,
        cols: usize,
        look: impl Fn(Vec<f32>) -> T,
    ) -> Result<Vec<Outcome<T>>> {
        let (input, place) = (self.input(x)?, self.section.place);
        let outcomes = self.members.iter_mut().map(|member| {
            let name = member.contestant.name.to_owned();
            match member.once(place, rows, cols, &input) {
                Ok(y) => Outcome { name, found: Some(look(y)), failed: None },
                Err(error) => Outcome { name, found: None, failed: Some(format!("{error:#}")) },
            }
        });
        Ok(outcomes.collect())
    }
}

impl<'a> Member<'a> {
    fn start(contestant: Contestant, section: Section, options: &'a Options, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{}.log", contestant.name));
        let output = folder.join(format!("{}.f32", contestant.name));
        let child = Child::start(contestant.command(section, options)?, &log)?;
        Ok(Self { contestant, section, options, child, log, output })
    }

    pub fn prepare(&mut self, place: Place, rows: usize, cols: usize, input: &Path) -> Result<()> {
        if !self.child.is_alive() {
            let command = self.contestant.command(self.section, self.options)?;
            self.child = Child::start(command, &self.log).context("it did not start again")?;
        }
        self.child.prepare(place, rows, cols, input, &self.log)
    }

    pub fn run(&mut self) -> Result<Sample> {
        self.child.run(&self.log)
    }

    pub fn result(&mut self) -> Result<Vec<f32>> {
        self.child.result(&self.output, &self.log)
    }

    fn once(&mut self, place: Place, rows: usize, cols: usize, input: &Path) -> Result<Vec<f32>> {
        self.prepare(place, rows, cols, input)?;
        self.run()?;
        self.result()
    }
}

impl Options {
    /// Why a contestant did not start, with why its home could not be set up where that is known.
    fn explain(&self, home: Home, error: &anyhow::Error) -> String {
        let prefix = match home {
            Home::Ours => return format!("{error:#}"),
            Home::Rust => "rust: ",
            Home::Python => "python: ",
        };
        let known = self.because.iter().find_map(|reason| reason.strip_prefix(prefix));
        let error = anyhow!("{error:#}");
        known.map_or_else(|| format!("{error:#}"), |known| format!("{error:#} ({known})"))
    }
}

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.place, self.threads) {
            (Place::Cpu, 1) => f.write_str("CPU, 1 thread"),
            (Place::Cpu, threads) => write!(f, "CPU, {threads} threads"),
            _ => f.write_str("GPU"),
        }
    }
}
