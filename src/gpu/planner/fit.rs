//! Whether a kernel takes rows on a device, and with which numbers.

use super::by_side::{SIDE, is_by_side};
use super::unit::{Unit, unit_of};
use super::{Access, Capabilities, Choice, Kernel, Places, Rows};
use crate::gpu::profile::Numbers;
use crate::numerics::FLUSH;

/// Trips of a lane over its part of a split row: long enough to hide the start of a workgroup.
const PART_TRIPS: u32 = 32;
/// Additions that the digits of a split row's sum, of 16 bits in words of 32, take without a carry.
pub(in crate::gpu) const MAX_PARTS: u64 = 65537;
/// Those of them that are left, as far as parts may be longer, for short ones: where a row is more than a binding
/// holds, each of its pieces may end with one.
pub(super) const SHORT_PARTS: u64 = 4096;
/// Units that an invocation holds of its row, or elements in a tile.
const SHORT_UNITS: u64 = 32;
/// The same for any held row on a program on the CPU, whose registers are memory in its cache. Bins
/// would take 512, but each unit is code of its own, and compiling that much takes seconds a kernel.
const SOFTWARE_UNITS: u64 = 64;
/// Registers of 4 bytes that a lane holds of its row at most.
const HELD_WORDS: u64 = 64;
/// Trips of one of three loops: together they stay below 60000, since llvmpipe silently ends the
/// loops of an invocation at 65535 and long dispatches meet a GPU's watchdog.
const MAX_TRIPS: u64 = 19_000;

/// Units that a lane holds of a tensor's row at most: each takes all the code of the walk, the types and
/// the masks. Twice as many on a program on the CPU where units are four elements, each found by a step.
const TENSOR_UNITS: u64 = 16;
/// The same of units that are words of two halves, in a row of a lane's own on a program on the CPU: with more, a first
/// use takes longer than twice that of plain rows.
const WORD_UNITS: u64 = 24;
/// Elements that a lane holds where a few lanes share a row, as it does of the longest rows that a subgroup
/// holds (docs/performance.md: argued from static figures).
const HELD_ELEMENTS: u64 = 32;
/// What GPUs read of their memory at the least.
const SECTOR_BYTES: u64 = 32;
/// Lanes that the shaders put together step by step.
const MOST_LANES: u64 = 64;
/// Units up to which a lane holds no more than it has to.
const EXACT_UNITS: u64 = 8;
/// Trips of a lane over its part of a row whose elements lie apart: a part has nine atomic operations.
const COLUMN_TRIPS: u32 = 256;

/// A kernel's numbers for a row length, or why it cannot run.
pub(super) fn fit(
    kernel: Kernel,
    numbers: Numbers,
    rows: &Rows,
    caps: &Capabilities,
) -> Result<Choice, String> {
    if kernel.needs_subgroups() && caps.subgroups.is_none() {
        return Err("it needs a device with Features::SUBGROUP; request it, or use workgroup".into());
    }
    let unit = unit_of(kernel, rows, caps)?;
    let is_tensor = matches!(rows.access, Access::Tensor { .. });
    let workgroup = workgroup_size(kernel, numbers.group, rows.cols, caps);
    let (team, lanes) = match kernel {
        Kernel::Subgroup => lanes(numbers.held, &unit, workgroup, caps),
        _ => (team_size(kernel, workgroup, caps), 0),
    };
    let held = held(kernel, &unit, (workgroup, team), is_tensor, rows.cols, caps)?;
    let subgroups = kernel.is_workgroups()
        && caps.subgroups.is_some_and(|(least, _)| workgroup.div_ceil(least) <= 64 && workgroup >= least);
    Ok(Choice {
        kernel,
        width: unit.width as u32,
        places: unit.places,
        rows: if is_by_side(kernel, rows, caps) { SIDE } else { 1 },
        held: held as u32,
        lanes,
        workgroup,
        subgroups,
        rewrite: kernel.is_looped() && !is_tensor && numbers.rewrite.unwrap_or(caps.is_software()),
        trips: match kernel {
            Kernel::Split => numbers.trips.unwrap_or(PART_TRIPS),
            Kernel::SplitColumns => COLUMN_TRIPS,
            _ => 0,
        },
    })
}

/// Units that a lane holds of its row.
fn held(
    kernel: Kernel,
    unit: &Unit,
    (workgroup, team): (u32, u32),
    is_tensor: bool,
    cols: u64,
    caps: &Capabilities,
) -> Result<u64, String> {
    let Unit { width, units, .. } = *unit;
    let per_lane = units.div_ceil(u64::from(team));
    match kernel {
        Kernel::Thread | Kernel::Tile => {
            at_most("units", units, lane_units(kernel, unit, is_tensor, caps))?;
            Ok(units)
        }
        Kernel::Subgroup | Kernel::Workgroup => {
            // Up to 8 as many as it takes, since each costs as much as the row's own work.
            let rounded = per_lane.next_power_of_two().min(per_lane.next_multiple_of(4));
            let held = if per_lane <= EXACT_UNITS && !caps.is_software() { per_lane } else { rounded };
            let most_units = match caps.is_software() {
                true if is_tensor && width == 4 => 2 * TENSOR_UNITS,
                _ if is_tensor => TENSOR_UNITS,
                true => SOFTWARE_UNITS,
                false => HELD_WORDS / width,
            };
            at_most("units", held, most_units).map_err(|_| {
                let most = most_units * width * u64::from(team);
                format!(
                    "its registers hold rows of {most} columns, this one has {cols}; use {}",
                    looped(kernel)
                )
            })?;
            Ok(held)
        }
        Kernel::ThreadLoop | Kernel::SubgroupLoop | Kernel::WorkgroupLoop => {
            at_most("trips", per_lane, MAX_TRIPS)?;
            Ok(0)
        }
        Kernel::Split | Kernel::SplitColumns => {
            let lanes = if kernel == Kernel::Split { u64::from(workgroup) } else { 1 };
            at_most("units", units, MAX_PARTS * lanes * u64::from(FLUSH))?;
            Ok(0)
        }
    }
}

