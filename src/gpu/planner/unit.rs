//! What a lane works on at once: a unit of elements.

use super::by_side::{SIDE, is_by_side};
use super::{Access, Capabilities, Kernel, Places, Rows};

/// Columns from which on rows that are no whole units of four are computed four elements at a time: where the places
/// left over in a row's last units are few of all. On GPUs argued, on programs on the CPU measured
/// (docs/performance-gpu.md): their drivers take no loop over registers apart that has more than 32 trips.
const LEAST_COLS: u64 = 128;
const LEAST_COLS_ON_CPU: u64 = 33;
// With fewer, more than the last quarter would have places left over, and shaders look at no other one.
const _: () = assert!(LEAST_COLS_ON_CPU >= QUARTERED_COLS && LEAST_COLS >= QUARTERED_COLS);
/// Columns from which on the first three quarters of a row are full.
pub(in crate::gpu) const QUARTERED_COLS: u64 = 9;

/// A unit, and how many of them a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its elements.
    pub width: u64,
    pub units: u64,
    pub places: Places,
    /// What a lane reads side by side with the next one.
    pub bytes: u64,
}

/// What a kernel's lanes work on, or why it cannot run.
pub(super) fn unit_of(kernel: Kernel, rows: &Rows, caps: &Capabilities) -> Result<Unit, String> {
    let unit = |width: u32, units, bytes: u32| {
        let width = u64::from(width);
        Ok(Unit { width, units, places: Places::Together, bytes: width * u64::from(bytes) })
    };
    let fours = |places, bytes: u32| {
        Ok(Unit { width: 4, units: rows.cols.div_ceil(4), places, bytes: u64::from(bytes) })
    };
    let least = if caps.is_software() { LEAST_COLS_ON_CPU } else { LEAST_COLS };
    match rows.access {
        Access::Tensor { bytes, .. } if is_by_side(kernel, rows, caps) => unit(SIDE, rows.cols, bytes),
        Access::Tensor { .. } if kernel == Kernel::Tile => {
            Err("it takes f32 rows that lie one after the other, without masks; use thread or subgroup"
                .into())
        }
        Access::Tensor { width: 1, bytes, apart, stepped: true, halves, .. }
            // Held halves that lie apart would compile twice as long as plain rows: each has an atomic operation.
            if caps.is_software() && rows.cols >= least && !(kernel == Kernel::Thread && apart.is_some() && halves) =>
        {
            fours(Places::Separate, 4 * bytes)
        }
        Access::Tensor { width, units, bytes, .. } => unit(width, units, bytes),
        Access::Plain { .. } if kernel == Kernel::SplitColumns => {
            Err("it takes rows whose elements lie apart; use split".into())
        }
        Access::Plain { .. } if kernel == Kernel::Tile => unit(1, rows.cols, 4),
        Access::Plain { aligned: true } => unit(4, rows.cols / 4, 4),
        Access::Plain { .. } if rows.cols >= least => fours(Places::Quarters, 4),
        Access::Plain { .. } => unit(1, rows.cols, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::planner::Apart;

    const SOFTWARE: Capabilities = Capabilities { device: wgpu::DeviceType::Cpu, ..Capabilities::WEBGPU };

    fn of(kernel: Kernel, cols: u64, access: Access, caps: &Capabilities) -> (Places, u64, u64) {
        let unit = unit_of(kernel, &Rows { cols, access }, caps).unwrap();
        (unit.places, unit.width, unit.units)
    }

    #[test]
    fn rows_are_in_quarters_from_a_length_on() {
        for (caps, least) in [(SOFTWARE, LEAST_COLS_ON_CPU), (Capabilities::WEBGPU, LEAST_COLS)] {
            let plain = |cols, aligned| of(Kernel::Split, cols, Access::Plain { aligned }, &caps);
            assert_eq!(plain(least - 1, false), (Places::Together, 1, least - 1));
            assert_eq!(plain(least, false), (Places::Quarters, 4, least.div_ceil(4)));
            assert_eq!(plain(least + 1, false), (Places::Quarters, 4, (least + 1).div_ceil(4)));
            assert_eq!(plain(1000, true), (Places::Together, 4, 250));
            let tile = of(Kernel::Tile, least, Access::Plain { aligned: false }, &caps);
            assert_eq!(tile, (Places::Together, 1, least));
        }
    }

    #[test]
    fn columns_are_taken_apart_by_programs_on_the_cpu_alone() {
        let tensor = |kernel, cols, apart: Option<Apart>, (stepped, halves), caps: &Capabilities| {
            let access = Access::Tensor { width: 1, bytes: 4, units: cols, apart, stepped, halves };
            of(kernel, cols, access, caps).0
        };
        let (thread, looped, alone) = (Kernel::Thread, Kernel::ThreadLoop, Some(Apart::Alone));
        for (kernel, cols, apart, of_columns, expected) in [
            (thread, 32, None, (true, false), Places::Together),
            (thread, 33, None, (true, false), Places::Separate),
            (thread, 33, None, (false, false), Places::Together),
            (thread, 33, alone, (true, true), Places::Together),
            (thread, 33, alone, (true, false), Places::Separate),
            (looped, 33, alone, (true, true), Places::Separate),
        ] {
            assert_eq!(tensor(kernel, cols, apart, of_columns, &SOFTWARE), expected, "{kernel:?} {cols}");
            let on_gpu = tensor(kernel, 1000, apart, of_columns, &Capabilities::WEBGPU);
            assert_eq!(on_gpu, Places::Together, "{kernel:?}");
        }
    }
}
