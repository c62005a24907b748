//! An array that is computed part by part, or as a whole: whatever is no stream of plain rows.

use std::ops::Range;

use wgpu_softmax::stream::{default_budget, free_memory};
use wgpu_softmax::{Context, DType, Element, Error, Op, Shape, Timing, bf16, f16};

use crate::beside::Beside;
use crate::failure::Failure;
use crate::files::{Elements, order};
use crate::layout::{Cut, Layout};
use crate::room::Room;
use crate::terminal::{bytes, needed_and_allowed};

/// An array, what stands beside it, and how it is cut.
#[derive(Debug)]
pub struct Parts<'a> {
    op: Op,
    layout: &'a Layout,
    beside: &'a Beside,
    input: DType,
    output: DType,
    cut: Cut,
    /// How many indices of the axis that is cut go together.
    together: usize,
    /// Of one index: elements, results, rows.
    elements: u64,
    results: u64,
    rows: u64,
}

impl<'a> Parts<'a> {
    /// Of an array whose operands fit it. `checked`: whether results will be compared.
    pub fn new(
        op: Op,
        (layout, beside): (&'a Layout, &'a Beside),
        (input, output): (DType, DType),
        (elements, results, rows): (u64, u64, u64),
    ) -> Self {
        let mut cut = layout.cut(!beside.is_empty());
        if beside.offsets.is_some() {
            cut.axis = None;
        }
        let count = cut.count() as u64;
        let (elements, results, rows) = (elements / count, results / count, rows / count);
        Self { op, layout, beside, input, output, cut, together: 1, elements, results, rows }
    }

    /// Takes as many indices together as memory allows; an error says how much one takes.
    /// On a GPU, elements and results lie in buffers too, as f32, and in those that the host can see.
    pub fn fit(mut self, memory: Option<u64>, is_checked: bool, on_gpu: bool) -> Result<Self, Failure> {
        let staging = if on_gpu { 2 * 4 * (self.elements + self.results) } else { 0 };
        let (into, out) = (self.elements * self.input.bytes(), self.results * self.output.bytes());
        let copies = |again: bool| 1 + u64::from(again);
        let each = into * copies(self.layout.reorders_input)
            + out * copies(self.layout.reorders_output || is_checked)
            + staging;
        let (count, least) = (self.cut.count() as u64, self.beside.parts_together() as u64);
        let free = free_memory();
        let fit = memory.unwrap_or_else(default_budget).saturating_sub(self.beside.bytes) / each.max(1);
        let together = (fit / least * least).max(least).min(count);
        let (needed, allowed) = (self.beside.bytes + together * each, memory.or(free).unwrap_or(u64::MAX));
        if needed > allowed {
            return Err(self.too_large(needed, allowed, memory.is_some()));
        }
        self.together = together as usize;
        Ok(self)
    }

    fn too_large(&self, needed: u64, allowed: u64, is_told: bool) -> Failure {
        let what = match self.cut.axis {
            None => "this array is computed as a whole",
            Some(_) => "this array is computed in parts along its first axis",
        };
        let (needed, allowed) = needed_and_allowed(needed, allowed);
        let what = match self.beside.bytes {
            0 => what.to_owned(),
            held => format!("{what}, beside {} of masks and the like", bytes(held)),
        };
        Failure::Cannot(match is_told {
            true => {
                format!("{what}: that takes {needed} of memory and --memory allows {allowed}; allow more")
            }
            false => format!(
                "{what}: that takes {needed} of memory and {allowed} are free; free some, or split it"
            ),
        })
    }

    /// The parts that hold the rows from number `done` on.
    pub fn ranges(&self, done: u64) -> impl Iterator<Item = Range<usize>> + use<> {
        let first = done.checked_div(self.rows).unwrap_or(0) as usize;
        let (count, together) = (self.cut.count(), self.together);
        (first..count).step_by(together).map(move |start| start..count.min(start + together))
    }

    /// Indices of the axis that is cut; 1 where none is.
    pub fn indices(&self) -> usize {
        self.cut.count()
    }

    /// How many parts all of it is.
    pub fn count(&self) -> usize {
        self.cut.count().div_ceil(self.together)
    }

    /// Rows up to the end of a part.
    pub fn rows_until(&self, range: &Range<usize>) -> u64 {
        range.end as u64 * self.rows
    }

