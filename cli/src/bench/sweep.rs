//! The sweep: every shape on every device, one after the other.

use std::time::Instant;

use wgpu_softmax::{Error, Op, OpKind, Precision, Shape};

use super::device::Device;
use super::report::{COPY, Cell, Report};
use super::select::{Kernels, precision};
use crate::failure::Failure;
use crate::measure::{Batch, Effort, Refusal};
use crate::progress::Progress;

/// What is measured.
pub struct Sweep {
    /// Of which shapes.
    pub shapes: Vec<Shape>,
    /// Which operations.
    pub ops: Vec<OpKind>,
    /// In which precisions.
    pub precisions: Vec<Precision>,
    /// By which kernels.
    pub kernels: Kernels,
    /// Whether a copy is measured beside them.
    pub copy: bool,
    /// How long.
    pub effort: Effort,
}

/// A report in the making, with what went wrong besides.
struct Run<'a> {
    sweep: &'a Sweep,
    report: Report,
    refusals: Vec<Refusal>,
    progress: Progress,
    done: usize,
}

impl Sweep {
    /// Measures everything. The report comes with what could not be measured, for the exit status.
    pub fn run(&self, mut devices: Vec<Device>) -> Result<(Report, Vec<Refusal>), Failure> {
        for shape in &self.shapes {
            Batch::check_size(*shape).map_err(|refusal| Failure::Cannot(refusal.to_string()))?;
        }
        let begin = Instant::now();
        let count = self.count(&devices);
        if count == 0 {
            let names: Vec<_> = devices.iter().map(|device| device.info.name.clone()).collect();
            return Err(Failure::Cannot(format!(
                "no kernel that was asked for is one of {}; --kernel all takes those that are",
                names.join(", ")
            )));
        }
        let report = Report::new(devices.iter().map(|device| device.info.clone()).collect());
        let progress = Progress::cells(count, begin);
        let mut run = Run { sweep: self, report, refusals: Vec::new(), progress, done: 0 };
        for shape in &self.shapes {
            let mut batch = Batch::new(*shape);
            for (index, device) in devices.iter_mut().enumerate() {
                match &mut batch {
                    Ok(batch) => run.measure(index, device, batch),
                    Err(refusal) => run.refuse(index, device, *shape, refusal),
                }
            }
        }
        run.report.seconds = begin.elapsed().as_secs_f64();
        run.report.cells.sort_by_key(|cell| (cell.device, cell.cols, cell.rows));
        Ok((run.report, run.refusals))
    }

    /// Whether row statistics are asked for in fast precision alone, of which they have none.
    pub fn asks_for_fast_statistics(&self) -> bool {
        self.ops.contains(&OpKind::RowStats) && self.precisions == [Precision::Fast]
    }

    /// Operations with their precisions: row statistics have but one.
    fn ops(&self) -> impl Iterator<Item = Op> {
        let each = |kind| self.precisions.iter().map(move |p| Op::new(kind).precision(*p));
        let exact = |op: &Op| op.kind == OpKind::RowStats && op.precision == Precision::Fast;
        let statistics = self.asks_for_fast_statistics();
        let all = self.ops.iter().flat_map(move |kind| each(*kind)).filter(move |op| !exact(op));
        all.chain(statistics.then(|| Op::new(OpKind::RowStats)))
    }

    fn kernels(&self, device: &Device, shape: Shape) -> Vec<&'static str> {
        self.kernels.of(&device.kernels(), device.planned(shape).ok())
    }

    /// Cells without the copies.
    fn count(&self, devices: &[Device]) -> usize {
        let kernels =
            |shape: &Shape| -> usize { devices.iter().map(|d| self.kernels(d, *shape).len()).sum() };
        self.shapes.iter().map(kernels).sum::<usize>() * self.ops().count()
    }
}

impl Run<'_> {
    /// All cells of a device and a shape.
    fn measure(&mut self, index: usize, device: &mut Device, batch: &mut Batch) {
        let shape = batch.shape();
        let planned = device.planned(shape).ok();
        let kernels = self.sweep.kernels(device, shape);
        if kernels.is_empty() {
            return;
        }
        let copy = if self.sweep.copy { self.copy(index, device, batch) } else { None };
        for op in self.sweep.ops() {
            for &kernel in &kernels {
                let cell = cell(index, shape, &op, kernel, planned == Some(kernel));
                self.progress.say(format!("{} {} {kernel}", cell.shape(), op.kind.name()));
                let outcome = device.measure(kernel, op, batch, &self.sweep.effort);
                self.note(outcome.as_ref().err(), shape);
                self.report.cells.push(cell.filled(outcome, copy));
                self.done += 1;
                self.progress.advance_to(self.done);
            }
        }
    }

    /// All cells of a device and a shape of which there is no batch.
    fn refuse(&mut self, index: usize, device: &Device, shape: Shape, refusal: &Refusal) {
        let planned = device.planned(shape).ok();
        for op in self.sweep.ops() {
            for kernel in self.sweep.kernels(device, shape) {
                let cell = cell(index, shape, &op, kernel, planned == Some(kernel));
                self.report.cells.push(cell.filled(Err(refusal.clone()), None));
                self.done += 1;
            }
        }
        self.note(Some(refusal), shape);
        self.progress.advance_to(self.done);
    }

    /// Keeps what could not be measured, for the exit status.
    fn note(&mut self, refusal: Option<&Refusal>, shape: Shape) {
        let shape = format!("{}x{}", shape.row_count(), shape.cols());
        self.refusals.extend(refusal.map(|refusal| refusal.clone().of_shape(&shape)));
    }

    /// The copy's rate, in 10^9 bytes a second.
    fn copy(&mut self, index: usize, device: &mut Device, batch: &mut Batch) -> Option<f64> {
        let op = Op::new(OpKind::Softmax);
        let cell = Cell { op: COPY, precision: None, ..cell(index, batch.shape(), &op, COPY, false) };
        self.progress.say(format!("{} copy", cell.shape()));
        let outcome = device.copy(batch, &self.sweep.effort);
        self.note(outcome.as_ref().err(), batch.shape());
        let cell = cell.filled(outcome, None);
        let rate = cell.gb_per_s;
        self.report.cells.push(cell);
        rate
    }
}

fn cell(device: usize, shape: Shape, op: &Op, kernel: &'static str, planned: bool) -> Cell {
    let words = |words: Result<u64, Error>| words.unwrap_or(0);
    Cell {
        device,
        rows: shape.row_count(),
        cols: shape.cols(),
        dtype: "f32",
        op: op.kind.name(),
        precision: Some(precision(op.precision)),
        kernel,
        planned,
        bytes: 4 * (words(shape.elements()) + words(op.kind.output_words(shape))),
        error: None,
        checked: false,
        device_time: None,
        clock: None,
        end_to_end: None,
        gb_per_s: None,
        share_of_copy: None,
        ring_bytes: None,
    }
}
