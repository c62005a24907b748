//! A batch on the host: a ring of inputs and results, and the answers they must have.

use std::thread;

use wgpu_softmax::cpu::reference;
use wgpu_softmax::stream::free_memory;
use wgpu_softmax::{Error, Op, OpKind, Precision, RowStats, Shape};

use super::{Refusal, memory};

/// The same rows several times over, so that a run finds none of them in a cache, and the bits of
/// each operation's answer once it was asked for.
#[derive(Debug)]
pub struct Batch {
    shape: Shape,
    slots: Vec<Slot>,
    expected: Vec<(OpKind, Vec<u32>)>,
}

/// An input, and the place for results: as many floats, or eight per row where that is more.
#[derive(Debug)]
pub struct Slot {
    pub x: Vec<f32>,
    pub y: Vec<f32>,
}

/// How far a `Fast` result may be from the exact one. Not its promise (docs/numerics.md): just enough
/// to show that the right thing was computed.
const FAST_RELATIVE: f32 = 1e-4;

impl Batch {
    /// Uniform logits in [-8, 8), the same for the same shape.
    ///
    /// # Errors
    /// [`Refusal`] where the shape has no element, or needs more memory than there is.
    pub fn new(shape: Shape) -> Result<Self, Refusal> {
        Self::check_size(shape)?;
        let slot = |x| Ok::<_, Refusal>(Slot { x, y: touched(results(shape))? });
        let mut slots = vec![slot(logits(shape.elements()? as usize)?)?];
        for _ in 1..memory::ring_slots(slots[0].bytes(), memory::ring_bytes(false)) {
            slots.push(slot(memory::copied(&slots[0].x)?)?);
        }
        Ok(Self { shape, slots, expected: Vec::new() })
    }

    /// Whether there is something to measure, and memory for it.
    ///
    /// # Errors
    /// [`Refusal`] where there is not.
    pub fn check_size(shape: Shape) -> Result<(), Refusal> {
        let elements = shape.elements()?;
        let (rows, cols) = (shape.row_count(), shape.cols());
        if elements == 0 {
            return Err(Error::Length { operand: "elements to measure", needed: 1, found: 0 }.into());
        }
        let needed = Self::bytes(shape);
        if let Some(there) = free_memory().filter(|there| needed > *there) {
            let (needed, there) = (crate::terminal::bytes(needed), crate::terminal::bytes(there));
            return Err(Refusal::Memory(format!(
                "{rows}x{cols} needs {needed} of memory, and {there} are free"
            )));
        }
        Ok(())
    }

    /// Bytes of memory that a batch takes with its answers and with a copy on a software adapter.
    fn bytes(shape: Shape) -> u64 {
        let elements = shape.elements().unwrap_or(u64::MAX / 64);
        (elements * 4).saturating_mul(6)
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The elements.
    pub fn elements(&self) -> &[f32] {
        &self.slots[0].x
    }

    /// Bytes of all inputs and results.
    pub fn ring_bytes(&self) -> u64 {
        self.slots.iter().map(Slot::bytes).sum()
    }

    /// The pair whose turn it is in that run, with as many floats of results as the operation has.
    pub fn slot(&mut self, run: usize, op: Op) -> Result<(&[f32], &mut [f32]), Error> {
        let words = op.kind.output_words(self.shape)? as usize;
        let count = self.slots.len();
        let Slot { x, y } = &mut self.slots[run % count];
        Ok((x, &mut y[..words]))
    }

    /// Compares an answer with the specification: every bit, or for `Fast` how far it is.
    ///
    /// # Errors
    /// [`Refusal::Wrong`] with the first result that is not what it must be, [`Refusal::Memory`] where
    /// there is none for what it must be.
    pub fn check(&mut self, op: Op, got: &[f32]) -> Result<(), Refusal> {
        let cols = (got.len() as u64 / self.shape.row_count().max(1)).max(1) as usize;
        let want = self.expected(op.kind)?;
        if want.len() != got.len() {
            return Err(Refusal::Wrong(format!("{} results instead of {}", got.len(), want.len())));
        }
        let right = |(got, want): (&f32, &u32)| {
            got.to_bits() == *want || (op.precision == Precision::Fast && near(op.kind, *got, *want))
        };
        match got.iter().zip(want).position(|pair| !right(pair)) {
            None => Ok(()),
            Some(i) => Err(Refusal::Wrong(format!(
                "row {}, column {}: {:e} ({:#010x}) where the specification has {:e} ({:#010x})",
                i / cols,
                i % cols,
                got[i],
                got[i].to_bits(),
                f32::from_bits(want[i]),
                want[i]
            ))),
        }
    }

    fn expected(&mut self, kind: OpKind) -> Result<&[u32], Refusal> {
        if self.expected.iter().all(|(known, _)| *known != kind) {
            self.expected.push((kind, expected(kind, self.elements(), self.shape)?));
        }
        let found = self.expected.iter().find(|(known, _)| *known == kind);
        Ok(found.map_or(&[], |(_, words)| words))
    }
}

impl Slot {
    fn bytes(&self) -> u64 {
        (size_of_val(self.x.as_slice()) + size_of_val(self.y.as_slice())) as u64
    }
}

/// A place for results whose pages are there already: zeros would come page by page with the first run
/// that writes them, and make that one three times as long.
fn touched(words: usize) -> Result<Vec<f32>, Refusal> {
    memory::filled(words, f32::NAN)
}

/// Words of the largest result any operation has.
pub fn results(shape: Shape) -> usize {
    let words = OpKind::ALL.iter().filter_map(|kind| kind.output_words(shape).ok());
    words.max().unwrap_or(0) as usize
}

fn near(kind: OpKind, got: f32, want: u32) -> bool {
    let want = f32::from_bits(want);
    // Logarithms come near 0 by differences of numbers that are not.
    let absolute = if kind == OpKind::Softmax { 1e-30 } else { 1e-4 };
    (got - want).abs() <= FAST_RELATIVE * want.abs() + absolute
}

/// Uniform in [-8, 8), by integers alone.
fn logits(count: usize) -> Result<Vec<f32>, Refusal> {
    let mut found = memory::room(count)?;
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 * 16.0 - 8.0
    };
    found.extend(std::iter::repeat_with(next).take(count));
    Ok(found)
}

