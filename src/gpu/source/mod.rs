//! The only place where WGSL text is joined: a prelude of constants generated from
//! [`crate::numerics`], then the files of a kernel.

mod catalogue;
mod decorated;
mod prelude;
mod rounding;
// Where wgpu has its Vulkan backend, it has a naga that writes SPIR-V.
#[cfg_attr(
    not(all(
        feature = "vulkan",
        any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")
    )),
    path = "no_spirv.rs"
)]
mod spirv;
mod variant;

use super::planner::{Choice, Kernel, Places};
use crate::{OpKind, Precision};

pub use catalogue::{Source, catalogue};
pub use decorated::no_contraction;
use prelude::prelude;
pub use rounding::Rounding;
pub(crate) use spirv::{newest_version, spirv};
pub(crate) use variant::{Slots, TensorVariant, Variant};

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!("../../../shaders/", $name, ".wgsl"))
    };
}

/// The text of a variant's module, for a device that keeps roundings by those means.
pub(crate) fn wgsl(variant: &Variant, rounding: Rounding) -> String {
    let mut text = prelude(variant.choice.held);
    for file in files(variant, rounding) {
        text.push('\n');
        text.push_str(file);
    }
    text
}

/// A module's text for a browser, which wants subgroups to be announced; naga 30 takes that line for an error.
pub(crate) fn in_browser(text: &str, subgroups: bool) -> String {
    if subgroups { format!("enable subgroups;\n{text}") } else { text.to_owned() }
}

fn files(variant: &Variant, rounding: Rounding) -> Vec<&'static str> {
    let choice = &variant.choice;
    let mut files = unit(choice);
    files.extend([shader!("params"), kept(rounding), shader!("special"), team(choice)]);
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
    match &variant.tensor {
        Some(tensor) => files.extend(tensor_access(variant, tensor)),
        None => files.extend([
            shader!("seal"),
            shader!("plain_rows"),
            if choice.places == Places::Quarters { shader!("load_quarters") } else { shader!("load_plain") },
            if variant.in_place { shader!("input_cells_in_place") } else { shader!("input_cells") },
            match variant.kind.is_elementwise() {
                true if choice.places == Places::Quarters => shader!("store_quarters"),
                true => shader!("store_plain"),
                false => shader!("store_rows"),
            },
        ]),
    }
    if choice.kernel.is_split() {
        files.push(if fast { shader!("scratch_fast") } else { shader!("scratch") });
    }
    files.extend(kernel(choice));
    files
}

/// What keeps the rounding of each operation.
fn kept(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Sealed => shader!("sealed"),
        Rounding::Decorated => shader!("decorated"),
    }
}

/// The elements of a unit, and what rows have of one.
fn unit(choice: &Choice) -> Vec<&'static str> {
    match choice.width {
        _ if choice.rows > 1 => vec![shader!("four_rows"), shader!("unfolded")],
        4 => vec![shader!("width_4"), shader!("one_row")],
        2 => vec![shader!("width_2"), shader!("one_row")],
        _ => vec![shader!("width_1"), shader!("one_row"), shader!("unfolded")],
    }
}

/// The same of a tensor.
fn tensor_unit(choice: &Choice) -> Vec<&'static str> {
    match choice.width {
        _ if choice.rows > 1 => vec![shader!("quads"), shader!("tensor_four_rows")],
        _ if choice.places == Places::Separate => {
            vec![shader!("tensor_separate"), shader!("tensor_one_row")]
        }
        4 => vec![shader!("quads"), shader!("tensor_4"), shader!("tensor_one_row")],
        2 => vec![shader!("tensor_2"), shader!("tensor_one_row")],
        _ => vec![shader!("tensor_1"), shader!("tensor_one_row")],
    }
}

/// How a tensor's elements are read and written.
fn tensor_access(variant: &Variant, tensor: &TensorVariant) -> Vec<&'static str> {
    let mut files = vec![shader!("table"), shader!("half"), shader!("masking"), shader!("load_tensor")];
    files.extend(tensor_unit(&variant.choice));
    files.extend([
        input(variant, tensor),
        results(variant, tensor),
        match tensor.slots.buffers {
            0 => shader!("beside_0"),
            1 => shader!("beside_1"),
            2 => shader!("beside_2"),
            3 => shader!("beside_3"),
            4 => shader!("beside_4"),
            5 => shader!("beside_5"),
            _ => shader!("beside_6"),
        },
    ]);
    files
}

fn input(variant: &Variant, tensor: &TensorVariant) -> &'static str {
    match (variant.in_place, in_quads(variant), tensor.types.input.bytes()) {
        (true, true, _) => shader!("input_quads_in_place"),
        (true, ..) => shader!("input_in_place"),
        (false, true, 4) => shader!("input_quads"),
        (false, true, _) => shader!("input_quads_of_halves"),
        (false, ..) => shader!("input_words"),
    }
}

/// Whether four elements of a tensor are read and written at once.
fn in_quads(variant: &Variant) -> bool {
    variant.choice.width == 4 && variant.choice.places == Places::Together
}

fn results(variant: &Variant, tensor: &TensorVariant) -> &'static str {
    match (in_quads(variant) && variant.kind.is_elementwise(), tensor.types.output.bytes()) {
        (true, 4) => shader!("store_quads"),
        (true, _) => shader!("store_quads_of_halves"),
        (false, _) if tensor.whole_words => shader!("store_words"),
        (false, _) => shader!("store_halves"),
    }
}

fn team(choice: &Choice) -> &'static str {
    match choice.kernel {
        Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile | Kernel::SplitColumns => shader!("team_thread"),
        Kernel::Subgroup if choice.lanes > 0 => shader!("team_lanes"),
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
        Kernel::Subgroup if choice.lanes > 0 => vec![shader!("held"), shader!("rows_lanes")],
        Kernel::Subgroup => vec![shader!("held"), shader!("rows_subgroup")],
        Kernel::SubgroupLoop => vec![shader!("looped"), shader!("rows_subgroup")],
        Kernel::Workgroup => vec![shader!("held"), workgroup],
        Kernel::WorkgroupLoop => vec![shader!("looped"), workgroup],
        Kernel::Split => vec![shader!("part_workgroup"), shader!("split")],
        Kernel::SplitColumns => vec![shader!("part_lane"), shader!("split")],
    }
}
