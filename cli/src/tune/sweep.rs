//! Races of all kernels over growing row lengths.

use wgpu_softmax::Shape;
use wgpu_softmax::gpu::Kernel;
use wgpu_softmax::gpu::profile::{Rows, Rung};

use super::ladder::{Ladder, Length, Time};
use super::{Search, forced, op};
use crate::measure::{Batch, Gpu, Refusal};
use crate::progress::Progress;

/// An invocation per row that was so many times slower than the best is left out from there on: longer
/// rows do not make it better, as they do a team's.
const HOPELESS: f64 = 2.5;

/// Names of the table's columns.
pub fn heading() -> Vec<String> {
    ["columns", "fastest", "ms", "by", "next", "planned"].map(str::to_owned).to_vec()
}

/// The ladder of rows that all start on 16 bytes, and that of the others.
pub fn ladders(
    gpu: &mut Gpu,
    search: &Search,
    report: &mut Vec<Vec<String>>,
    progress: &Progress,
) -> Result<[Ladder; 2], Refusal> {
    let mut climb = |rows| climb(gpu, search, rows, report, progress);
    Ok([climb(Rows::Aligned)?, climb(Rows::Unaligned)?])
}

fn climb(
    gpu: &mut Gpu,
    search: &Search,
    rows: Rows,
    report: &mut Vec<Vec<String>>,
    progress: &Progress,
) -> Result<Ladder, Refusal> {
    let mut ladder = Ladder::new(rows);
    for cols in search.lengths() {
        // With one column less than a multiple of 4, most rows start elsewhere.
        let exact = if rows == Rows::Aligned { cols } else { cols - 1 };
        progress.say(format!("{exact} columns"));
        let length = race(gpu, search, exact, &ladder)?;
        report.push(line(gpu, &length)?);
        ladder.lengths.push(length);
        // Each line of the table but its heading is one length.
        progress.advance_to(report.len() - 1);
    }
    Ok(ladder)
}

fn race(gpu: &mut Gpu, search: &Search, cols: u64, ladder: &Ladder) -> Result<Length, Refusal> {
    let mut batch = Batch::new(search.shape(cols))?;
    let alone = |kernel| matches!(kernel, Kernel::Thread | Kernel::ThreadLoop | Kernel::Tile);
    let hopeful = Kernel::ALL.into_iter().filter(|k| !alone(*k) || ladder.slowness(*k) < HOPELESS);
    let field = hopeful.map(|kernel| forced(Rung::new(cols, kernel))).collect::<Result<Vec<_>, _>>()?;
    let runners = gpu.race(&field, op(), &mut batch, search.rounds)?;
    let best = runners.iter().min_by(|a, b| a.median().total_cmp(&b.median()));
    let Some(best) = best else {
        let why = format!("no kernel takes rows of {cols} columns");
        return Err(Refusal::Cannot(wgpu_softmax::Error::Device { why }));
    };
    let time = |runner: &crate::measure::Runner| {
        let kernel = runner.options.force?;
        Some(Time { kernel, seconds: runner.median(), ratio: runner.ratio_to(best) })
    };
    let mut times: Vec<Time> = runners.iter().filter_map(time).collect();
    times.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    Ok(Length { cols, times })
}

fn line(gpu: &Gpu, length: &Length) -> Result<Vec<String>, Refusal> {
    let best = &length.times[0];
    let (by, next) = match length.times.get(1) {
        Some(next) => (format!("{:.2}x", next.ratio), next.kernel.name()),
        None => (String::new(), "none"),
    };
    let planned = gpu.planned(Shape::rows(1, length.cols as usize))?;
    let lost = length.times.iter().find(|time| time.kernel == planned).map(|time| time.ratio);
    let planned = lost.map_or(planned.name().to_owned(), |lost| format!("{} {lost:.2}x", planned.name()));
    let ms = format!("{:.3}", best.seconds * 1e3);
    Ok(vec![length.cols.to_string(), best.kernel.name().to_owned(), ms, by, next.to_owned(), planned])
}
