//! Every module that a driver may be given, for checks that need no device.

use super::{Rounding, Variant, in_browser, spirv, wgsl};
use crate::gpu::options::DTypes;
use crate::gpu::planner::{Capabilities, Kernel, Places, choose, choose_for};
use crate::gpu::profile::Profile;
use crate::gpu::tensor::Tensor;
use crate::gpu::terms::Terms;
use crate::{DType, Op, OpKind, Precision, Shape};

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
    /// What keeps its roundings. Of what is decorated, the SPIR-V made of this text goes through
    /// [`super::no_contraction`]; [`Source::spirv`] does both.
    pub rounding: Rounding,
    variant: Variant,
    /// Elements that an invocation holds in registers; 0 for kernels that walk over the row.
    pub elements_per_invocation: u32,
    /// Elements of a unit, on which an invocation works at once.
    pub width: u32,
    /// Whether those are one access.
    pub in_one_access: bool,
    /// Bytes of an element of the input.
    pub element_bytes: u32,
    /// Whether it uses subgroup operations.
    pub subgroups: bool,
}

impl Source {
    /// The decorated SPIR-V of each entry point, as a device with this newest version is given it.
    ///
    /// # Errors
    /// What naga says, and where this is built without Vulkan.
    pub fn spirv(&self, version: (u8, u8)) -> Result<Vec<Vec<u32>>, String> {
        spirv(&self.variant, version)
    }

    /// The text as browsers take it, and naga does not.
    pub fn in_browser(&self) -> String {
        in_browser(&self.wgsl, self.subgroups)
    }
}

/// A module for every operation, precision, kernel and width, for checks that need no device.
pub fn catalogue() -> Vec<Source> {
    let variants = variants();
    let decorated = variants.iter().filter(|(variant, _)| variant.precision == Precision::Reproducible);
    let sealed = variants.iter().map(|(variant, of)| entry(variant, of, Rounding::Sealed));
    sealed.chain(decorated.map(|(variant, of)| entry(variant, of, Rounding::Decorated))).collect()
}

/// A variant, and what its name says of its tensor.
type Named = (Variant, String);

fn variants() -> Vec<Named> {
    let plain = Capabilities { max_invocations: 256, ..Capabilities::WEBGPU };
    let subgroups = Capabilities { subgroups: Some((32, 32)), ..plain };
    let software = Capabilities { device: wgpu::DeviceType::Cpu, ..subgroups };
    let mut found = Vec::new();
    for caps in [subgroups, plain] {
        for kernel in Kernel::ALL {
            if caps.subgroups.is_none() && !matches!(kernel, Kernel::Workgroup | Kernel::WorkgroupLoop) {
                continue;
            }
            let caps = if kernel == Kernel::Thread { software } else { caps };
            for &(aligned, cols) in lengths(kernel) {
                let Ok(choice) = choose(cols, aligned, Some(kernel), &caps, Profile::of_device(&caps)) else {
                    continue;
                };
                let scaled = Op::new(OpKind::Softmax).scale(2.0);
                let exact = OpKind::ALL.map(Op::new).into_iter().chain([scaled]);
                let fast = OpKind::ALL.map(|kind| Op::new(kind).precision(Precision::Fast));
                let ops = exact.chain(fast.into_iter().filter(|op| op.kind != OpKind::RowStats));
                found.extend(ops.map(|op| (Variant::new(&op, choice, cols), String::new())));
            }
            if caps.subgroups.is_some() {
                found.extend(tensors(kernel, tensor_cols(kernel), &caps));
            }
        }
    }
    // Rows that whole subgroups hold: as tensors, and where subgroups are of several sizes.
    found.extend(tensors(Kernel::Subgroup, 1022, &subgroups));
    let several = Capabilities { subgroups: Some((32, 64)), ..subgroups };
    let softmax = Op::new(OpKind::Softmax);
    let choice = choose(1024, true, Some(Kernel::Subgroup), &several, Profile::of_device(&several));
    found.extend(choice.into_iter().map(|choice| (Variant::new(&softmax, choice, 1024), String::new())));
    for kernel in [Kernel::Thread, Kernel::ThreadLoop, Kernel::SplitColumns] {
        found.extend(side_by_side(kernel, &software));
    }
    for kernel in Kernel::ALL {
        found.extend(separate(kernel, &software));
    }
    found
}

