//! What a pipeline is specialised for: the values of its overridable constants, and its bindings.

use crate::gpu::options::DTypes;
use crate::gpu::planner::{Choice, Kernel, Places};
use crate::gpu::terms::MaskKind;
use crate::numerics::FLUSH;
use crate::{DType, Op, OpKind, Precision};

/// What a pipeline is specialised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    pub kind: OpKind,
    pub precision: Precision,
    pub choice: Choice,
    /// Whether elements are multiplied by a scale.
    pub scaled: bool,
    /// Whether a product with the scale may overflow or make a subnormal element normal.
    pub careful_scale: bool,
    /// Whether the sum has a third bin.
    pub third_bin: bool,
    /// Whether one word takes a row's sum of each bin.
    pub short_row: bool,
    /// Whether results overwrite their elements.
    pub in_place: bool,
    /// `None` for f32 rows that lie one after the other, with nothing beside them.
    pub tensor: Option<TensorVariant>,
}

/// What a pipeline is specialised for where rows are those of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TensorVariant {
    pub types: DTypes,
    pub mask: Option<MaskKind>,
    pub bias: Option<DType>,
    pub window: bool,
    pub lengths: bool,
    pub sinks: bool,
    pub row_scale: bool,
    pub alibi: bool,
    pub ragged: bool,
    pub row_levels: u8,
    pub col_levels: u8,
    /// Whether no two rows share a word of the results.
    pub whole_words: bool,
    pub slots: Slots,
}

/// Buffers beside the input: the place of each operand among them, by `Beside`, and how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Slots {
    pub of: [u8; 6],
    pub buffers: u8,
}

impl Variant {
    pub fn new(op: &Op, choice: Choice, cols: u64) -> Self {
        Self {
            kind: op.kind,
            precision: op.precision,
            choice,
            scaled: op.scale != 1.0,
            careful_scale: op.scale == 0.0 || op.scale.abs() > 1.0,
            third_bin: crate::cpu::sum::third_bin(cols),
            short_row: cols <= u64::from(FLUSH),
            in_place: false,
            tensor: None,
        }
    }

    /// The values of the shader's overridable constants.
    pub fn constants(&self) -> Vec<(&'static str, f64)> {
        let mut constants = vec![
            ("WORKGROUP", f64::from(self.choice.workgroup)),
            ("SCALED", f64::from(u8::from(self.scaled))),
            ("CAREFUL_SCALE", f64::from(u8::from(self.careful_scale))),
        ];
        if self.precision == Precision::Reproducible {
            constants.push(("THIRD_BIN", f64::from(u8::from(self.third_bin))));
            constants.push(("SHORT_ROW", f64::from(u8::from(self.short_row))));
        }
        if self.choice.lanes > 0 {
            constants.push(("TEAM", f64::from(self.choice.lanes)));
        }
        if self.choice.kernel.is_looped() {
            constants.push(("REWRITE", f64::from(u8::from(self.choice.rewrite))));
        }
        if let Some(tensor) = &self.tensor {
            constants.extend(tensor.constants());
        }
        constants
    }

    /// The kinds of its bindings, by their numbers.
    pub fn bindings(&self) -> Vec<(u32, wgpu::BufferBindingType)> {
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let mut found = vec![(0, wgpu::BufferBindingType::Uniform), (2, storage(false)), (3, storage(true))];
        if !self.in_place {
            found.push((1, storage(true)));
        }
        if self.choice.kernel.is_split() {
            found.push((4, storage(false)));
        }
        let beside = self.tensor.map_or(0, |tensor| u32::from(tensor.slots.buffers));
        found.extend((5..5 + beside).map(|binding| (binding, storage(true))));
        found
    }

    /// The names of the entry points, in the order they are dispatched.
    pub fn entry_points(&self) -> &'static [&'static str] {
        match self.choice.kernel {
            Kernel::Split | Kernel::SplitColumns => &["split_clear", "split_max", "split_sum", "split_write"],
            _ => &["main"],
        }
    }

    /// A label for this variant's objects.
    pub fn label(&self, what: &str) -> String {
        let (width, rows) = (self.choice.width, self.choice.rows);
        let unit = match self.choice.places {
            Places::Quarters => "quarters".to_owned(),
            Places::Separate => "separate".to_owned(),
            Places::Together if rows > 1 => format!("rows_{rows}"),
            Places::Together => format!("width_{width}"),
        };
        format!("wgpu_softmax::{}::{}::{unit}::{what}", self.kind.name(), self.choice.kernel.name())
    }
}

impl TensorVariant {
    fn constants(&self) -> Vec<(&'static str, f64)> {
        let dtype = |dtype: DType| match dtype {
            DType::F16 => 1.0,
            DType::BF16 => 2.0,
            _ => 0.0,
        };
        let mask = self.mask.map_or(0.0, |kind| if kind == MaskKind::Bytes { 1.0 } else { 2.0 });
        let flag = |is: bool| f64::from(u8::from(is));
        let names = ["MASK_SLOT", "BIAS_SLOT", "LENGTHS_SLOT", "SINKS_SLOT", "SCALES_SLOT", "SLOPES_SLOT"];
        let slots = names.into_iter().zip(self.slots.of.map(f64::from));
        let rest = [
            ("INPUT", dtype(self.types.input)),
            ("OUTPUT", dtype(self.types.output)),
            ("MASK", mask),
            ("BIAS", self.bias.map_or(0.0, |bias| dtype(bias) + 1.0)),
            ("WINDOW", flag(self.window)),
            ("LENGTHS", flag(self.lengths)),
            ("SINK", flag(self.sinks)),
            ("ROW_SCALE", flag(self.row_scale)),
            ("ALIBI", flag(self.alibi)),
            ("RAGGED", flag(self.ragged)),
            ("ROW_LEVELS", f64::from(self.row_levels)),
            ("COL_LEVELS", f64::from(self.col_levels)),
        ];
        slots.chain(rest).collect()
    }
}