    /// Elements of a part.
    pub fn elements_of(&self, range: &Range<usize>) -> u64 {
        range.len() as u64 * self.elements
    }

    /// Bytes of a part's results, and where among all of them they begin.
    pub fn bytes_of(&self, range: &Range<usize>) -> (u64, u64) {
        let each = self.results * self.output.bytes();
        (range.len() as u64 * each, range.start as u64 * each)
    }

    /// Room for a part and for its results: the largest there are.
    pub fn rooms(&self) -> Result<(Room, Room), Failure> {
        let (elements, results) = (self.elements * self.input.bytes(), self.results * self.output.bytes());
        let room = |each: u64| Room::new(each * self.together as u64).map_err(Failure::Cannot);
        Ok((room(elements)?, room(results)?))
    }

    /// Reads a part.
    pub fn read(
        &self,
        elements: &mut Elements,
        range: &Range<usize>,
        into: &mut Room,
    ) -> Result<(), Failure> {
        into.shorten((self.elements_of(range) * self.input.bytes()) as usize);
        elements.read_same(range.start as u64 * self.elements, into.bytes_mut())?;
        if self.layout.reorders_input {
            let width = self.input.bytes() as usize;
            order::to_c(into, width, &self.cut.dims).map_err(Failure::Cannot)?;
        }
        Ok(())
    }

    /// Computes a part into the bytes of a file.
    pub fn compute(
        &self,
        context: &Context,
        op: Op,
        range: &Range<usize>,
        x: &Room,
        out: &mut Room,
    ) -> Result<Timing, Error> {
        out.shorten(self.bytes_of(range).0 as usize);
        match self.input {
            DType::F16 => self.from::<f16>(context, op, range, x, out),
            DType::BF16 => self.from::<bf16>(context, op, range, x, out),
            DType::F64 => self.from::<f64>(context, op, range, x, out),
            _ => self.from::<f32>(context, op, range, x, out),
        }
    }

    fn from<X: Element>(
        &self,
        context: &Context,
        op: Op,
        range: &Range<usize>,
        x: &Room,
        out: &mut Room,
    ) -> Result<Timing, Error> {
        let x = x.of::<X>();
        match self.output {
            DType::F16 => self.to::<X, f16>(context, op, range, x, out.of_mut()),
            DType::BF16 => self.to::<X, bf16>(context, op, range, x, out.of_mut()),
            DType::F64 => self.to::<X, f64>(context, op, range, x, out.of_mut()),
            _ => self.to::<X, f32>(context, op, range, x, out.of_mut()),
        }
    }

    fn to<X: Element, Y: Element>(
        &self,
        context: &Context,
        op: Op,
        range: &Range<usize>,
        x: &[X],
        out: &mut [Y],
    ) -> Result<Timing, Error> {
        let part = self.beside.part(&self.cut, range.clone());
        let masking = part.masking();
        if let Some(offsets) = &self.beside.offsets {
            return context.run_ragged_blocking(op, x, offsets, &masking, out);
        }
        let shape = Shape::along(&self.cut.dims_of(range.len()), &self.cut.axes)?;
        context.run_tensor_blocking(op, x, shape, &masking, out)
    }

    /// Puts results into the order of the file: little-endian, and of axes as it is to be.
    pub fn finish(&self, out: &mut Room) -> Result<(), Failure> {
        let width = self.output.bytes() as usize;
        if self.layout.reorders_output {
            let mut dims = self.layout.output_dims.clone();
            if self.layout.fortran_output {
                dims.reverse();
            }
            order::to_c(out, width, &dims).map_err(Failure::Cannot)?;
        }
        if cfg!(target_endian = "big") {
            crate::files::swap(out.bytes_mut(), width);
        }
        Ok(())
    }

    /// What is said of an error: offsets come from a file of theirs.
    pub fn told(&self, error: Error) -> Failure {
        match (&error, &self.beside.offsets_file) {
            (Error::Offsets { .. }, Some(path)) => Failure::of_file(path, error),
            _ => error.into(),
        }
    }

    /// The same operation with the bits that every device must give.
    pub fn exact(&self) -> Op {
        self.op.precision(wgpu_softmax::Precision::Reproducible)
    }
}