/// Units of a row of its own that a lane holds at most.
fn lane_units(kernel: Kernel, unit: &Unit, is_tensor: bool, caps: &Capabilities) -> u64 {
    match kernel {
        Kernel::Thread if caps.is_software() && !is_tensor => SOFTWARE_UNITS,
        Kernel::Thread if caps.is_software() && unit.places == Places::Separate => TENSOR_UNITS,
        Kernel::Thread if caps.is_software() && unit.width == 2 => WORD_UNITS,
        _ => SHORT_UNITS,
    }
}

fn at_most(what: &str, needed: u64, most: u64) -> Result<(), String> {
    if needed <= most {
        return Ok(());
    }
    Err(format!(
        "it takes at most {most} {what}, these rows need {needed}; force none, and the planner finds one"
    ))
}

fn looped(kernel: Kernel) -> &'static str {
    if kernel == Kernel::Subgroup { "subgroup-loop" } else { "workgroup-loop" }
}

/// Invocations per workgroup: what the profile says, or one subgroup where barriers are dear, else
/// enough to fill a GPU; never more than the device has, nor more than fit its workgroup memory.
fn workgroup_size(kernel: Kernel, wanted: Option<u32>, cols: u64, caps: &Capabilities) -> u32 {
    let usual = match kernel {
        Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile | Kernel::SplitColumns => 64,
        Kernel::Subgroup | Kernel::SubgroupLoop if caps.is_software() => caps.subgroups.map_or(8, |s| s.1),
        Kernel::Subgroup | Kernel::SubgroupLoop => 128,
        _ if caps.is_software() => 8,
        _ => 256,
    };
    let least = if kernel.needs_subgroups() { caps.subgroups.map_or(1, |s| s.1) } else { 1 };
    let memory_each = match kernel {
        Kernel::Tile => (cols.min(SHORT_UNITS) | 1) * 4,
        Kernel::Workgroup | Kernel::WorkgroupLoop | Kernel::Split => 16,
        _ => 0,
    };
    let room = u64::from(caps.workgroup_memory).checked_div(memory_each).unwrap_or(u64::MAX);
    let most = room.clamp(1, u64::from(caps.max_invocations)) as u32;
    // Trees over a workgroup halve it, down to one.
    wanted.unwrap_or(usual).max(least).min(1 << most.ilog2())
}

/// Lanes of a subgroup that share a row, and how many those are in the shader: 0 for all of it. What is the
/// row's own, its sum and its reciprocal, each of them computes anew, so on a GPU they are few, and each holds
/// as much as it can: but as many as read a whole sector of memory side by side.
fn lanes(most_held: Option<u32>, unit: &Unit, workgroup: u32, caps: &Capabilities) -> (u32, u32) {
    let (least, greatest) = caps.subgroups.unwrap_or((1, 1));
    let most = u64::from(least.min(workgroup)).min(MOST_LANES);
    let is_usual = caps.is_software() && most_held.is_none();
    if is_usual || !least.is_power_of_two() {
        return (least, 0);
    }
    let held = most_held.map_or((HELD_ELEMENTS / unit.width).min(TENSOR_UNITS), u64::from);
    let sector = (SECTOR_BYTES / unit.bytes).max(1);
    let team = unit.units.div_ceil(held).next_power_of_two().max(sector).min(most) as u32;
    (team, if team == greatest { 0 } else { team })
}

/// Lanes that work on one row, at least.
fn team_size(kernel: Kernel, workgroup: u32, caps: &Capabilities) -> u32 {
    match kernel {
        Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile | Kernel::SplitColumns => 1,
        Kernel::Subgroup | Kernel::SubgroupLoop => caps.subgroups.map_or(1, |s| s.0),
        Kernel::Workgroup | Kernel::WorkgroupLoop | Kernel::Split => workgroup,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::planner::{Apart, choose_for};
    use crate::gpu::profile::Profile;

    #[test]
    fn a_row_in_pieces_has_no_more_parts_than_its_sum_takes() {
        let caps = Capabilities::WEBGPU;
        let apart = |cols| Access::Tensor {
            width: 1,
            bytes: 4,
            units: cols,
            apart: Some(Apart::Alone),
            stepped: true,
            halves: false,
        };
        for cols in [1 << 20, 1 << 23, (1 << 24) + 77, 31_000_000] {
            for (kernel, access) in
                [(Kernel::Split, Access::Plain { aligned: false }), (Kernel::SplitColumns, apart(cols))]
            {
                let choice =
                    choose_for(&Rows { cols, access }, Some(kernel), &caps, Profile::of_device(&caps))
                        .unwrap();
                let part = choice.part_units(choice.units(cols));
                for pieces in [1, 2, 7, 1024, SHORT_PARTS] {
                    let units = choice.units(cols).div_ceil(pieces);
                    assert!(pieces * units.div_ceil(part) <= MAX_PARTS, "{kernel:?} {cols} in {pieces}");
                }
            }
        }
    }
}
