//! The numbers of each rung's kernel: workgroup sizes, lanes that share a row, parts of split rows, rewriting.

use wgpu_softmax::gpu::planner::{Capabilities, Choice, choose};
use wgpu_softmax::gpu::profile::{Rows, Rung};
use wgpu_softmax::gpu::{Kernel, Options};

use super::{Search, forced, op};
use crate::measure::{Batch, Gpu, Refusal};

/// A number is written down only where it saves more than this part of the time.
const WORTH: f64 = 0.95;

/// Races each rung's kernel with other numbers, at the longest rows it was measured for.
pub fn tune(
    gpu: &mut Gpu,
    search: &Search,
    rungs: &mut [Rung],
    report: &mut Vec<Vec<String>>,
) -> Result<(), Refusal> {
    for rung in rungs {
        let cols = rung.cols.min(search.most) / 4 * 4;
        let cols = if rung.rows == Rows::Unaligned { cols.max(4) - 1 } else { cols.max(4) };
        let mut batch = Batch::new(search.shape(cols))?;
        let all = variants(*rung).into_iter().map(|rung| Ok((rung, forced(rung)?)));
        let all = all.collect::<Result<Vec<_>, Refusal>>()?;
        let (caps, mut known) = (gpu.capabilities(), Vec::new());
        let new = all.into_iter().filter(|(_, options)| is_new(options, cols, &caps, &mut known));
        let (variants, field): (Vec<_>, Vec<_>) = new.unzip();
        let runners = gpu.race(&field, op(), &mut batch, search.rounds)?;
        // Every number runs where the usual ones do, so they are in the order of the variants.
        if runners.len() != variants.len() {
            continue;
        }
        let Some(usual) = runners.first() else { continue };
        let ratios = runners.iter().map(|runner| runner.ratio_to(usual));
        let best = variants.iter().zip(ratios).min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((variant, ratio)) = best.filter(|(_, ratio)| *ratio < WORTH) {
            rung.numbers = variant.numbers;
            report.push(vec![
                cols.to_string(),
                rung.to_string(),
                String::new(),
                format!("{:.2}x", 1.0 / ratio),
            ]);
        }
    }
    Ok(())
}

/// Whether such rows have a kernel by the options of [`forced`], and not one that is known.
fn is_new(options: &Options, cols: u64, caps: &Capabilities, known: &mut Vec<Choice>) -> bool {
    let [profile] = &options.profiles[..] else { return false };
    let choice = choose(cols, cols.is_multiple_of(4), options.force, caps, profile);
    let Some(choice) = choice.ok().filter(|choice| !known.contains(choice)) else { return false };
    known.push(choice);
    true
}

/// A rung as it is, then with each other number alone.
fn variants(rung: Rung) -> Vec<Rung> {
    let with = |change: &dyn Fn(&mut Rung)| {
        let mut changed = rung;
        change(&mut changed);
        changed
    };
    let mut all = vec![rung];
    all.extend([32, 64, 128, 256, 512].map(|group| with(&|r| r.numbers.group = Some(group))));
    match rung.kernel {
        Kernel::Split => all.extend([8, 128, 512].map(|trips| with(&|r| r.numbers.trips = Some(trips)))),
        Kernel::Subgroup => {
            all.extend([2, 4, 8, 16].map(|held| with(&|r| r.numbers.held = Some(held))));
        }
        Kernel::ThreadLoop | Kernel::SubgroupLoop | Kernel::WorkgroupLoop => {
            all.extend([false, true].map(|rewrite| with(&|r| r.numbers.rewrite = Some(rewrite))));
        }
        _ => {}
    }
    all
}
