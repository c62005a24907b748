//! Rows of which a window or their lengths leave one range each, where the rows are one piece of memory: the
//! ranges of many rows are found together, and nothing is brought or computed outside of them.

use std::ops::Range;

use super::Task;
use super::stage::Block;
use crate::DType;
use crate::cpu::rows::{BEYOND, Io, Job, SPANS_BLOCK, Spans, run_spans};
use crate::cpu::scratch;
use crate::dtype::Element;
use crate::masking::levels::{LENGTHS, QUERY};

/// Rows whose ranges are kept, and rows that are computed without being brought, at most.
const ROWS: usize = 1024;
/// Up to here rows are brought whole: leaving out what is not visible costs more than it saves.
const WHOLE: usize = 64;

/// The ranges of some rows.
struct Table {
    from: Vec<u32>,
    to: Vec<u32>,
    /// After so many rows they come again; 0 where they do not.
    period: u64,
    /// The rows that they are those of, where they do not.
    rows: Range<u64>,
}

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Whether rows are computed by the ranges of their elements that take part.
    pub(super) fn has_spans(&self) -> bool {
        let masking = self.masking;
        let by_place = masking.window.is_some() || masking.lengths.is_some();
        let cols = self.layout.width();
        by_place
            && masking.sinks.is_none()
            && self.layout.is_contiguous()
            && (1..=SPANS_BLOCK as u64).contains(&cols)
    }

    /// Computes such rows.
    pub(super) fn compute_spans(&self, rows: Range<u64>) {
        let cols = self.layout.width() as usize;
        let form = self.masking.form();
        let words = if self.job.op.kind.is_elementwise() { cols } else { self.job.words };
        let mut job = Job { cols, words, ..self.job };
        job.holes = job.is_narrow() || form.mask.is_some() || form.bias.is_some();
        let is_alone = form.is_by_place_alone();
        if is_alone {
            job.op.scale = self.scale;
        }
        let from_input = is_alone && X::DTYPE == DType::F32;
        let to_output = job.op.kind.is_elementwise() && Y::DTYPE == DType::F32 && !self.x.is_same(&self.y);
        let together = if from_input && to_output { ROWS } else { (SPANS_BLOCK / cols).clamp(1, ROWS) };
        let together = together.min((rows.end - rows.start) as usize).max(1);
        let mut table = self.table(together);
        let floats = if from_input && to_output { 0 } else { together * (cols + words) };
        scratch::with_blocks(floats, |z| {
            for row in rows.clone().step_by(together) {
                let here = row..rows.end.min(row + together as u64);
                let spans = self.spans(&mut table, &here, rows.end);
                let block = Block { rows: here, cols: 0..cols as u64, fill: false, sink: false, open: true };
                if from_input {
                    self.compute_direct(&job, &block, spans, z);
                } else {
                    self.compute_staged(&job, (&block, rows.end), is_alone, spans, z);
                }
            }
        });
    }

    /// Rows from where they lie, by way of scratch where their results cannot be written to the output.
    fn compute_direct(&self, job: &Job, block: &Block, spans: Spans, z: &mut [f32]) {
        let (start, count) = (block.rows.start, block.count());
        // SAFETY: the slice ends with this call, before results are written to an output in its place.
        let x = bytemuck::cast_slice(unsafe { self.elements(start * job.cols as u64, count * job.cols) });
        if job.op.kind.is_elementwise()
            && let Some(y) = self.direct(block)
        {
            return run_spans(&Job { stream: self.past_caches, ..*job }, Io::Apart(x, y), spans);
        }
        let results = &mut z[..count * job.words];
        run_spans(job, Io::Apart(x, results), spans);
        self.narrow(results, start * job.words as u64);
    }

    /// Rows that are brought to scratch; `end` is where those of this thread do.
    fn compute_staged(
        &self,
        job: &Job,
        (block, end): (&Block, u64),
        is_alone: bool,
        spans: Spans,
        z: &mut [f32],
    ) {
        let (start, count) = (block.rows.start, block.count());
        let (z, rest) = z.split_at_mut(count * job.cols);
        let job = Job { ahead: self.ahead(block, end, z), ..*job };
        if !is_alone {
            self.stage(block, z);
        } else if job.cols <= WHOLE {
            self.widen(start * job.cols as u64, z);
        } else {
            self.bring_spans(start, &spans, job.cols, z);
        }
        if !job.op.kind.is_elementwise() {
            let results = &mut rest[..count * job.words];
            run_spans(&job, Io::Through(z, results), spans);
            self.store_per_row(start * job.words as u64, results);
        } else if let Some(y) = self.direct(block) {
            run_spans(&Job { stream: self.past_caches, ..job }, Io::Through(z, y), spans);
        } else {
            run_spans(&job, Io::Same(z), spans);
            self.narrow(z, start * job.cols as u64);
        }
    }

    /// What takes part of rows, to their places.
    fn bring_spans(&self, row: u64, spans: &Spans, cols: usize, z: &mut [f32]) {
        for (i, z) in z.chunks_exact_mut(cols).enumerate() {
            let span = spans.from[i] as usize..spans.to[i] as usize;
            self.widen((row + i as u64) * cols as u64 + span.start as u64, &mut z[span]);
        }
    }

    /// The ranges for blocks of so many rows, where those of all rows are few; room for them where they are not.
    fn table(&self, together: usize) -> Table {
        let period = if self.masking.lengths.is_none() { self.layout.neighbours() } else { 0 };
        let mut table = Table { from: Vec::new(), to: Vec::new(), period: 0, rows: 0..0 };
        if (1..=ROWS as u64).contains(&period) {
            table.fill(period as usize + together);
            self.find_spans(0..period, &mut table);
            repeat(&mut table.from, period as usize);
            repeat(&mut table.to, period as usize);
            table.period = period;
        } else {
            table.fill(ROWS);
        }
        table
    }

    /// The ranges of some rows, of which this thread has those before `end`.
    fn spans<'t>(&self, table: &'t mut Table, rows: &Range<u64>, end: u64) -> Spans<'t> {
        let at = if table.period > 0 {
            rows.start % table.period
        } else {
            if rows.end > table.rows.end {
                table.rows = rows.start..end.min(rows.start + ROWS as u64);
                self.find_spans(rows.start..end.min(rows.start + (ROWS + BEYOND) as u64), table);
            }
            rows.start - table.rows.start
        };
        Spans { from: &table.from[at as usize..], to: &table.to[at as usize..] }
    }

    /// Fills a table's first places with the ranges of rows: `Layout::visible` of all of them.
    fn find_spans(&self, rows: Range<u64>, table: &mut Table) {
        let cols = self.layout.width();
        let mut first = 0;
        for run in self.layout.runs(rows) {
            let places = first..first + run.len;
            let (from, to) = (&mut table.from[places.clone()], &mut table.to[places]);
            first += run.len;
            from.fill(0);
            to.fill(cols as u32);
            if let Some(window) = &self.masking.window {
                let step = run.step[QUERY] as i64;
                for (bound, places) in window.bounds(run.at[QUERY]).into_iter().zip([&mut *from, &mut *to]) {
                    let Some(bound) = bound else { continue };
                    for (i, place) in places.iter_mut().enumerate() {
                        *place = (bound + step * i as i64).clamp(0, cols as i64) as u32;
                    }
                }
            }
            if let Some(lengths) = &self.masking.lengths {
                let (at, step) = (run.at[LENGTHS] as usize, run.step[LENGTHS] as usize);
                if step == 1 {
                    // By itself, so that a compiler makes a loop over vectors of it.
                    to.iter_mut().zip(&lengths.data[at..]).for_each(|(to, len)| *to = (*to).min(*len));
                } else {
                    (0..).zip(&mut *to).for_each(|(i, to)| *to = (*to).min(lengths.data[at + i * step]));
                }
            }
            to.iter_mut().zip(from).for_each(|(to, from)| *from = (*from).min(*to));
        }
    }
}

