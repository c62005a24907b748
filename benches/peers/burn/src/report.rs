//! The table, or a line of JSON for each of its lines.

use wgpu_softmax::gpu::adapter::AdapterEntry;

use crate::Sample;
use crate::accuracy::Errors;

/// What was measured of a shape; samples of burn, of ours Reproducible and of ours Fast.
pub struct Line {
    pub rows: usize,
    pub cols: usize,
    pub what: &'static str,
    pub samples: [Vec<Sample>; 3],
    pub burn_errors: Errors,
    pub our_errors: Errors,
}

const NAMES: [&str; 3] = ["burn", "reproducible", "fast"];

pub fn header(entry: &AdapterEntry, json: bool) {
    if json {
        return;
    }
    println!("{entry}, driver {} {}", entry.info.driver, entry.info.driver_info);
    println!("wall ms: median (quartiles); ratios: medians over rounds, wall | processor time; ulp: worst");
    println!(
        "{:>14} {:>10} {:>22} {:>22} {:>22} {:>13} {:>13} {:>13} {:>20} {:>5}",
        "shape",
        "",
        "burn",
        "reproducible",
        "fast",
        "burn/repr.",
        "burn/fast",
        "repr./fast",
        "burn ulp",
        "ulp"
    );
}

pub fn line(line: &Line, json: bool) {
    if json { print_json(line) } else { print_table(line) }
}

fn print_table(line: &Line) {
    let wall = |who: usize| {
        let [low, middle, high] = quartiles(&times(&line.samples[who], wall));
        format!("{middle:.2} ({low:.2}-{high:.2})")
    };
    let ratio = |above: usize, below: usize| {
        let [w, c] = ratios(&line.samples[above], &line.samples[below]);
        format!("{w:.2} | {c:.2}")
    };
    println!(
        "{:>14} {:>10} {:>22} {:>22} {:>22} {:>13} {:>13} {:>13} {:>20} {:>5}",
        format!("{}x{}", line.rows, line.cols),
        line.what,
        wall(0),
        wall(1),
        wall(2),
        ratio(0, 1),
        ratio(0, 2),
        ratio(1, 2),
        errors(&line.burn_errors),
        errors(&line.our_errors)
    );
}

fn print_json(line: &Line) {
    let mut fields = vec![
        format!("\"rows\":{},\"cols\":{},\"what\":\"{}\"", line.rows, line.cols, line.what),
        format!("\"burn_errors\":{},\"errors\":{}", object(&line.burn_errors), object(&line.our_errors)),
    ];
    for (name, samples) in NAMES.iter().zip(&line.samples) {
        let [low, middle, high] = quartiles(&times(samples, wall));
        let [_, cpu, _] = quartiles(&times(samples, cpu));
        fields.push(format!(
            "\"{name}\":{{\"ms\":{middle:.4},\"ms_quartiles\":[{low:.4},{high:.4}],\"cpu_ms\":{cpu:.4}}}"
        ));
    }
    for (above, below) in [(0, 1), (0, 2), (1, 2)] {
        let [wall, cpu] = ratios(&line.samples[above], &line.samples[below]);
        let name = format!("{}_over_{}", NAMES[above], NAMES[below]);
        fields.push(format!("\"{name}\":{{\"wall\":{wall:.4},\"cpu\":{cpu:.4}}}"));
    }
    println!("{{{}}}", fields.join(","));
}

fn errors(errors: &Errors) -> String {
    match errors.wrong_rows {
        0 => format!("{:.1}", errors.worst),
        wrong => format!("{:.1}, {wrong} rows wrong", errors.worst),
    }
}

/// The worst is null where a result is not finite, which JSON has no number for.
fn object(errors: &Errors) -> String {
    let worst = if errors.worst.is_finite() { errors.worst.to_string() } else { "null".into() };
    format!("{{\"worst_ulp\":{worst},\"wrong_rows\":{}}}", errors.wrong_rows)
}

fn wall(sample: &Sample) -> f64 {
    sample.wall.as_secs_f64() * 1e3
}

fn cpu(sample: &Sample) -> f64 {
    sample.cpu.as_secs_f64() * 1e3
}

fn times(samples: &[Sample], of: fn(&Sample) -> f64) -> Vec<f64> {
    samples.iter().map(of).collect()
}

/// Medians over rounds of one contestant's time by another's: wall time, processor time.
fn ratios(above: &[Sample], below: &[Sample]) -> [f64; 2] {
    [wall, cpu].map(|of| {
        let each: Vec<f64> = above.iter().zip(below).map(|(a, b)| of(a) / of(b)).collect();
        quartiles(&each)[1]
    })
}

fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4])
}
