//! What is said between the driver and a contestant: lines of JSON. The contestant opens with a
//! [`Hello`], then answers every [`Request`]; each answer is `{"ok": ...}` or `{"error": "..."}`.
//! Rows and results travel as files of little-endian f32, which the times do not include.

use std::fs;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use cpu_time::ProcessTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// From host slice to host slice, on the CPU.
    Cpu,
    /// On a GPU, the batch being there: from submission to fence.
    Kernel,
    /// From host slice to host slice through a GPU.
    EndToEnd,
}

/// How a contestant introduces itself.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// Its version.
    pub version: String,
    /// What is called, and what was set for the best result.
    pub setting: String,
    /// The processor or adapter, where it says more than the machine's description.
    #[serde(default)]
    pub device: String,
}

/// What a contestant is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// To read a batch and make ready whatever can be used again.
    Prepare {
        /// What is to be measured.
        place: Place,
        /// Rows of the batch.
        rows: usize,
        /// Columns of the batch.
        cols: usize,
        /// The file with its elements.
        input: PathBuf,
    },
    /// To compute softmax of every row once; the answer is a [`Sample`].
    Run,
    /// To write what the last run computed.
    Result {
        /// The file to write.
        output: PathBuf,
    },
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer<T> {
    /// It was done.
    Ok(T),
    /// It could not be done, and why.
    Error(String),
}

/// What one run took, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// From call to answer.
    pub wall: f64,
    /// Of all the process's threads.
    pub cpu: f64,
    /// By the device's own clock, where there is one.
    #[serde(default)]
    pub device: Option<f64>,
}

/// A library that computes softmax, with a batch.
pub trait Library {
    /// Takes a batch; whatever can be made before a run and used again is made here.
    ///
    /// # Errors
    /// Where the library does not take the batch.
    fn prepare(&mut self, place: Place, rows: usize, cols: usize, x: Vec<f32>) -> Result<()>;

    /// Computes softmax of every row of the batch.
    ///
    /// # Errors
    /// With the library's own.
    fn run(&mut self) -> Result<Sample>;

    /// The results of the last run.
    ///
    /// # Errors
    /// With the library's own.
    fn result(&mut self) -> Result<Vec<f32>>;
}

/// Runs `work` between two readings of the clocks; what it returns comes with the sample.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Sample, T) {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    let kept = work();
    let (wall, cpu) = (wall.elapsed(), cpu.elapsed());
    (Sample { wall: wall.as_nanos() as f64, cpu: cpu.as_nanos() as f64, device: None }, kept)
}

/// A contestant's whole life: opens the library, answers until standard input ends.
///
/// # Errors
/// Where the driver does not speak the protocol; what goes wrong in the library is an answer.
pub fn serve(open: impl FnOnce() -> Result<(Hello, Box<dyn Library>)>) -> Result<()> {
    let mut library = match open() {
        Ok((hello, library)) => {
            say(&Answer::Ok(hello))?;
            library
        }
        Err(error) => return say(&Answer::<Hello>::Error(format!("{error:#}"))),
    };
    for line in std::io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Request::Prepare { place, rows, cols, input } => {
                say(&answer(read(&input).and_then(|x| library.prepare(place, rows, cols, x))))?;
            }
            Request::Run => say(&answer(library.run()))?,
            Request::Result { output } => {
                say(&answer(library.result().and_then(|y| write(&output, &y))))?;
            }
        }
    }
    Ok(())
}

fn answer<T>(result: Result<T>) -> Answer<T> {
    result.map_or_else(|error| Answer::Error(format!("{error:#}")), Answer::Ok)
}

fn say<T: Serialize>(answer: &Answer<T>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// An answer's content.
///
/// # Errors
/// With what the contestant said, or where it said something else than an answer.
pub fn parse<T: DeserializeOwned>(line: &str) -> Result<T> {
    match serde_json::from_str(line).with_context(|| format!("no answer: {line:?}"))? {
        Answer::Ok(content) => Ok(content),
        Answer::Error(error) => Err(anyhow::anyhow!(error)),
    }
}

/// Reads a file of f32.
///
/// # Errors
/// Where it cannot be read or is no such file.
pub fn read(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(bytes.len() % 4 == 0, "{}: {} bytes are no whole number of f32", path.display(), bytes.len());
    Ok(bytemuck::pod_collect_to_vec(&bytes))
}

/// Writes a file of f32.
///
/// # Errors
/// Where it cannot be written.
pub fn write(path: &Path, x: &[f32]) -> Result<()> {
    fs::write(path, bytemuck::cast_slice(x)).with_context(|| format!("writing {}", path.display()))
}
