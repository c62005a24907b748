//! A tensor with what stands beside it, as kernels take it: the walk over it, and its variant of them.

use super::args::{Beside, SoftmaxArgs, TensorRef, check_apart, check_operand, check_view};
use super::levels::Levels;
use super::options::DTypes;
use super::planner::{Access, Apart, Choice, Rows, SIDE};
use super::source::{Slots, TensorVariant, Variant};
use super::terms::{MaskKind, Terms};
use crate::masking::elements;
use crate::masking::levels::{BIAS, INPUT, MASK};
use crate::numerics::TWO_BIN_COLS;
use crate::{DType, Error, Op, OpKind, Shape};

/// Columns of a row at most, and positions that windows and ALiBi count to.
const MOST_COLS: u64 = i32::MAX as u64;
const MOST_POSITIONS: u64 = 1 << 29;

/// An operation's tensor, whose terms fit its shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub terms: Terms,
    pub types: DTypes,
    pub levels: Levels,
    pub shape: Shape,
    /// Whether rows have a length of their own, at most the shape's columns.
    pub ragged: bool,
    /// Elements of a unit: four where all rows are whole units, two where they are words of halves.
    pub width: u32,
    per_element: bool,
}

impl Tensor {
    /// # Errors
    /// Those of [`Terms::check`], and [`Error::Limit`] for what the shaders' indices do not reach.
    pub fn new(op: &Op, shape: Shape, types: DTypes, terms: &Terms) -> Result<Self, Error> {
        terms.check(shape)?;
        let hint = "use the CPU";
        if shape.cols() > MOST_COLS {
            let (what, needed) = ("columns of a tensor's row", shape.cols());
            return Err(Error::Limit { what, needed, limit: MOST_COLS, hint });
        }
        let positions = shape.dims().iter().rev().take(2).copied().max().unwrap_or(1);
        if (terms.window.is_some() || terms.alibi.is_some()) && positions > MOST_POSITIONS {
            let what = "positions of a window or of ALiBi";
            return Err(Error::Limit { what, needed: positions, limit: MOST_POSITIONS, hint });
        }
        let mut levels = Levels::new(shape, terms);
        let per_element = op.kind.is_elementwise();
        let in_quads = shape.is_contiguous() && levels.are_units_of(4, &by_column(terms));
        let width = if in_quads { 4 } else { narrow_width(shape, types, per_element) };
        levels.unit = u64::from(width);
        if levels.are_side_by_side(u64::from(SIDE)) {
            levels.side = u64::from(SIDE);
        }
        Ok(Self { terms: terms.clone(), types, levels, shape, ragged: false, width, per_element })
    }

    /// The same tensor where units of four elements do not begin at whole ones of their buffers.
    pub fn narrow(&self) -> Self {
        let width = narrow_width(self.shape, self.types, self.per_element);
        let levels = Levels { unit: u64::from(width), side: 1, ..self.levels.clone() };
        Self { levels, width, ..self.clone() }
    }

    /// Whether rows lie side by side, so that an element of each of [`SIDE`] may be a unit.
    fn is_side_by_side(&self) -> bool {
        self.levels.side > 1
    }

    /// Whether units begin at whole ones of the buffers.
    pub fn takes(&self, args: &SoftmaxArgs<'_>) -> bool {
        let whole = |offset: u64, dtype: DType| offset.is_multiple_of(4 * dtype.bytes());
        self.width != 4 && !self.is_side_by_side()
            || whole(args.input.offset, self.types.input)
                && (!self.per_element || whole(args.output.offset, self.types.output))
    }

    /// # Errors
    /// Those of [`Tensor::new`]; [`Error::Limit`] for rows whose sums depend on their own lengths, and
    /// [`Error::Binding`] for terms other than one number per row.
    pub fn ragged(op: &Op, shape: Shape, types: DTypes, terms: &Terms) -> Result<Self, Error> {
        if terms.form().hides() || terms.alibi.is_some() {
            let why = "ragged rows take sinks and scales beside them; use rows of one length, with lengths";
            return Err(Error::Binding { operand: "terms", why: why.into() });
        }
        let mut tensor = Self::new(op, shape, types, terms)?;
        let needed = tensor.row_length();
        if needed > TWO_BIN_COLS {
            let hint = "use cpu::run_ragged";
            return Err(Error::Limit { what: "columns of ragged rows", needed, limit: TWO_BIN_COLS, hint });
        }
        tensor.levels = Levels::ragged(shape, terms);
        tensor.ragged = true;
        Ok(tensor.narrow())
    }

