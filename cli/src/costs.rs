//! What the CPU and the GPUs of this machine take: measured constants, and what runs here have shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wgpu_softmax::Op;
use wgpu_softmax::break_even::{Costs, Estimate, Place, break_even};
use wgpu_softmax::gpu::adapter::AdapterEntry;

use crate::terminal;

/// Bytes of elements that the CPU takes in a second, until this machine has shown its own: two cores of
/// an AMD EPYC, result pages fresh (docs/performance-start.md).
const CPU_RATE: f64 = 1.0e9;
/// Seconds to find, open and first use a GPU, until this machine has shown its own: lavapipe, the only
/// adapter measured so far (docs/performance-start.md).
const GPU_START: f64 = 0.12;
/// Bytes of elements from which on a run tells the CPU's rate rather than its start.
const TELLS_CPU: u64 = 1 << 20;
/// The same for a GPU's rate.
const TELLS_GPU: u64 = 64 << 20;
/// Adapters that are remembered at most; the one that was not used for longest goes first.
const MOST_GPUS: usize = 8;

/// What runs on this machine have shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Bytes of elements that the CPU takes in a second.
    cpu_rate: Option<f64>,
    /// The hardware GPUs that ran.
    gpus: Vec<Gpu>,
}

/// A GPU that ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Gpu {
    name: String,
    /// Seconds to find it, open it and compile.
    start: f64,
    /// Bytes of elements in a second from then on.
    rate: Option<f64>,
}

impl Measured {
    /// Why `auto` need not look for a GPU: the CPU has the batch done before that one has started.
    pub fn small(&self, bytes: u64, op: &Op) -> Option<String> {
        let known =
            self.gpus.iter().min_by(|a, b| self.with(Some(a), bytes).gpu.cmp(&self.with(Some(b), bytes).gpu));
        match break_even(bytes, op, &self.costs(known)) {
            Place::Cpu => Some(reason(bytes, self.with(known, bytes), known)),
            Place::Gpu => None,
        }
    }

    fn with(&self, gpu: Option<&Gpu>, bytes: u64) -> Estimate {
        self.costs(gpu).estimate(bytes)
    }

    fn costs(&self, gpu: Option<&Gpu>) -> Costs {
        Costs {
            cpu_rate: self.cpu_rate.unwrap_or(CPU_RATE),
            gpu_start: gpu.map_or(GPU_START, |gpu| gpu.start),
            gpu_rate: gpu.and_then(|gpu| gpu.rate),
        }
    }

    /// Remembers what the CPU took.
    pub fn cpu_ran(&mut self, bytes: u64, took: Duration) {
        if bytes >= TELLS_CPU && !took.is_zero() {
            let rate = bytes as f64 / took.as_secs_f64();
            self.cpu_rate = Some(mean(self.cpu_rate, rate));
        }
    }

    /// Remembers what a GPU took to start and from then on. Software adapters are never what `auto`
    /// takes.
    pub fn gpu_ran(&mut self, entry: &AdapterEntry, bytes: u64, start: Duration, took: Duration) {
        if entry.is_hardware() {
            let name = format!("{} ({})", entry.info.name, entry.info.backend);
            self.remember(name, bytes, start, took);
        }
    }

    fn remember(&mut self, name: String, bytes: u64, start: Duration, took: Duration) {
        let before = self.gpus.iter().position(|gpu| gpu.name == name).map(|at| self.gpus.remove(at));
        let start = mean(before.as_ref().map(|gpu| gpu.start), start.as_secs_f64());
        let mut rate = before.and_then(|gpu| gpu.rate);
        if bytes >= TELLS_GPU && !took.is_zero() {
            rate = Some(mean(rate, bytes as f64 / took.as_secs_f64()));
        }
        self.gpus.push(Gpu { name, start, rate });
        let surplus = self.gpus.len().saturating_sub(MOST_GPUS);
        self.gpus.drain(..surplus);
    }
}

/// Halfway from what was known to what was found: one odd run does not decide the next ones.
fn mean(known: Option<f64>, found: f64) -> f64 {
    known.filter(|known| known.is_finite() && *known > 0.0).map_or(found, |known| (known + found) / 2.0)
}

fn reason(bytes: u64, Estimate { cpu, gpu }: Estimate, known: Option<&Gpu>) -> String {
    let (bytes, cpu, gpu) = (terminal::bytes(bytes), terminal::time(cpu), terminal::time(gpu));
    match known {
        None => format!("{bytes} take it about {cpu}, finding and opening a GPU about {gpu}"),
        Some(Gpu { name, rate: None, .. }) => {
            format!("{bytes} take it about {cpu}, opening {name} about {gpu}")
        }
        Some(Gpu { name, .. }) => format!("{bytes} take it about {cpu}, {name} about {gpu} with its opening"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu_softmax::{Precision, Softmax};

    const SECOND: Duration = Duration::from_secs(1);

    fn small(measured: &Measured, bytes: u64) -> Option<String> {
        measured.small(bytes, &Softmax::new().into())
    }

    #[test]
    fn without_measurements_the_constants_decide() {
        let measured = Measured::default();
        let told = small(&measured, 256_000).unwrap();
        assert_eq!(told, "256 kB take it about 256 us, finding and opening a GPU about 120 ms");
        assert_eq!(small(&measured, (CPU_RATE * GPU_START) as u64 + 1000), None);
        let fast = Softmax::new().precision(Precision::Fast);
        assert_eq!(measured.small(256_000, &fast.into()), None);
    }

    #[test]
    fn what_ran_here_moves_the_break_even() {
        let mut measured = Measured::default();
        measured.cpu_ran(4_000_000_000, SECOND);
        measured.remember("Card (vulkan)".into(), 4, SECOND / 2, SECOND);
        let told = small(&measured, 1_999_000_000).unwrap();
        assert_eq!(told, "2.00 GB take it about 500 ms, opening Card (vulkan) about 500 ms");
        assert_eq!(small(&measured, 2_001_000_000), None);
        // A card that is no faster than the CPU is never worth its opening.
        measured.remember("Card (vulkan)".into(), 3_000_000_000, SECOND / 2, SECOND);
        assert!(small(&measured, 12_000_000_000).unwrap().contains("with its opening"));
        // Of two the better one counts.
        measured.remember("Other (vulkan)".into(), 40_000_000_000, SECOND / 2, SECOND);
        assert_eq!(small(&measured, 12_000_000_000), None);
    }

    #[test]
    fn one_odd_run_counts_half_and_small_ones_tell_no_rate() {
        let mut measured = Measured::default();
        measured.cpu_ran(1000, SECOND);
        assert_eq!(measured, Measured::default());
        measured.cpu_ran(2_000_000_000, SECOND);
        measured.cpu_ran(4_000_000_000, SECOND);
        assert_eq!(measured.cpu_rate, Some(3e9));
        for i in 0..20 {
            measured.remember(format!("card {i}"), 4, SECOND, SECOND);
        }
        assert_eq!(measured.gpus.len(), MOST_GPUS);
        assert_eq!(measured.gpus[0].name, "card 12");
        measured.cpu_rate = Some(f64::NAN);
        measured.cpu_ran(2_000_000_000, SECOND);
        assert_eq!(measured.cpu_rate, Some(2e9));
    }
}
