//! Which kernel runs a row of which length on which device: a pure function over a profile.
//!
//! The number of rows is never asked for, so neither the kernel nor anything that follows from it
//! depends on the batch. Kernels differ in speed only, never in bits.

mod by_side;
mod fit;
mod unit;

use super::profile::{Numbers, Profile};
use crate::Error;
use crate::numerics::FLUSH;
pub(super) use by_side::SIDE;
pub(super) use fit::MAX_PARTS;
use fit::{SHORT_PARTS, fit};
pub(super) use unit::QUARTERED_COLS;

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
    /// The same for rows whose elements lie apart: an invocation per part of a row, so that those side
    /// by side read rows side by side.
    SplitColumns,
}

impl Kernel {
    /// Every kernel.
    pub const ALL: [Kernel; 9] = [
        Kernel::Thread,
        Kernel::ThreadLoop,
        Kernel::Tile,
        Kernel::Subgroup,
        Kernel::SubgroupLoop,
        Kernel::Workgroup,
        Kernel::WorkgroupLoop,
        Kernel::Split,
        Kernel::SplitColumns,
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
            Kernel::SplitColumns => "split-columns",
        }
    }

    /// Whether a team walks over its row.
    pub(crate) fn is_looped(self) -> bool {
        matches!(self, Kernel::ThreadLoop | Kernel::SubgroupLoop | Kernel::WorkgroupLoop)
    }

    /// Whether a row is shared by workgroups, through a scratch.
    pub(crate) fn is_split(self) -> bool {
        matches!(self, Kernel::Split | Kernel::SplitColumns)
    }

    /// Whether it uses subgroup operations where a device has them.
    pub fn has_subgroups(self) -> bool {
        self.needs_subgroups() || self.is_workgroups()
    }

    fn is_workgroups(self) -> bool {
        matches!(self, Kernel::Workgroup | Kernel::WorkgroupLoop)
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

/// Where the elements of a unit lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Places {
    /// One after the other, from a whole unit of the buffer on; or there is one.
    Together,
    /// One in each quarter of a row of f32.
    Quarters,
    /// Four that follow one another in a row, wherever that begins and whatever lies between them.
    Separate,
}

/// A kernel with the numbers it is specialised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Choice {
    /// Which kernel.
    pub kernel: Kernel,
    /// Elements of a unit, on which a lane works at once.
    pub width: u32,
    /// Where those lie.
    pub places: Places,
    /// Rows that those are of, and that a lane works on: 4 where rows lie side by side, else 1.
    pub rows: u32,
    /// Units of `width` elements that a lane holds in registers; 0 where it holds none.
    pub held: u32,
    /// Lanes of a subgroup that share a row, where those are not all of it; else 0.
    pub lanes: u32,
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
    /// Whether the kernel's module has subgroup operations.
    pub(crate) fn uses_subgroups(&self) -> bool {
        self.subgroups || self.kernel.needs_subgroups()
    }

    /// Units of a row of so many columns, where it is cut into units wherever it begins.
    pub(crate) fn units(&self, cols: u64) -> u64 {
        cols.div_ceil(u64::from(self.width))
    }

    /// Units per part of a split row of so many in all, so that one round of bins takes a lane's share, and a digit
    /// of the sum an addition of each part.
    pub(crate) fn part_units(&self, units: u64) -> u64 {
        let group = if self.kernel == Kernel::SplitColumns { 1 } else { u64::from(self.workgroup) };
        let usual = group * u64::from(self.trips);
        let least = units.div_ceil(MAX_PARTS - SHORT_PARTS).next_multiple_of(group);
        usual.max(least).min(group * u64::from(FLUSH))
    }

    /// The most rows, or rows of a unit, a workgroup works on at a time, given the largest subgroups.
    pub(crate) fn rows_per_group(&self, caps: &Capabilities) -> u64 {
        match self.kernel {
            Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile | Kernel::SplitColumns => {
                u64::from(self.workgroup)
            }
            Kernel::Subgroup if self.lanes > 0 => u64::from(self.workgroup / self.lanes),
            Kernel::Subgroup | Kernel::SubgroupLoop => {
                u64::from(self.workgroup / caps.subgroups.map_or(self.workgroup, |s| s.1)).max(1)
            }
            Kernel::Workgroup | Kernel::WorkgroupLoop | Kernel::Split => 1,
        }
    }
}

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
    choose_for(&Rows { cols, access: Access::Plain { aligned } }, forced, caps, profile)
}

/// Rows as a kernel meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub cols: u64,
    pub access: Access,
}

/// How the elements of a row are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// f32, one after the other; `aligned` where every row starts on 16 bytes.
    Plain { aligned: bool },
    /// By the walk over a tensor, in so many units of `width` elements of `bytes` each; `apart` where lanes
    /// side by side read one row after the other rather than elements of one row; `stepped` where all columns
    /// are one step from the next; `halves` where elements or results are of 16 bits.
    Tensor { width: u32, bytes: u32, units: u64, apart: Option<Apart>, stepped: bool, halves: bool },
}

/// How rows whose elements lie apart lie beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    /// Not in whole units of [`SIDE`] rows.
    Alone,
    /// In whole units, of f32.
    Words,
    /// In whole units, of halves: single ones share a word with another row's.
    Halves,
}

/// [`choose`] for any rows.
///
/// # Errors
/// [`Error::Kernel`] where a forced kernel cannot run.
pub(crate) fn choose_for(
    rows: &Rows,
    forced: Option<Kernel>,
    caps: &Capabilities,
    profile: &Profile,
) -> Result<Choice, Error> {
    let cols = rows.cols;
    let (aligned, apart) = match rows.access {
        Access::Plain { aligned } => (aligned, None),
        Access::Tensor { width, apart, .. } => (width == 4, apart),
    };
    let shipped = Profile::of_device(caps);
    let rungs = || profile.rungs_for(cols, aligned).chain(shipped.rungs_for(cols, aligned)).copied();
    if let Some(kernel) = forced {
        let rung = rungs().find(|rung| rung.kernel == kernel);
        let numbers = rung.map_or(Numbers::default(), |rung| rung.numbers);
        return fit(kernel, numbers, rows, caps).map_err(|why| Error::Kernel { kernel: kernel.name(), why });
    }
    let ladder = apart.map(|apart| by_side::ladder(apart, caps));
    let ladder = ladder.into_iter().flatten().filter(|rung| cols <= rung.cols);
    let fitting = ladder.chain(rungs()).find_map(|rung| fit(rung.kernel, rung.numbers, rows, caps).ok());
    fitting.ok_or(Error::Kernel {
        kernel: Kernel::Split.name(),
        why: format!("no kernel takes rows of {cols} columns on this device; use the CPU"),
    })
}
