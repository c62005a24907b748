//! Rows whose elements lie apart, as those along any axis but the last one: their kernels, and lanes that
//! work on several of them side by side.

use super::{Access, Apart, Capabilities, Kernel, Rows};
use crate::gpu::profile::Rung;

/// Rows side by side that a lane works on: elements of one access.
pub(in crate::gpu) const SIDE: u32 = 4;

/// The most columns of several rows that a lane holds: each is code of its own for each of the rows, and with
/// more than this the driver compiles longer than for any other kernel.
const HELD_COLS: u64 = 16;

/// Kernels by columns. Those of programs on the CPU are measured (docs/performance-gpu.md), those of GPUs
/// argued from the kernels' work per element.
pub(super) fn ladder(apart: Apart, caps: &Capabilities) -> [Rung; 3] {
    let (held, looped) = match apart {
        _ if !caps.is_software() => (32, 1024),
        Apart::Alone => (128, 16384),
        Apart::Words => (64, 16384),
        Apart::Halves => (HELD_COLS, 16384),
    };
    [
        Rung::new(held, Kernel::Thread),
        Rung::new(looped, Kernel::ThreadLoop),
        Rung::new(u64::MAX, Kernel::SplitColumns),
    ]
}

/// Whether a lane works on several rows. Programs on the CPU read what each lane asks for by itself; on a GPU
/// lanes side by side make whole cache lines of single elements, and a quarter of the lanes would be left
/// (argued, not measured).
pub(super) fn is_by_side(kernel: Kernel, rows: &Rows, caps: &Capabilities) -> bool {
    let Access::Tensor { apart: Some(apart), .. } = rows.access else { return false };
    let lanes = match kernel {
        Kernel::Thread => rows.cols <= HELD_COLS,
        kernel => matches!(kernel, Kernel::ThreadLoop | Kernel::SplitColumns),
    };
    lanes && apart != Apart::Alone && caps.is_software()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::planner::choose_for;
    use crate::gpu::profile::Profile;

    const SOFTWARE: Capabilities = Capabilities { device: wgpu::DeviceType::Cpu, ..Capabilities::WEBGPU };

    #[test]
    fn lanes_take_four_rows_on_programs_on_the_cpu_alone() {
        let choice = |caps: &Capabilities, cols, apart| {
            let (apart, halves) = (Some(apart), apart == Apart::Halves);
            let access = Access::Tensor { width: 1, bytes: 4, units: cols, apart, stepped: true, halves };
            let choice = choose_for(&Rows { cols, access }, None, caps, Profile::of_device(caps)).unwrap();
            (choice.kernel, choice.rows, choice.width, choice.held)
        };
        for (cols, apart, expected) in [
            (16, Apart::Words, (Kernel::Thread, 4, 4, 16)),
            (32, Apart::Words, (Kernel::Thread, 1, 1, 32)),
            (65, Apart::Words, (Kernel::ThreadLoop, 4, 4, 0)),
            (16, Apart::Halves, (Kernel::Thread, 4, 4, 16)),
            (17, Apart::Halves, (Kernel::ThreadLoop, 4, 4, 0)),
            (20_000, Apart::Halves, (Kernel::SplitColumns, 4, 4, 0)),
            // Four columns at a time instead.
            (32, Apart::Alone, (Kernel::Thread, 1, 1, 32)),
            (64, Apart::Alone, (Kernel::Thread, 1, 4, 16)),
            (127, Apart::Alone, (Kernel::ThreadLoop, 1, 4, 0)),
            (20_000, Apart::Alone, (Kernel::SplitColumns, 1, 4, 0)),
        ] {
            assert_eq!(choice(&SOFTWARE, cols, apart), expected, "{cols} {apart:?}");
            assert_eq!(choice(&Capabilities::WEBGPU, cols, apart).1, 1, "{cols} {apart:?}");
        }
    }
}
