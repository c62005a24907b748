//! What a lane works on at once: a unit of elements.

use super::by_side::{SIDE, is_by_side};
use super::{Access, Apart, Capabilities, Kernel, Places, Rows};

/// Columns from which on rows that are no whole units of four are computed four elements at a time: where the places
/// left over in a row's last units are few of all. On GPUs argued, on programs on the CPU measured
/// (docs/performance-gpu.md): their drivers take no loop over registers apart that has more than 32 trips.
const LEAST_COLS: u64 = 128;
const LEAST_COLS_ON_CPU: u64 = 33;
// With fewer, more than the last quarter would have places left over.
const _: () = assert!(LEAST_COLS_ON_CPU >= 9);

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
    match rows.access {
        Access::Tensor { bytes, .. } if is_by_side(kernel, rows, caps) => unit(SIDE, rows.cols, bytes),
        Access::Tensor { .. } if kernel == Kernel::Tile => {
            Err("it takes f32 rows that lie one after the other, without masks; use thread or subgroup"
                .into())
        }
        Access::Tensor { width: 1, bytes, apart, .. }
            if are_separate(kernel, rows.cols, (bytes, apart), caps) =>
        {
            let units = rows.cols.div_ceil(4);
            Ok(Unit { width: 4, units, places: Places::Separate, bytes: u64::from(bytes) })
        }
        Access::Tensor { width, units, bytes, .. } => unit(width, units, bytes),
        Access::Plain { .. } if kernel == Kernel::SplitColumns => {
            Err("it takes rows whose elements lie apart; use split".into())
        }
        Access::Plain { .. } if kernel == Kernel::Tile => unit(1, rows.cols, 4),
        Access::Plain { aligned: true } => unit(4, rows.cols / 4, 4),
        Access::Plain { .. } if rows.cols >= least_cols(caps) => {
            Ok(Unit { width: 4, units: rows.cols.div_ceil(4), places: Places::Quarters, bytes: 4 })
        }
        Access::Plain { .. } => unit(1, rows.cols, 4),
    }
}

/// Whether a tensor's columns are taken four at a time where they are no whole units: on programs on the CPU, which
/// read what each lane asks for by itself anyway. Held halves that lie apart would take twice as long to compile as
/// plain rows do: each has an atomic operation of its own.
fn are_separate(
    kernel: Kernel,
    cols: u64,
    (bytes, apart): (u32, Option<Apart>),
    caps: &Capabilities,
) -> bool {
    let held_halves = kernel == Kernel::Thread && bytes == 2 && apart.is_some();
    caps.is_software() && cols >= LEAST_COLS_ON_CPU && !held_halves
}

fn least_cols(caps: &Capabilities) -> u64 {
    if caps.is_software() { LEAST_COLS_ON_CPU } else { LEAST_COLS }
}