/// What the specification (`cpu::reference`) has for each row, on all cores: it is scalar code.
fn expected(kind: OpKind, x: &[f32], shape: Shape) -> Result<Vec<u32>, Refusal> {
    let op = Op::new(kind);
    let (rows, cols) = (shape.row_count() as usize, shape.cols() as usize);
    let words = kind.output_words(Shape::rows(1, cols)).unwrap_or(1) as usize;
    let mut found = memory::filled(rows * words, 0u32)?;
    let part = rows.div_ceil(thread::available_parallelism().map_or(1, |n| n.get()));
    thread::scope(|scope| {
        for (x, found) in x.chunks(part * cols).zip(found.chunks_mut(part * words)) {
            scope.spawn(move || {
                for (x, found) in x.chunks_exact(cols).zip(found.chunks_exact_mut(words)) {
                    expected_row(&op, x, found);
                }
            });
        }
    });
    Ok(found)
}

fn expected_row(op: &Op, x: &[f32], found: &mut [u32]) {
    match op.kind {
        OpKind::LogSumExp => found[0] = reference::log_sum_exp_row(op, x).to_bits(),
        OpKind::RowStats => {
            let stats: [RowStats; 1] = [reference::row_stats(x, op.scale)];
            found.copy_from_slice(bytemuck::cast_slice(&stats));
        }
        _ => reference::row(op, x, bytemuck::cast_slice_mut(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu_softmax::cpu;

    #[test]
    fn right_answers_pass_and_a_wrong_bit_does_not() {
        for kind in OpKind::ALL {
            let mut batch = Batch::new(Shape::rows(5, 7)).unwrap();
            let op = Op::new(kind);
            let mut y = vec![0.0; kind.output_words(batch.shape()).unwrap() as usize];
            cpu::run(op, batch.elements(), batch.shape(), &mut y).unwrap();
            batch.check(op, &y).unwrap();
            let last = y.len() - 1;
            y[last] = f32::from_bits(y[last].to_bits() ^ 1);
            let said = batch.check(op, &y).unwrap_err().to_string();
            assert!(said.contains("WRONG: row 4"), "{said}");
            assert!(batch.check(op, &y[1..]).is_err());
        }
    }

    #[test]
    fn fast_may_be_near_and_not_far() {
        let mut batch = Batch::new(Shape::rows(3, 4)).unwrap();
        let op = Op::new(OpKind::Softmax).precision(Precision::Fast);
        let mut y = vec![0.0; 12];
        cpu::run(op, batch.elements(), batch.shape(), &mut y).unwrap();
        y[2] *= 1.000_01;
        batch.check(op, &y).unwrap();
        y[2] *= 1.01;
        assert!(batch.check(op, &y).is_err());
    }

    #[test]
    fn shapes_that_cannot_be_are_refused() {
        let said = |rows| Batch::new(Shape::rows(rows, 3)).unwrap_err().to_string();
        assert!(said(0).contains("elements to measure"));
        assert!(said(usize::MAX).contains("cannot be addressed"));
        #[cfg(target_os = "linux")]
        assert!(said(1 << 40).contains("1099511627776x3 needs 79.2 TB of memory"));
    }
}
