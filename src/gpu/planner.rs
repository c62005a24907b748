//! Which kernel runs a row of which length on which device: a pure function over a profile.
//!
//! The number of rows is never asked for, so neither the kernel nor anything that follows from it
//! depends on the batch. Kernels differ in speed only, never in bits.

use super::profile::{Numbers, Profile};
use crate::Error;
use crate::numerics::FLUSH;

/// The rungs of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// An invocation per row, the row in registers.
    Thread,
    /// An invocation per row, which walks over it three times.
    ThreadLoop,
    /// An invocation per short row; the workgroup loads and stores through a padded tile.
    Tile,
    /// A subgroup per row, the row in registers.
    Subgroup,
    /// A subgroup per row, which walks over it three times.
    SubgroupLoop,
    /// A workgroup per row, the row in registers.
    Workgroup,
    /// A workgroup per row, which walks over it three times.
    WorkgroupLoop,
    /// A row over several workgroups, in four dispatches.
    Split,
}

impl Kernel {
    /// Every kernel.
    pub const ALL: [Kernel; 8] = [
        Kernel::Thread,
        Kernel::ThreadLoop,
        Kernel::Tile,
        Kernel::Subgroup,
        Kernel::SubgroupLoop,
        Kernel::Workgroup,
        Kernel::WorkgroupLoop,
        Kernel::Split,
    ];

    /// The name that reports and labels use.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Thread => "thread",
            Kernel::ThreadLoop => "thread-loop",
            Kernel::Tile => "tile",
            Kernel::Subgroup => "subgroup",
            Kernel::SubgroupLoop => "subgroup-loop",
            Kernel::Workgroup => "workgroup",
            Kernel::WorkgroupLoop => "workgroup-loop",
            Kernel::Split => "split",
        }
    }

    /// Whether a team walks over its row.
    pub(crate) fn is_looped(self) -> bool {
        matches!(self, Kernel::ThreadLoop | Kernel::SubgroupLoop | Kernel::WorkgroupLoop)
    }

    fn needs_subgroups(self) -> bool {
        matches!(self, Kernel::Subgroup | Kernel::SubgroupLoop)
    }
}

/// What the planner knows of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The vendor's number.
    pub vendor: u32,
    /// The kind of device. On programs on the CPU barriers are dear and registers free.
    pub device: wgpu::DeviceType,
    /// The least and the greatest subgroup size, where subgroup operations are enabled.
    pub subgroups: Option<(u32, u32)>,
    /// Invocations a workgroup may have.
    pub max_invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
}

impl Capabilities {
    /// WebGPU's default limits, without subgroups.
    pub const WEBGPU: Self = Self {
        vendor: 0,
        device: wgpu::DeviceType::Other,
        subgroups: None,
        max_invocations: 256,
        workgroup_memory: 16384,
    };

    /// What a device was granted.
    pub fn of(device: &wgpu::Device) -> Self {
        let (info, limits) = (device.adapter_info(), device.limits());
        let subgroups = device.features().contains(wgpu::Features::SUBGROUP);
        Self {
            vendor: info.vendor,
            device: info.device_type,
            subgroups: subgroups.then_some((info.subgroup_min_size, info.subgroup_max_size)),
            max_invocations: limits
                .max_compute_invocations_per_workgroup
                .min(limits.max_compute_workgroup_size_x),
            workgroup_memory: limits.max_compute_workgroup_storage_size,
        }
    }

    fn is_software(&self) -> bool {
        self.device == wgpu::DeviceType::Cpu
    }
}

/// A kernel with the numbers it is specialised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Choice {
    /// Which kernel.
    pub kernel: Kernel,
    /// Elements per access: 4 where every row starts on 16 bytes, else 1.
    pub width: u32,
    /// Units of `width` elements that a lane holds in registers; 0 where it holds none.
    pub held: u32,
    /// Invocations per workgroup.
    pub workgroup: u32,
    /// Whether a workgroup reduces by subgroups.
    pub subgroups: bool,
    /// Whether a looped kernel keeps exponentials in the results between its walks.
    pub rewrite: bool,
    /// Trips of an invocation over its part of a split row; 0 for other kernels.
    pub trips: u32,
}

impl Choice {
    /// Units per part of a split row, so that one round of bins takes a lane's share.
    pub(crate) fn part_units(&self, units: u64) -> u64 {
        let group = u64::from(self.workgroup);
        let usual = group * u64::from(self.trips);
        let least = units.div_ceil(MAX_PARTS).next_multiple_of(group);
        usual.max(least).min(group * u64::from(FLUSH))
    }

