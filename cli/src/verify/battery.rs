//! Every case on every device.

use std::collections::BTreeSet;
use std::time::Instant;

use wgpu_softmax::Error;
use wgpu_softmax::verify::tensor::{TensorCase, expected_tensor, first_tensor_difference, tensor_cases};
use wgpu_softmax::verify::{
    Case, Probe, ProbeOp, Thoroughness, arithmetic_probe, cases, expected, first_difference,
};

use super::report::{Arithmetic, Device, Report};
use super::subject::{Candidate, Subject};
use crate::progress::Progress;

/// Rows of the planners' tables may reach to what nobody has the memory for.
const LONGEST: usize = 1 << 18;

/// Runs the battery. A difference is counted and the battery goes on, so that the report is whole; a
/// device that fails is left out from there on.
pub fn run(candidates: Vec<Candidate>, level: Thoroughness) -> Report {
    let start = Instant::now();
    let mut trials: Vec<_> = candidates.into_iter().map(Trial::begin).collect();
    let progress = Progress::counting("cases", start);
    for (done, case) in cases(level, &edges(&trials)).enumerate() {
        let expected = expected(&case);
        for trial in &mut trials {
            trial.step(&case, &expected);
        }
        progress.advance_to(done + 1);
    }
    drop(progress);
    let progress = Progress::counting("tensors", start);
    for (done, case) in tensors(level).enumerate() {
        let expected = expected_tensor(&case);
        for trial in &mut trials {
            trial.step_tensor(&case, &expected);
        }
        progress.advance_to(done + 1);
    }
    let devices = trials.into_iter().map(|trial| trial.device).collect();
    Report::new(level == Thoroughness::Full, start.elapsed(), devices)
}

/// The battery of tensors; a part of it, with every kind of case, unless all is asked for: what takes the
/// time is compiling.
fn tensors(level: Thoroughness) -> impl Iterator<Item = TensorCase> {
    let step = if level == Thoroughness::Full { 1 } else { 7 };
    tensor_cases(level).into_iter().step_by(step)
}

/// The lengths at which some device changes kernels, and their neighbours. Those beyond what the
/// battery itself tries would take longer than all of it.
fn edges(trials: &[Trial]) -> Vec<usize> {
    let at: BTreeSet<_> = trials.iter().filter_map(|t| t.subject.as_ref()).flat_map(|s| s.edges()).collect();
    let near =
        at.into_iter().filter(|&cols| cols < LONGEST).flat_map(|cols| cols.saturating_sub(1)..=cols + 1);
    near.collect()
}

/// A device and what was found so far; no device any more once it has failed.
struct Trial {
    subject: Option<Box<dyn Subject>>,
    device: Device,
}

impl Trial {
    fn begin(candidate: Candidate) -> Self {
        let begun = candidate.subject.and_then(|mut subject| {
            let arithmetic = arithmetic(subject.as_mut())?;
            Ok((subject, arithmetic))
        });
        match begun {
            Ok((subject, arithmetic)) => {
                let device = Device::new(candidate.name, &subject.kernels(), arithmetic);
                Self { subject: Some(subject), device }
            }
            Err(error) => Self { subject: None, device: Device::failed(candidate.name, error) },
        }
    }

    fn step_tensor(&mut self, case: &TensorCase, expected: &[u32]) {
        let Some(subject) = &mut self.subject else {
            return;
        };
        match subject.tensor(case) {
            Ok(found) => {
                let difference = first_tensor_difference(case, expected, &found);
                self.device.tensors.count(case.op.kind, expected.len(), difference);
            }
            Err(error) => {
                self.device.error = Some(format!("tensors, {}: {error}", case.name));
                self.subject = None;
            }
        }
    }

    fn step(&mut self, case: &Case, expected: &[u32]) {
        let Some(subject) = &mut self.subject else {
            return;
        };
        for (index, kernel) in self.device.kernels.iter_mut().enumerate() {
            match subject.run(index, case) {
                Ok(None) => {}
                Ok(Some(found)) => kernel.count(
                    case.op.kind,
                    expected.len(),
                    first_difference(case, expected, &found).map(|d| d.to_string()),
                ),
                Err(error) => {
                    self.device.error = Some(format!("{}, {}: {error}", kernel.name, case.name));
                    self.subject = None;
                    return;
                }
            }
        }
    }
}

fn arithmetic(subject: &mut dyn Subject) -> Result<Option<Arithmetic>, Error> {
    let probes = arithmetic_probe();
    let Some(found) = subject.probe(&probes)? else {
        return Ok(None);
    };
    let wrong: Vec<_> = probes.iter().zip(found).filter(|(probe, found)| !probe.holds(*found)).collect();
    let lines = [ProbeOp::Add, ProbeOp::Sub, ProbeOp::Mul].into_iter().filter_map(|op| {
        let tried = probes.iter().filter(|probe| probe.op == op).count();
        let mut of_it = wrong.iter().filter(|(probe, _)| probe.op == op).peekable();
        let (Probe { a, b, expected, .. }, found) = *of_it.peek()?;
        Some(format!(
            "{op:?}: {} of {tried} wrong; first {a:#010x} and {b:#010x}: expected {expected:#010x}, got {found:#010x}",
            of_it.count()
        ))
    });
    Ok(Some(Arithmetic { tried: probes.len(), failed: wrong.len(), wrong: lines.collect() }))
}
