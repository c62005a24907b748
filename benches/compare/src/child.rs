//! A contestant's process, asked and answered with a time limit.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child as Process, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde::de::DeserializeOwned;

use crate::protocol::{Hello, Place, Request, Sample, parse};

/// The longest that an answer may take; compilers and tuning at first calls are in it.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running contestant.
pub struct Child {
    pub hello: Hello,
    process: Process,
    questions: ChildStdin,
    answers: Receiver<String>,
}

impl Child {
    /// Starts `command` and hears how it introduces itself. What it writes to standard error is
    /// kept in `log`, and its last line is told where it dies.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let log_file = std::fs::File::create(log).with_context(|| format!("creating {}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log_file);
        let program = command.get_program().to_string_lossy().into_owned();
        let mut process = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let questions = process.stdin.take().expect("it was piped");
        let answers = lines(BufReader::new(process.stdout.take().expect("it was piped")));
        let mut child = Self { hello: Hello::default(), process, questions, answers };
        child.hello = child.answer(log)?;
        child.let_run(false);
        Ok(child)
    }

    pub fn prepare(
        &mut self,
        place: Place,
        rows: usize,
        cols: usize,
        input: &Path,
        log: &Path,
    ) -> Result<()> {
        self.ask(&Request::Prepare { place, rows, cols, input: input.to_owned() }, log)
    }

    pub fn run(&mut self, log: &Path) -> Result<Sample> {
        self.ask(&Request::Run, log)
    }

    pub fn result(&mut self, output: &Path, log: &Path) -> Result<Vec<f32>> {
        self.ask::<()>(&Request::Result { output: output.to_owned() }, log)?;
        crate::protocol::read(output)
    }

    /// Whether it can still be asked something.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Request, log: &Path) -> Result<T> {
        let line = serde_json::to_string(request)? + "\n";
        // Where this fails the process is gone, and the answer says so.
        let _ = self.questions.write_all(line.as_bytes());
        self.let_run(true);
        let answer = self.answer(log);
        self.let_run(false);
        answer
    }

    /// Lets it run, or stops it, since some libraries' threads spin while they have nothing to do: the cores
    /// are the next one's. Where it has ended, the next answer says so.
    #[cfg(unix)]
    fn let_run(&self, run: bool) {
        use rustix::process::{Pid, Signal, kill_process};
        let signal = if run { Signal::CONT } else { Signal::STOP };
        let _ = kill_process(Pid::from_child(&self.process), signal);
    }

    #[cfg(not(unix))]
    fn let_run(&self, _run: bool) {}

    fn answer<T: DeserializeOwned>(&mut self, log: &Path) -> Result<T> {
        match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => parse(&line),
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                Err(anyhow!("no answer in {} s", PATIENCE.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.process.wait()?;
                Err(anyhow!("it ended ({status}): {}", last_words(log)))
            }
        }
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// The lines that a contestant writes, read by a thread so that waiting can end.
fn lines(from: impl BufRead + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in from.lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What a process said before it ended: of a Rust panic the message, else the last line.
fn last_words(log: &Path) -> String {
    let said = std::fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let mut lines = said.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("note: "));
    let panic = lines.clone().skip_while(|l| !l.contains(" panicked at ")).nth(1);
    panic.or_else(|| lines.next_back()).unwrap_or("nothing was said").to_owned()
}
