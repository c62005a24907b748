//! How long work took, and how two series of it compare.

use std::time::Instant;

use cpu_time::ProcessTime;

/// The wall's seconds and the process's own.
#[derive(Clone, Copy)]
pub struct Taken {
    wall: f64,
    cpu: f64,
}

pub fn timed(work: impl FnOnce()) -> Taken {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    work();
    Taken { wall: wall.elapsed().as_secs_f64(), cpu: cpu.elapsed().as_secs_f64() }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints the medians of both and of their ratios.
pub fn report(what: &str, ours: &[Taken], theirs: &[Taken]) {
    let ratio = |f: fn(&Taken) -> f64| median(ours.iter().zip(theirs).map(|(a, b)| f(a) / f(b)).collect());
    let wall = |taken: &[Taken]| median(taken.iter().map(|t| t.wall).collect());
    println!(
        "{what:<44} {:>7.3} s against {:>7.3} s: {:.2} by the wall, {:.2} by processor time",
        wall(ours),
        wall(theirs),
        ratio(|t| t.wall),
        ratio(|t| t.cpu)
    );
}