impl Table {
    fn fill(&mut self, rows: usize) {
        self.from.resize(rows + BEYOND, 0);
        self.to.resize(rows + BEYOND, 0);
    }
}

/// Fills a slice with what its first places hold, again and again.
fn repeat(places: &mut [u32], period: usize) {
    let mut done = period;
    while done < places.len() {
        let more = done.min(places.len() - done);
        places.copy_within(0..more, done);
        done += more;
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::parallel::STREAM_BYTES;
    use crate::cpu::{self, Options};
    use crate::{LogSoftmax, LogSumExp, Masking, Op, Precision, Shape, Softmax, Window};

    /// Rows as plain ones, with -inf where they have no elements.
    fn plain(op: Op, x: &[f32], cols: usize, ranges: &[std::ops::Range<usize>], y: &mut [f32]) {
        let hidden = |i: usize| !ranges[i / cols].contains(&(i % cols));
        let x: Vec<f32> =
            x.iter().enumerate().map(|(i, x)| if hidden(i) { f32::NEG_INFINITY } else { *x }).collect();
        let op = op.empty_row(crate::EmptyRow::Zero);
        cpu::run_with(&Options::new().threads(1), op, &x, Shape::rows(ranges.len(), cols), y).unwrap();
    }

    fn check(op: Op, rows: usize, cols: usize, masking: &Masking, ranges: &[std::ops::Range<usize>]) {
        let x: Vec<f32> =
            (0..rows * cols)
                .map(|i| {
                    if i % 1013 == 7 { f32::NAN } else { (i as u32).wrapping_mul(2_654_435_761) as f32 / 3e8 }
                })
                .collect();
        let words = if op.kind.is_elementwise() { cols } else { 1 };
        let (mut y, mut expected) = (vec![0.0f32; rows * words], vec![0.0; rows * words]);
        let shape = Shape::along(&[rows / 50, 50, cols], &[2]).unwrap();
        cpu::run_tensor_with(&Options::new().threads(1), op, &x, shape, masking, &mut y).unwrap();
        plain(op, &x, cols, ranges, &mut expected);
        let is_fast = op.precision == Precision::Fast;
        for (i, (y, expected)) in y.iter().zip(&expected).enumerate() {
            let near = is_fast && (y - expected).abs() <= 1e-5 * expected.abs();
            assert!(y.to_bits() == expected.to_bits() || near, "{op:?} {cols} columns, {i}: {y} {expected}");
        }
    }

    /// All windows and lengths, of some operations.
    fn check_all(rows: usize, cols: usize) {
        let windows = [Window::causal(), Window::sliding(20), Window::causal().offset(-30)];
        let lengths: Vec<u32> = (0..rows).map(|row| (row * 7919 % (cols + 1)) as u32).collect();
        for op in [
            Op::from(Softmax::new()),
            Op::from(Softmax::new()).scale(0.5).precision(Precision::Fast),
            Op::from(LogSoftmax::new()),
            Op::from(LogSumExp::new()),
        ] {
            for window in windows {
                let seen = |row: usize| window.columns((row % 50) as u64, cols as u64);
                let ranges: Vec<_> =
                    (0..rows).map(|row| seen(row).start as usize..seen(row).end as usize).collect();
                check(op, rows, cols, &Masking::new().window(window), &ranges);
            }
            let ranges: Vec<_> = lengths.iter().map(|length| 0..*length as usize).collect();
            check(op, rows, cols, &Masking::new().lengths(&lengths, &[rows / 50, 50]), &ranges);
        }
    }

    #[test]
    fn rows_in_many_blocks_are_those_with_minus_infinity() {
        for cols in [1, 2, 3, 4, 16, 25, 27, 48, 49, 63, 128, 300, 1000] {
            check_all(1250, cols);
        }
    }

    #[test]
    fn so_are_rows_whose_results_go_past_the_caches() {
        for cols in [3, 31, 50, 96, 101, 300, 2100] {
            let rows = STREAM_BYTES / 4 / cols + 50;
            check_all(rows / 50 * 50, cols);
        }
    }
}