    /// The most rows a workgroup works on at a time, given the largest subgroups.
    pub(crate) fn rows_per_group(&self, caps: &Capabilities) -> u64 {
        match self.kernel {
            Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile => u64::from(self.workgroup),
            Kernel::Subgroup | Kernel::SubgroupLoop => {
                u64::from(self.workgroup / caps.subgroups.map_or(self.workgroup, |s| s.1)).max(1)
            }
            Kernel::Workgroup | Kernel::WorkgroupLoop | Kernel::Split => 1,
        }
    }
}

/// Trips of a lane over its part of a split row: long enough to hide the start of a workgroup.
const PART_TRIPS: u32 = 32;
/// Additions that the digits of a split row's sum take without a carry.
const MAX_PARTS: u64 = 65536;
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

/// The kernel for rows of `cols` elements; `aligned` where every row starts on 16 bytes. A forced
/// kernel is taken or refused, never replaced. Rows that the profile has no kernel for go by the
/// shipped one. `cols` is above 0.
///
/// # Errors
/// [`Error::Kernel`] where a forced kernel cannot run.
pub fn choose(
    cols: u64,
    aligned: bool,
    forced: Option<Kernel>,
    caps: &Capabilities,
    profile: &Profile,
) -> Result<Choice, Error> {
    let rungs = || profile.rungs_for(cols, aligned).chain(Profile::of_device(caps).rungs_for(cols, aligned));
    if let Some(kernel) = forced {
        let rung = rungs().find(|rung| rung.kernel == kernel);
        let numbers = rung.map_or(Numbers::default(), |rung| rung.numbers);
        return fit(kernel, numbers, cols, aligned, caps)
            .map_err(|why| Error::Kernel { kernel: kernel.name(), why });
    }
    let fitting = rungs().find_map(|rung| fit(rung.kernel, rung.numbers, cols, aligned, caps).ok());
    fitting.ok_or(Error::Kernel {
        kernel: Kernel::Split.name(),
        why: format!("no kernel takes rows of {cols} columns on this device; use the CPU"),
    })
}

/// A kernel's numbers for a row length, or why it cannot run.
fn fit(
    kernel: Kernel,
    numbers: Numbers,
    cols: u64,
    aligned: bool,
    caps: &Capabilities,
) -> Result<Choice, String> {
    if kernel.needs_subgroups() && caps.subgroups.is_none() {
        return Err("it needs a device with Features::SUBGROUP; request it, or use workgroup".into());
    }
    let width = if aligned && kernel != Kernel::Tile { 4 } else { 1 };
    let units = cols / width;
    let workgroup = workgroup_size(kernel, numbers.group, cols, caps);
    let team = team_size(kernel, workgroup, caps);
    let per_lane = units.div_ceil(u64::from(team));
    let held = match kernel {
        Kernel::Thread | Kernel::Tile => {
            let in_memory = kernel == Kernel::Thread && caps.is_software();
            at_most("units", units, if in_memory { SOFTWARE_UNITS } else { SHORT_UNITS })?;
            units
        }
        Kernel::Subgroup | Kernel::Workgroup => {
            let held = per_lane.next_power_of_two().min(per_lane.next_multiple_of(4));
            let most_units = if caps.is_software() { SOFTWARE_UNITS } else { HELD_WORDS / width };
            at_most("units", held, most_units).map_err(|_| {
                let most = most_units * width * u64::from(team);
                format!(
                    "its registers hold rows of {most} columns, this one has {cols}; use {}",
                    looped(kernel)
                )
            })?;
            held
        }
        Kernel::ThreadLoop | Kernel::SubgroupLoop | Kernel::WorkgroupLoop => {
            at_most("trips", per_lane, MAX_TRIPS)?;
            0
        }
        Kernel::Split => {
            let most = MAX_PARTS * u64::from(workgroup) * u64::from(FLUSH);
            at_most("units", units, most)?;
            0
        }
    };
    let subgroups = matches!(kernel, Kernel::Workgroup | Kernel::WorkgroupLoop)
        && caps.subgroups.is_some_and(|(least, _)| workgroup.div_ceil(least) <= 64 && workgroup >= least);
    Ok(Choice {
        kernel,
        width: width as u32,
        held: held as u32,
        workgroup,
        subgroups,
        rewrite: kernel.is_looped() && numbers.rewrite.unwrap_or(caps.is_software()),
        trips: if kernel == Kernel::Split { numbers.trips.unwrap_or(PART_TRIPS) } else { 0 },
    })
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
        Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile => 64,
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

/// Lanes that work on one row, at least.
fn team_size(kernel: Kernel, workgroup: u32, caps: &Capabilities) -> u32 {
    match kernel {
        Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile => 1,
        Kernel::Subgroup | Kernel::SubgroupLoop => caps.subgroups.map_or(1, |s| s.0),
        Kernel::Workgroup | Kernel::WorkgroupLoop | Kernel::Split => workgroup,
    }
}
