//! The planner's table: data, measured per kind of device (docs/performance.md).

use super::planner::{Capabilities, Kernel};

/// A line of the table: the kernel for rows of up to `cols` columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The most columns.
    pub cols: u64,
    /// The kernel.
    pub kernel: Kernel,
}

const fn rung(cols: u64, kernel: Kernel) -> Rung {
    Rung { cols, kernel }
}

/// Adapters that are programs on the CPU, with subgroups; measured (docs/performance.md).
const SOFTWARE: &[Rung] = &[
    rung(32, Kernel::Thread),
    rung(1024, Kernel::ThreadLoop),
    rung(131_072, Kernel::SubgroupLoop),
    rung(u64::MAX, Kernel::Split),
];
/// The same without subgroups.
const SOFTWARE_PLAIN: &[Rung] =
    &[rung(32, Kernel::Thread), rung(16_384, Kernel::ThreadLoop), rung(u64::MAX, Kernel::Split)];
/// GPUs with subgroups.
const HARDWARE: &[Rung] = &[
    rung(32, Kernel::Tile),
    rung(1024, Kernel::Subgroup),
    rung(16_384, Kernel::Workgroup),
    rung(131_072, Kernel::WorkgroupLoop),
    rung(u64::MAX, Kernel::Split),
];
/// The same without subgroups.
const HARDWARE_PLAIN: &[Rung] = &[
    rung(32, Kernel::Tile),
    rung(16_384, Kernel::Workgroup),
    rung(131_072, Kernel::WorkgroupLoop),
    rung(u64::MAX, Kernel::Split),
];

/// The table for a device.
pub fn table(caps: &Capabilities) -> &'static [Rung] {
    match (caps.software, caps.subgroups.is_some()) {
        (true, true) => SOFTWARE,
        (true, false) => SOFTWARE_PLAIN,
        (false, true) => HARDWARE,
        (false, false) => HARDWARE_PLAIN,
    }
}