/// A kernel whose lanes work on several rows side by side, as programs on the CPU have them.
fn side_by_side(kernel: Kernel, caps: &Capabilities) -> Vec<Named> {
    let cols = if kernel == Kernel::Thread { 8 } else { 30_000 };
    let all = Terms::new().bias(DType::F16, &[cols, 1]).mask_bytes(&[cols, 24]).lengths(&[2, 24]);
    let all = all.sinks(&[24]).row_scale(&[2, 24]);
    let (softmax, f16) = (Op::new(OpKind::Softmax), DTypes::new(DType::F16, DType::F16));
    let list = [
        ("", softmax, DTypes::F32, Terms::new()),
        ("", softmax.precision(Precision::Fast), DTypes::F32, Terms::new()),
        (" of f16", Op::new(OpKind::LogSoftmax), f16, Terms::new()),
        (" of f16", Op::new(OpKind::LogSumExp), f16, Terms::new()),
        (" with all beside them", softmax, DTypes::F32, all),
    ];
    let entries = list.into_iter().filter_map(|(name, op, types, terms)| {
        let shape = Shape::along(&[2, cols, 24], &[1]).ok()?;
        tensor(&op, kernel, caps, (shape, types, &terms), false, &format!(" of rows side by side{name}"))
    });
    entries.collect()
}

/// A kernel whose lanes take four columns at a time wherever they lie, as programs on the CPU have them.
fn separate(kernel: Kernel, caps: &Capabilities) -> Vec<Named> {
    let cols = match kernel {
        Kernel::Thread => 34,
        Kernel::Subgroup => 254,
        Kernel::Workgroup => 1022,
        _ => 30_002,
    };
    let all =
        Terms::new().bias(DType::F32, &[5, cols]).mask_bits(&[2, 1, 1, cols]).causal().lengths(&[2, 1, 1]);
    let all = all.sinks(&[3, 1]).row_scale(&[5]).alibi(3);
    let (softmax, f32, f16) = (Op::new(OpKind::Softmax), DTypes::F32, DTypes::new(DType::F16, DType::F16));
    let (many, along) = ([2, 3, 5, cols], [3, cols, 7]);
    #[allow(clippy::type_complexity, reason = "a table")]
    let list: [(&str, Op, &[usize], isize, DTypes, Terms, bool); 4] = [
        (" of f32 with all beside it", softmax, &many, -1, f32, all, false),
        (" of f32 with a mask in place", softmax, &many, -1, f32, Terms::new().mask_bytes(&[cols]), true),
        (" of f32 along an axis", softmax.precision(Precision::Fast), &along, 1, f32, Terms::new(), false),
        (" of f16 along an axis", Op::new(OpKind::LogSoftmax), &along, 1, f16, Terms::new(), false),
    ];
    let entries = list.into_iter().filter_map(|(name, op, dims, axis, types, terms, in_place)| {
        let shape = Shape::along(dims, &[axis]).ok()?;
        tensor(&op, kernel, caps, (shape, types, &terms), in_place, name)
    });
    entries.filter(|(variant, _)| variant.choice.places == Places::Separate).collect()
}

/// A kernel on a kind of tensor; `None` where it does not take it.
fn tensor(
    op: &Op,
    kernel: Kernel,
    caps: &Capabilities,
    (shape, types, terms): (Shape, DTypes, &Terms),
    in_place: bool,
    name: &str,
) -> Option<Named> {
    let tensor = Tensor::new(op, shape, types, terms).ok()?;
    let choice = choose_for(&tensor.rows(), Some(kernel), caps, Profile::of_device(caps)).ok()?;
    Some((tensor.variant(op, choice, &tensor.slots_apart(), in_place), name.to_owned()))
}

