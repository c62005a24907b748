//! The only place where WGSL text is joined: a prelude of constants generated from
//! [`crate::numerics`], then the files of a kernel.

use std::fmt::Write;

use super::planner::{Choice, Kernel};
use crate::numerics as n;
use crate::{Op, OpKind, Precision};

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!("../../shaders/", $name, ".wgsl"))
    };
}

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
            short_row: cols <= u64::from(n::FLUSH),
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
        if self.choice.kernel.is_looped() {
            constants.push(("REWRITE", f64::from(u8::from(self.choice.rewrite))));
        }
        constants
    }

    /// The names of the entry points, in the order they are dispatched.
    pub fn entry_points(&self) -> &'static [&'static str] {
        match self.choice.kernel {
            Kernel::Split => &["split_clear", "split_max", "split_sum", "split_write"],
            _ => &["main"],
        }
    }

    /// A label for this variant's objects.
    pub fn label(&self, what: &str) -> String {
        let width = self.choice.width;
        format!("wgpu_softmax::{}::{}::width_{width}::{what}", self.kind.name(), self.choice.kernel.name())
    }
}

/// The text of a variant's module.
pub(crate) fn wgsl(variant: &Variant) -> String {
    let mut text = prelude(variant.choice.held);
    for file in files(variant) {
        text.push('\n');
        text.push_str(file);
    }
    text
}

fn files(variant: &Variant) -> Vec<&'static str> {
    let choice = &variant.choice;
    let mut files = vec![
        if choice.width == 4 { shader!("width_4") } else { shader!("width_1") },
        shader!("params"),
        shader!("special"),
        team(choice),
    ];
    let fast = variant.precision == Precision::Fast;
    if fast {
        files.push(shader!("fast"));
    } else {
        files.extend([
            shader!("wide"),
            shader!("exp"),
            shader!("sum"),
            shader!("reciprocal"),
            shader!("log"),
        ]);
    }
    files.push(match variant.kind {
        OpKind::Softmax => shader!("op_softmax"),
        OpKind::LogSoftmax => shader!("op_log_softmax"),
        OpKind::LogSumExp => shader!("op_logsumexp"),
        OpKind::RowStats => shader!("op_row_stats"),
    });
    if choice.kernel == Kernel::Split {
        files.push(if fast { shader!("scratch_fast") } else { shader!("scratch") });
    }
    files.extend(kernel(choice));
    files
}

fn team(choice: &Choice) -> &'static str {
    match choice.kernel {
        Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile => shader!("team_thread"),
        Kernel::Subgroup | Kernel::SubgroupLoop => shader!("team_subgroup"),
        _ if choice.subgroups => shader!("team_workgroup_subgroups"),
        Kernel::Workgroup | Kernel::WorkgroupLoop | Kernel::Split => shader!("team_workgroup"),
    }
}

fn kernel(choice: &Choice) -> Vec<&'static str> {
    let workgroup =
        if choice.subgroups { shader!("rows_workgroup_subgroups") } else { shader!("rows_workgroup") };
    match choice.kernel {
        Kernel::Thread => vec![shader!("held"), shader!("rows_thread")],
        Kernel::ThreadLoop => vec![shader!("looped"), shader!("rows_thread")],
        Kernel::Tile => vec![shader!("rows_tile")],
        Kernel::Subgroup => vec![shader!("held"), shader!("rows_subgroup")],
        Kernel::SubgroupLoop => vec![shader!("looped"), shader!("rows_subgroup")],
        Kernel::Workgroup => vec![shader!("held"), workgroup],
        Kernel::WorkgroupLoop => vec![shader!("looped"), workgroup],
        Kernel::Split => vec![shader!("split")],
    }
}