    /// What rows without columns are computed as: each of one element, and a length of 0 that leaves it out.
    /// Nothing but sinks stays beside it.
    ///
    /// # Errors
    /// None beyond those of [`Tensor::new`].
    pub fn without_columns(&self, op: &Op) -> Result<Self, Error> {
        let terms = Terms { lengths: Some(Vec::new()), sinks: self.terms.sinks.clone(), ..Terms::default() };
        let types = DTypes::new(DType::F32, self.types.output);
        let mut bare = Self::new(op, self.shape.with_one_column(), types, &terms)?.narrow();
        // The element is one and the same for all rows.
        bare.levels.rows.iter_mut().for_each(|level| level.strides[INPUT] = 0);
        Ok(bare)
    }

    /// Whether no row has an element in these buffers.
    pub fn is_without_columns(&self, args: &SoftmaxArgs<'_>) -> bool {
        self.shape.cols() == 0 || self.ragged && self.total(args) == 0
    }

    /// Elements of a row that the bins of its sum are chosen by.
    fn row_length(&self) -> u64 {
        self.shape.cols() + u64::from(self.terms.sinks.is_some())
    }

    /// Whether no two rows share a word of the results.
    pub fn whole_words(&self) -> bool {
        let even = self.width != 1 && !self.ragged && self.shape.cols().is_multiple_of(2);
        self.types.output == DType::F32 || self.per_element && even
    }

    /// Units of so many columns of a row; one more where it may begin within a word.
    pub fn units(&self, cols: u64) -> u64 {
        let even = !self.ragged && self.shape.cols().is_multiple_of(2);
        cols / u64::from(self.width) + u64::from(self.width == 2 && !even)
    }

    /// What the planner chooses by.
    pub fn rows(&self) -> Rows {
        let cols = self.shape.cols();
        let is_apart = !self.shape.is_contiguous() && !self.levels.ends_in_columns();
        let halves = [self.types.input, self.types.output].iter().any(|dtype| dtype.bytes() == 2);
        let apart = match (self.is_side_by_side(), halves) {
            (false, _) => Apart::Alone,
            (true, false) => Apart::Words,
            (true, true) => Apart::Halves,
        };
        let access = Access::Tensor {
            width: self.width,
            bytes: self.types.input.bytes() as u32,
            units: self.units(cols),
            apart: is_apart.then_some(apart),
            stepped: self.levels.cols.len() == 1,
            halves,
        };
        Rows { cols, access }
    }

    /// How many elements of how many bits an operand beside the input has; `None` where it has none.
    pub fn beside(&self, what: Beside) -> Option<(u64, u64)> {
        let terms = &self.terms;
        match what {
            Beside::Mask => terms.mask.as_ref().map(|(kind, dims)| (elements(dims), bits_of_mask(*kind))),
            Beside::Bias => terms.bias.as_ref().map(|(dtype, dims)| (elements(dims), dtype.bytes() * 8)),
            Beside::Lengths if self.ragged => Some((self.shape.row_count() + 1, 32)),
            Beside::Lengths => terms.lengths.as_ref().map(|dims| (elements(dims), 32)),
            Beside::Sinks => terms.sinks.as_ref().map(|dims| (elements(dims), 32)),
            Beside::RowScale => terms.row_scale.as_ref().map(|dims| (elements(dims), 32)),
            Beside::Alibi => terms.alibi.map(|slopes| (slopes as u64, 32)),
        }
    }

    /// The kernels' variant for operands in these buffers.
    pub fn variant(&self, op: &Op, choice: Choice, slots: &Slots, in_place: bool) -> Variant {
        let terms = &self.terms;
        let tensor = TensorVariant {
            types: self.types,
            mask: terms.mask.as_ref().map(|(kind, _)| *kind),
            bias: terms.bias.as_ref().map(|(dtype, _)| *dtype),
            window: terms.window.is_some(),
            lengths: terms.lengths.is_some(),
            sinks: terms.sinks.is_some(),
            row_scale: terms.row_scale.is_some(),
            alibi: terms.alibi.is_some(),
            ragged: self.ragged,
            row_levels: self.levels.rows.len() as u8,
            col_levels: self.levels.cols.len() as u8,
            whole_words: self.whole_words(),
            slots: *slots,
        };
        Variant { in_place, tensor: Some(tensor), ..Variant::new(op, choice, self.row_length()) }
    }

