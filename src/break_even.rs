//! Whether a batch on the host is done sooner by the CPU than a GPU would have started: a pure
//! function of what was measured.

use std::time::Duration;

use crate::web::Instant;
use crate::{Op, Precision, Shape};

/// Where a batch is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By the library's own CPU implementation.
    Cpu,
    /// On the GPU.
    Gpu,
}

/// What was measured of the CPU and of a GPU, from host slice to host slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Bytes of elements that the CPU takes in a second.
    pub cpu_rate: f64,
    /// Seconds that the GPU takes for the smallest batch.
    pub gpu_start: f64,
    /// Bytes of elements that the GPU takes in a second once it has started; `None` where that is not
    /// known, and then counted as no time.
    pub gpu_rate: Option<f64>,
}

/// What a batch is expected to take in either place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The CPU, all of it.
    pub cpu: Duration,
    /// The GPU, its start included.
    pub gpu: Duration,
}

impl Costs {
    /// The estimate for so many bytes of elements. What is no positive number is not known: it speaks
    /// for the GPU.
    pub fn estimate(&self, bytes: u64) -> Estimate {
        let time = |rate: f64| if rate > 0.0 { bytes as f64 / rate } else { f64::INFINITY };
        let start = if self.gpu_start > 0.0 { self.gpu_start } else { 0.0 };
        let run = self.gpu_rate.map_or(0.0, time);
        Estimate { cpu: duration(time(self.cpu_rate)), gpu: duration(start + run) }
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Where a batch of so many bytes of elements is done first. `Precision::Fast` always takes the GPU: its
/// bits differ between the two, and a clock must not decide a result.
pub fn break_even(bytes: u64, op: &Op, costs: &Costs) -> Place {
    let Estimate { cpu, gpu } = costs.estimate(bytes);
    if op.precision != Precision::Fast && cpu < gpu { Place::Cpu } else { Place::Gpu }
}

/// Columns of the rows that the CPU is measured with: the slowest ones by byte, so that any others are
/// done sooner than estimated (docs/performance-cpu.md).
const COLS: usize = 3;
const ROWS: usize = 4096;

/// Bytes of elements that the CPU takes in a second where they are in its cache: the best of a few
/// runs, some 30 microseconds each.
pub(crate) fn cpu_rate() -> f64 {
    let shape = Shape::rows(ROWS, COLS);
    let (x, mut y) = (vec![1.0; ROWS * COLS], vec![0.0; ROWS * COLS]);
    let mut run = || {
        let begin = Instant::now();
        crate::cpu::softmax(&x, shape, &mut y).expect("the slices fit the shape");
        begin.elapsed().as_secs_f64()
    };
    let best = (0..4).map(|_| run()).fold(f64::INFINITY, f64::min);
    size_of_val(&x[..]) as f64 / best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Softmax;

    const COSTS: Costs = Costs { cpu_rate: 1e9, gpu_start: 1e-3, gpu_rate: None };

    fn place(bytes: u64, costs: Costs) -> Place {
        break_even(bytes, &Softmax::new().into(), &costs)
    }

    #[test]
    fn the_cpu_takes_what_it_finishes_before_the_gpu_has_started() {
        // 1 GB/s for a millisecond are a million bytes.
        assert_eq!(place(0, COSTS), Place::Cpu);
        assert_eq!(place(999_999, COSTS), Place::Cpu);
        assert_eq!(place(1_000_000, COSTS), Place::Gpu);
        assert_eq!(place(u64::MAX, COSTS), Place::Gpu);
    }

    #[test]
    fn a_known_rate_of_the_gpu_moves_the_break_even() {
        let costs = |gpu_rate| Costs { gpu_rate: Some(gpu_rate), ..COSTS };
        // At twice the CPU's speed it has caught up after two million bytes.
        assert_eq!(place(1_999_000, costs(2e9)), Place::Cpu);
        assert_eq!(place(2_001_000, costs(2e9)), Place::Gpu);
        // A slower one never does.
        assert_eq!(place(1 << 40, costs(0.9e9)), Place::Cpu);
    }

    #[test]
    fn fast_never_leaves_the_gpu() {
        let fast = Softmax::new().precision(Precision::Fast);
        assert_eq!(break_even(4, &fast.into(), &COSTS), Place::Gpu);
    }

    #[test]
    fn what_is_not_known_speaks_for_the_gpu() {
        for bad in [0.0, -1.0, f64::NAN] {
            assert_eq!(place(1000, Costs { cpu_rate: bad, ..COSTS }), Place::Gpu);
            assert_eq!(place(1000, Costs { gpu_start: bad, ..COSTS }), Place::Gpu);
        }
        assert_eq!(Costs { cpu_rate: 1e-300, ..COSTS }.estimate(u64::MAX).cpu, Duration::MAX);
    }

    #[test]
    fn the_cpu_has_a_rate() {
        assert!(cpu_rate() > 1e6);
    }
}