/// The constants of the contract, and the size of a lane's private array, which WGSL cannot take
/// from an override.
fn prelude(held: u32) -> String {
    let mut text = String::from("// Generated from src/numerics.rs.\n");
    let floats = [
        ("RANGE", n::RANGE),
        ("ANCHOR_LIMIT", n::ANCHOR_LIMIT),
        ("LOG2_E", n::LOG2_E),
        ("ROUND_MAGIC", n::ROUND_MAGIC),
        ("LN2_A", n::LN2_A),
        ("LN2_B", n::LN2_B),
        ("LN2_C", n::LN2_C),
        ("EXP_2", n::EXP_2),
        ("EXP_3", n::EXP_3),
        ("EXP_4", n::EXP_4),
        ("EXP_5", n::EXP_5),
        ("EXP_6", n::EXP_6),
        ("BIN_1", n::BIN_1),
        ("BIN_2", n::BIN_2),
        ("BIN_3", n::BIN_3),
        ("RECIPROCAL_A", n::RECIPROCAL_A),
        ("RECIPROCAL_B", n::RECIPROCAL_B),
        ("UNIT_24", n::UNIT_24),
        ("UNIT_29", n::UNIT_29),
        ("UNIT_46", n::UNIT_46),
        ("LOG_LN2_HIGH", n::LOG_LN2_HIGH),
        ("LOG_LN2_LOW", n::LOG_LN2_LOW),
        ("LOG_3", n::LOG_3),
        ("LOG_5", n::LOG_5),
        ("LOG_7", n::LOG_7),
        ("LOG_9", n::LOG_9),
        ("TWO_POW_MINUS_40", n::TWO_POW_MINUS_40),
    ];
    for (name, value) in floats {
        // Rust prints the shortest decimal that reads back as the same float.
        writeln!(text, "const {name}: f32 = {value:e}f;").expect("a string takes all");
    }
    let integers = [
        ("NAN_BITS", n::NAN_BITS),
        ("INF_BITS", n::INF_BITS),
        ("NEG_INF_BITS", n::NEG_INF_BITS),
        ("ABS_MASK", n::ABS_MASK),
        ("TINY_BITS", n::TINY_BITS),
        ("HELD_SHIFT", n::HELD_SHIFT),
        ("HELD_EXPONENT", n::HELD_SHIFT << 23),
        ("HELD_LEAST", (n::HELD_SHIFT + 1) << 23),
        ("BIN_1_BITS", n::BIN_1.to_bits()),
        ("BIN_2_BITS", n::BIN_2.to_bits()),
        ("BIN_3_BITS", n::BIN_3.to_bits()),
        ("FLUSH", n::FLUSH),
        ("HELD", held),
    ];
    for (name, value) in integers {
        writeln!(text, "const {name}: u32 = {value}u;").expect("a string takes all");
    }
    writeln!(text, "const KEY_EMPTY: i32 = i32({}u);", crate::cpu::special::KEY_EMPTY as u32)
        .expect("a string takes all");
    writeln!(text, "const SUM_SCALE: i32 = {};", n::SUM_SCALE).expect("a string takes all");
    text
}

/// A module of the catalogue: what a driver is given for one kernel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Source {
    /// Operation, kernel and width.
    pub name: String,
    /// The module's text.
    pub wgsl: String,
    /// Its entry points, in the order they are dispatched.
    pub entry_points: &'static [&'static str],
    /// Values of its overridable constants.
    pub constants: Vec<(&'static str, f64)>,
    /// Whether the promise of equal bits holds for it.
    pub reproducible: bool,
    /// Elements that an invocation holds in registers; 0 for kernels that walk over the row.
    pub elements_per_invocation: u32,
    /// Elements of one access.
    pub width: u32,
}

/// A module for every operation, precision, kernel and width, for checks that need no device.
pub fn catalogue() -> Vec<Source> {
    use super::planner::{Capabilities, choose};
    use super::profile::Profile;
    let plain = Capabilities { max_invocations: 256, ..Capabilities::WEBGPU };
    let subgroups = Capabilities { subgroups: Some((32, 64)), ..plain };
    let mut found = Vec::new();
    for caps in [subgroups, plain] {
        for kernel in Kernel::ALL {
            for (aligned, cols) in [(true, catalogue_cols(kernel, 4)), (false, catalogue_cols(kernel, 1))] {
                let Ok(choice) = choose(cols, aligned, Some(kernel), &caps, Profile::of_device(&caps)) else {
                    continue;
                };
                if caps.subgroups.is_none() && !matches!(kernel, Kernel::Workgroup | Kernel::WorkgroupLoop) {
                    continue;
                }
                let scaled = Op::new(OpKind::Softmax).scale(2.0);
                let exact = OpKind::ALL.map(Op::new).into_iter().chain([scaled]);
                let fast = OpKind::ALL.map(|kind| Op::new(kind).precision(Precision::Fast));
                let ops = exact.chain(fast.into_iter().filter(|op| op.kind != OpKind::RowStats));
                found.extend(ops.map(|op| entry(&op, choice, cols)));
            }
        }
    }
    found
}

/// A row length that is typical for a kernel.
fn catalogue_cols(kernel: Kernel, width: u64) -> u64 {
    match kernel {
        Kernel::Thread | Kernel::Tile => 8 * width - u64::from(width == 1),
        Kernel::Subgroup => 256 * width,
        Kernel::Workgroup => 1024 * width,
        Kernel::Split => 1 << 20,
        _ => 40_000,
    }
}

fn entry(op: &Op, choice: Choice, cols: u64) -> Source {
    let variant = Variant::new(op, choice, cols);
    let teams = if choice.subgroups { " by subgroups" } else { "" };
    let scale = if variant.scaled { " scaled" } else { "" };
    let speed = if op.precision == Precision::Fast { " fast" } else { "" };
    Source {
        name: format!(
            "{} {}{teams} width {}{scale}{speed}",
            op.kind.name(),
            choice.kernel.name(),
            choice.width
        ),
        wgsl: wgsl(&variant),
        entry_points: variant.entry_points(),
        constants: variant.constants(),
        reproducible: op.precision == Precision::Reproducible,
        elements_per_invocation: choice.held * choice.width,
        width: choice.width,
    }
}
