//! `cargo xtask counts`: what the kernels cost in instructions, against the checked-in files. Counts
//! have no noise, so that a change of a few per cent is one; `docs/development.md` says what they
//! depend on.

mod compare;
mod cpu;
mod file;
mod shaders;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};

use crate::shell::root;

pub use compare::{Change, changes, table};
pub use file::{Counts, Metrics};

/// What renews the files.
const RENEW: &str = "cargo xtask counts --write";

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The CPU's kernels.
    Cpu,
    /// The GPU's.
    Shaders,
}

/// How another version of the compiler is met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OtherTool {
    /// With this tolerance instead.
    Tolerance(f64),
    /// Differences are shown and nothing fails.
    Shown,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Shaders];

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Shaders => "shaders",
        }
    }

    fn path(self) -> PathBuf {
        root().join("xtask/counts").join(self.name()).with_extension("txt")
    }

    /// Per cent by which a count may differ. Callgrind's are the same from run to run, and moved code
    /// around a kernel changes them by less; the shaders' numbers are small and few.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::Cpu => 2.0,
            Self::Shaders => 1.0,
        }
    }

    /// Another rustc changes most kernels a little, and is what the users of a release will have;
    /// another Mesa is whatever a distribution ships, and its compiler is not ours to answer for.
    pub fn other_tool(self) -> OtherTool {
        match self {
            Self::Cpu => OtherTool::Tolerance(10.0),
            Self::Shaders => OtherTool::Shown,
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Cpu => {
                "Instructions per element of the CPU kernels, one thread, counted by callgrind:\n\
                 operation/precision/instructions/columns. Renewed by: cargo xtask counts --write"
            }
            Self::Shaders => {
                "What AMD's compiler in Mesa makes of the kernels; docs/development.md explains the metrics.\n\
                 Renewed by: cargo xtask counts --write"
            }
        }
    }
}

/// Compares, or with `write` renews, the files of these kinds, of the kernels whose names contain
/// `filter`.
///
/// # Errors
/// Where a count is beyond its tolerance, new or gone, with the command that renews the file.
pub fn counts(kinds: &[Kind], filter: &str, write: bool) -> Result<()> {
    let mut failures = Vec::new();
    for kind in kinds {
        failures.extend(one(*kind, filter, write).with_context(|| format!("counts of {}", kind.name()))?);
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

fn one(kind: Kind, filter: &str, write: bool) -> Result<Option<String>> {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        println!("{} counts are compared on Linux on x86-64 only", kind.name());
        return Ok(None);
    }
    let (now, lacking) = measure(kind, filter)?;
    let mut before = read(kind, write)?;
    if write {
        ensure!(
            lacking.is_empty(),
            "this CPU lacks {}; write the file on one that has it",
            lacking.join(", ")
        );
        return renew(kind, before, now, filter).map(|()| None);
    }
    for level in &lacking {
        println!("this CPU lacks {level}: its counts are not compared");
    }
    before.kernels.retain(|name, _| name.contains(filter) && !lacks(&lacking, name));
    ensure!(!(now.kernels.is_empty() && before.kernels.is_empty()), "no kernel's name contains {filter:?}");
    let verdict = Verdict::new(kind, &before, &now);
    print!("{}", verdict.text);
    Ok(verdict.failure)
}

fn renew(kind: Kind, before: Counts, now: Counts, filter: &str) -> Result<()> {
    ensure!(!now.kernels.is_empty(), "no kernel's name contains {filter:?}");
    let merged = merge(before.clone(), now, filter)?;
    print!("{}", table(&changes(&before, &merged), kind.tolerance()));
    fs::write(kind.path(), merged.text(kind.about())).with_context(|| kind.path().display().to_string())?;
    println!("wrote {}", kind.path().display());
    Ok(())
}

fn measure(kind: Kind, filter: &str) -> Result<(Counts, Vec<String>)> {
    Ok(match kind {
        Kind::Cpu => {
            let counted = cpu::count(filter)?;
            (counted.counts, counted.lacking)
        }
        Kind::Shaders => (shaders::count(&std::env::current_exe()?, filter)?, Vec::new()),
    })
}

fn lacks(lacking: &[String], name: &str) -> bool {
    lacking.iter().any(|level| name.contains(&format!("/{level}/")))
}

/// The checked-in file; where it is to be written it may be missing.
fn read(kind: Kind, write: bool) -> Result<Counts> {
    let path = kind.path();
    if write && !path.exists() {
        return Ok(Counts::default());
    }
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read; write it by: {RENEW}", path.display()))?;
    Counts::parse(&text).with_context(|| path.display().to_string())
}

/// The counts of now in place of those whose names contain `filter`; the others stay.
pub fn merge(mut before: Counts, now: Counts, filter: &str) -> Result<Counts> {
    before.kernels.retain(|name, _| !name.contains(filter));
    if !before.kernels.is_empty() && before.tool != now.tool {
        bail!("the file is of {}, this is {}; renew all of it, without --filter", before.tool, now.tool);
    }
    before.tool = now.tool;
    before.kernels.extend(now.kernels);
    Ok(before)
}

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The table and what is to be said besides.
    pub text: String,
    /// Why it fails, with the command that renews the file.
    pub failure: Option<String>,
}

impl Verdict {
    /// Compares. A gain fails too: it would be lost if the file did not hold it.
    pub fn new(kind: Kind, before: &Counts, now: &Counts) -> Self {
        let mut text = String::new();
        let mut tolerance = kind.tolerance();
        let mut fails = true;
        if before.tool != now.tool {
            text += &format!("the file is of {}, this is {}; ", before.tool, now.tool);
            text += &match kind.other_tool() {
                OtherTool::Tolerance(wider) => {
                    tolerance = wider;
                    format!("{wider} % are tolerated instead of {} %\n", kind.tolerance())
                }
                OtherTool::Shown => {
                    fails = false;
                    "warning: differences are shown and do not fail\n".to_owned()
                }
            };
        }
        let changes = changes(before, now);
        if !changes.is_empty() {
            text += &table(&changes, tolerance);
        }
        let beyond: Vec<_> = changes.iter().filter(|c| c.is_beyond(tolerance)).collect();
        let all = now.kernels.len();
        text += &format!(
            "{}: {all} kernels, {} numbers changed, {} by more than {tolerance} %, new or gone\n",
            kind.name(),
            changes.len(),
            beyond.len()
        );
        let failure = (fails && !beyond.is_empty()).then(|| {
            let worst = beyond.iter().filter_map(|c| c.percent()).fold(0.0, f64::max);
            let first = &beyond[0];
            format!(
                "{} counts of {} kernels are not those of the file, such as {} of {}; greatest growth {worst:.1} %. \
                 If that is meant, also where it is a gain: {RENEW} --{}",
                beyond.len(),
                kind.name(),
                first.metric,
                first.kernel,
                kind.name()
            )
        });
        Self { text, failure }
    }
}
