//! From times to thresholds: a pure function, so that it can be tested without a device.

use wgpu_softmax::gpu::Kernel;
use wgpu_softmax::gpu::profile::{Rows, Rung};

/// A kernel takes over only where the one before is slower by this factor: less is noise.
const NOTICEABLE: f64 = 1.04;

/// What the kernels took for one row length, the fastest first.
#[derive(Clone, Debug)]
pub struct Length {
    /// Columns.
    pub cols: u64,
    /// At least one.
    pub times: Vec<Time>,
}

/// What a kernel took.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// Which.
    pub kernel: Kernel,
    /// The median time.
    pub seconds: f64,
    /// The median over the rounds of its time over that of the fastest.
    pub ratio: f64,
}

/// The races of one kind of rows.
#[derive(Clone, Debug)]
pub struct Ladder {
    rows: Rows,
    /// By growing columns.
    pub lengths: Vec<Length>,
}

impl Ladder {
    /// Nothing measured yet.
    pub fn new(rows: Rows) -> Self {
        Self { rows, lengths: Vec::new() }
    }

    /// How many times slower than the best a kernel was at the last length; 1 where it did not run.
    pub fn slowness(&self, kernel: Kernel) -> f64 {
        let last = self.lengths.iter().rev().find_map(|length| length.ratio(kernel));
        last.unwrap_or(1.0)
    }

    /// The winners: for each run of lengths one rung, up to halfway (by ratio) to the next.
    fn rungs(&self) -> Vec<Rung> {
        let mut rungs: Vec<Rung> = Vec::new();
        for (i, length) in self.lengths.iter().enumerate() {
            let fastest = length.times[0].kernel;
            let before = rungs.last().map(|rung| rung.kernel);
            let stays = before.filter(|kernel| length.ratio(*kernel).is_some_and(|r| r < NOTICEABLE));
            let kernel = stays.unwrap_or(fastest);
            if before != Some(kernel) {
                rungs.push(Rung::new(length.cols, kernel));
            }
            if let Some(last) = rungs.last_mut() {
                last.rows = self.rows;
                let next = self.lengths.get(i + 1).map(|next| next.cols);
                last.cols = next.map_or(u64::MAX, |next| between(length.cols, next));
            }
        }
        rungs
    }
}

impl Length {
    fn ratio(&self, kernel: Kernel) -> Option<f64> {
        self.times.iter().find(|time| time.kernel == kernel).map(|time| time.ratio)
    }
}

/// The last length that goes with the shorter one: the threshold lies at their geometric mean, or at
/// the shorter one where they are neighbours.
fn between(shorter: u64, longer: u64) -> u64 {
    ((shorter as f64 * longer as f64).sqrt() as u64).max(shorter)
}

/// One list of rungs by growing columns; what holds for both kinds of rows stands once.
pub fn merge(ladders: &[Ladder; 2]) -> Vec<Rung> {
    let [aligned, unaligned] = [ladders[0].rungs(), ladders[1].rungs()];
    let alike = |a: &Rung, b: &Rung| a.kernel == b.kernel && a.cols.abs_diff(b.cols) <= 4 + a.cols / 64;
    if aligned.len() == unaligned.len() && aligned.iter().zip(&unaligned).all(|(a, b)| alike(a, b)) {
        return aligned.into_iter().map(|rung| Rung::new(rung.cols, rung.kernel)).collect();
    }
    let mut all: Vec<Rung> = aligned.into_iter().chain(unaligned).collect();
    all.sort_by_key(|rung| rung.cols);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kernel::{Split, Subgroup, Thread};

    fn ladder(rows: Rows, lengths: &[(u64, &[(Kernel, f64)])]) -> Ladder {
        let time = |(kernel, ratio): &(Kernel, f64)| Time { kernel: *kernel, seconds: *ratio, ratio: *ratio };
        let lengths = lengths
            .iter()
            .map(|(cols, times)| Length { cols: *cols, times: times.iter().map(time).collect() })
            .collect();
        Ladder { rows, lengths }
    }

    #[test]
    fn a_kernel_takes_over_only_where_it_is_noticeably_faster() {
        let measured = ladder(
            Rows::Aligned,
            &[
                (4, &[(Thread, 1.0), (Subgroup, 2.0)]),
                // Within the noise: thread stays.
                (16, &[(Subgroup, 1.0), (Thread, 1.03)]),
                (64, &[(Subgroup, 1.0), (Thread, 1.5)]),
                (256, &[(Thread, 1.0), (Subgroup, 1.02)]),
                (1024, &[(Split, 1.0)]),
            ],
        );
        let rungs = measured.rungs();
        let found: Vec<_> = rungs.iter().map(|rung| (rung.cols, rung.kernel)).collect();
        assert_eq!(found, [(32, Thread), (512, Subgroup), (u64::MAX, Split)]);
        assert_eq!((measured.slowness(Thread), measured.slowness(Kernel::Tile)), (1.0, 1.0));
    }

    #[test]
    fn ladders_that_agree_stand_once_and_others_side_by_side() {
        let aligned = ladder(Rows::Aligned, &[(4, &[(Thread, 1.0)]), (64, &[(Subgroup, 1.0)])]);
        let same = ladder(Rows::Unaligned, &[(3, &[(Thread, 1.0)]), (63, &[(Subgroup, 1.0)])]);
        let merged = merge(&[aligned.clone(), same]);
        assert_eq!(merged, [Rung::new(16, Thread), Rung::new(u64::MAX, Subgroup)]);
        let other = ladder(Rows::Unaligned, &[(3, &[(Split, 1.0)]), (63, &[(Split, 1.0)])]);
        let merged = merge(&[aligned, other]);
        let found: Vec<_> = merged.iter().map(|rung| (rung.cols, rung.kernel, rung.rows)).collect();
        assert_eq!(
            found,
            [
                (16, Thread, Rows::Aligned),
                (u64::MAX, Subgroup, Rows::Aligned),
                (u64::MAX, Split, Rows::Unaligned)
            ]
        );
    }
}