    /// A buffer of its own for each operand.
    pub fn slots_apart(&self) -> Slots {
        let mut slots = Slots::default();
        for what in Beside::ALL.into_iter().filter(|what| self.beside(*what).is_some()) {
            slots.of[what as usize] = slots.buffers;
            slots.buffers += 1;
        }
        slots
    }

    /// The buffers that arguments name, each once.
    pub fn slots(args: &SoftmaxArgs<'_>) -> Slots {
        let mut slots = Slots::default();
        let mut buffers = Vec::new();
        for (what, tensor) in args.beside.iter().enumerate() {
            let Some(tensor) = tensor else { continue };
            let known = buffers.iter().position(|buffer| *buffer == tensor.buffer);
            slots.of[what] = known.unwrap_or(buffers.len()) as u8;
            if known.is_none() {
                buffers.push(tensor.buffer);
            }
        }
        slots.buffers = buffers.len() as u8;
        slots
    }

    /// Whether all buffers are there and fit.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Binding`], [`Error::DType`], [`Error::NotInPlace`].
    pub fn check_args(&self, op: &Op, args: &SoftmaxArgs<'_>) -> Result<(), Error> {
        let results = op.kind.output_words(self.shape)?;
        let of_shape = |elements: u64| if self.ragged && self.per_element { 0 } else { elements };
        let elements = if self.ragged { 0 } else { self.shape.elements()? };
        if self.ragged {
            // How much of them is bound depends on the buffers, not on the shape.
            check_view("input", args.input)?;
            check_view("output", args.output)?;
        }
        check_operand("input", args.input, elements, self.types.input.bytes() * 8)?;
        check_operand("output", args.output, of_shape(results), self.types.output.bytes() * 8)?;
        check_in_place(op.kind, self.types, self.ragged || elements != 0, args)?;
        for what in Beside::ALL {
            let operand = what.name(self.ragged);
            let (given, needed) = (args.beside[what as usize], self.beside(what));
            let refused = |why: &str| Err(Error::Binding { operand, why: why.into() });
            match (given, needed) {
                (None, None) => {}
                (None, Some(_)) => {
                    return refused("it was prepared for and no buffer is bound; add it to the arguments");
                }
                (Some(_), None) => {
                    return refused("it was not prepared for; add it to the terms, or leave it out");
                }
                (Some(given), Some((elements, bits))) => {
                    check_operand(operand, given, elements, bits)?;
                    check_apart((operand, given), args.output)?;
                }
            }
        }
        Ok(())
    }

    /// Elements of ragged rows that lie in input and results.
    pub fn total(&self, args: &SoftmaxArgs<'_>) -> u64 {
        let of = |tensor: TensorRef<'_>, dtype: DType| tensor.bytes() / 4 * 4 / dtype.bytes();
        let read = of(args.input, self.types.input);
        if self.per_element { read.min(of(args.output, self.types.output)) } else { read }
    }
}

/// Whether input and output lie apart, or may be one. An input that is not `read` may be any buffer.
///
/// # Errors
/// [`Error::Binding`], [`Error::DType`], [`Error::NotInPlace`].
pub(super) fn check_in_place(
    kind: OpKind,
    types: DTypes,
    read: bool,
    args: &SoftmaxArgs<'_>,
) -> Result<(), Error> {
    if !args.in_place {
        return if read { check_apart(("input", args.input), args.output) } else { Ok(()) };
    }
    if !kind.is_elementwise() {
        return Err(Error::NotInPlace { op: kind.name() });
    }
    if types.input != types.output {
        let why = format!("in place the results have the type of the elements, {}", types.input);
        return Err(Error::DType { operand: "output", dtype: types.output, why });
    }
    Ok(())
}

/// Operands that have an element for each column.
fn by_column(terms: &Terms) -> Vec<usize> {
    let beside = [(terms.mask.is_some(), MASK), (terms.bias.is_some(), BIAS)];
    std::iter::once(INPUT).chain(beside.into_iter().filter(|(is, _)| *is).map(|(_, place)| place)).collect()
}

/// Elements of a unit where rows need not be whole ones.
fn narrow_width(shape: Shape, types: DTypes, per_element: bool) -> u32 {
    let is_half = |dtype: DType| dtype.bytes() == 2;
    let paired = shape.is_contiguous() && (is_half(types.input) || per_element && is_half(types.output));
    if paired { 2 } else { 1 }
}

fn bits_of_mask(kind: MaskKind) -> u64 {
    match kind {
        MaskKind::Bytes => 8,
        MaskKind::Bits => 1,
    }
}