/// A kernel on a few kinds of tensors: each type, in units of four and in words and not, each kind of mask,
/// in place, and along an axis that is not the last one.
fn tensors(kernel: Kernel, cols: usize, caps: &Capabilities) -> Vec<Named> {
    let fours = cols / 4 * 4;
    let all = |bias, cols| {
        let terms =
            Terms::new().bias(bias, &[5, cols]).mask_bits(&[2, 1, 1, cols]).causal().lengths(&[2, 1, 1]);
        terms.sinks(&[3, 1]).row_scale(&[5]).alibi(3)
    };
    let (f16, bf16) = (DTypes::new(DType::F16, DType::F16), DTypes::new(DType::BF16, DType::BF16));
    let mixed = DTypes::new(DType::F16, DType::F32);
    let bytes = |cols| Terms::new().mask_bytes(&[cols]);
    let (softmax, log_sum_exp) = (Op::new(OpKind::Softmax), Op::new(OpKind::LogSumExp));
    let (log_softmax, fast) = (Op::new(OpKind::LogSoftmax), softmax.precision(Precision::Fast));
    let none = Terms::new;
    let bias = || Terms::new().bias(DType::F16, &[30, 1]);
    let (few, many, few_in_fours, many_in_fours) =
        ([30, cols], [2, 3, 5, cols], [30, fours], [2, 3, 5, fours]);
    #[allow(clippy::type_complexity, reason = "a table")]
    let list: [(&str, Op, &[usize], isize, DTypes, Terms, bool); 11] = [
        (" of f16", softmax, &few, -1, f16, none(), false),
        (" of f16 with a bias", fast, &few, -1, f16, bias(), false),
        (" of f16 in place", log_softmax, &few, -1, f16, bytes(cols), true),
        (" of f16 to f32", log_sum_exp, &few, -1, mixed, none(), false),
        (" of f32 with all beside it", softmax, &many, -1, DTypes::F32, all(DType::F32, cols), false),
        (" of bf16 with all beside it", softmax, &many, -1, bf16, all(DType::BF16, cols), true),
        (" of f16 in fours", softmax, &few_in_fours, -1, f16, none(), false),
        (" of bf16 in fours in place", softmax, &few_in_fours, -1, bf16, bytes(fours), true),
        (
            " of f32 in fours with all",
            softmax,
            &many_in_fours,
            -1,
            DTypes::F32,
            all(DType::F16, fours),
            false,
        ),
        (" of f32 along the first axis", softmax, &[cols, 30], 0, DTypes::F32, none(), false),
        (" of bf16 along an axis", log_sum_exp, &[3, cols, 30], 1, bf16, none(), false),
    ];
    let entries = list.into_iter().filter_map(|(name, op, dims, axis, types, terms, in_place)| {
        let shape = Shape::along(dims, &[axis]).ok()?;
        tensor(&op, kernel, caps, (shape, types, &terms), in_place, name)
    });
    entries.collect()
}

/// A length of tensors' rows that is typical for a kernel: no multiple of four.
fn tensor_cols(kernel: Kernel) -> usize {
    match kernel {
        Kernel::Thread => 9,
        Kernel::Subgroup => 254,
        Kernel::Workgroup => 2046,
        Kernel::ThreadLoop => 12_002,
        _ => 30_002,
    }
}

/// Row lengths that are typical for a kernel, and whether those rows are aligned: whole units, quarters, and rows
/// that are read element by element.
fn lengths(kernel: Kernel) -> &'static [(bool, u64)] {
    match kernel {
        Kernel::Thread => &[(true, 32), (false, 63), (false, 7)],
        Kernel::Tile => &[(true, 32), (false, 7)],
        // The last three are rows that a few lanes share.
        Kernel::Subgroup => &[(true, 1024), (false, 1023), (true, 128), (false, 255), (false, 127)],
        Kernel::Workgroup => &[(true, 4096), (false, 4095), (false, 127)],
        Kernel::Split => &[(true, 1 << 20), (false, (1 << 20) - 1), (false, 127)],
        _ => &[(true, 40_000), (false, 39_999), (false, 127)],
    }
}

fn entry(variant: &Variant, of: &str, rounding: Rounding) -> Source {
    let choice = variant.choice;
    let teams = match choice.lanes {
        0 if choice.subgroups => " by subgroups".to_owned(),
        0 => String::new(),
        lanes => format!(" by {lanes} lanes"),
    };
    let scale = if variant.scaled { " scaled" } else { "" };
    let places = match choice.places {
        Places::Together => "",
        Places::Quarters => " in quarters",
        Places::Separate => " separate",
    };
    let speed = if variant.precision == Precision::Fast { " fast" } else { "" };
    let kept = if rounding == Rounding::Decorated { " decorated" } else { "" };
    Source {
        name: format!(
            "{} {}{teams} width {}{places}{scale}{speed}{of}{kept}",
            variant.kind.name(),
            choice.kernel.name(),
            choice.width
        ),
        wgsl: wgsl(variant, rounding),
        entry_points: variant.entry_points(),
        constants: variant.constants(),
        reproducible: variant.precision == Precision::Reproducible,
        rounding,
        variant: *variant,
        elements_per_invocation: choice.held * choice.width,
        width: choice.width,
        in_one_access: choice.places == Places::Together,
        element_bytes: variant.tensor.map_or(DType::F32, |tensor| tensor.types.input).bytes() as u32,
        subgroups: choice.uses_subgroups(),
    }
}
