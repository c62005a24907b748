//! Every adapter, every kernel on every shape it accepts: the same bits as the CPU's specification.

mod common;

use wgpu_softmax::gpu::planner::{Capabilities, choose};
use wgpu_softmax::gpu::{Kernel, Options, Profile};
use wgpu_softmax::verify::{Thoroughness, cases, expected, first_difference};
use wgpu_softmax::{Context, Shape};

#[test]
fn every_kernel_gives_the_bits_of_the_specification() {
    let level =
        if std::env::var_os("SOFTMAX_FULL").is_some() { Thoroughness::Full } else { Thoroughness::Quick };
    let contexts = contexts();
    let mut failures = Vec::new();
    let mut ran = std::collections::BTreeMap::new();
    for case in cases(level, &edges(&contexts)) {
        let expected = expected(&case);
        let shape = Shape::rows(case.rows, case.cols);
        for (label, kernel, caps, context) in &contexts {
            let aligned = case.cols % 4 == 0;
            if case.cols > 0
                && choose(case.cols as u64, aligned, *kernel, caps, Profile::of_device(caps)).is_err()
            {
                continue;
            }
            let start = std::time::Instant::now();
            let got = context.run_blocking(case.op, &case.data, shape);
            let got = got.unwrap_or_else(|e| panic!("{label}: {}: {e}", case.name));
            let got: Vec<u32> = got.into_iter().map(f32::to_bits).collect();
            let entry = ran.entry(label.clone()).or_insert((0, 0.0));
            entry.0 += 1;
            entry.1 += start.elapsed().as_secs_f64();
            if let Some(difference) = first_difference(&case, &expected, &got) {
                failures.push(format!("{label}: {difference}"));
            }
        }
    }
    for (label, (cases, seconds)) in ran {
        println!("{label}: {cases} cases in {seconds:.1} s");
    }
    assert!(
        failures.is_empty(),
        "{} differ, first {:#?}",
        failures.len(),
        &failures[..failures.len().min(12)]
    );
}

/// Lengths at which the planner's choice changes, one to three elements from whole units of four too, and every
/// length that registers hold whole.
fn edges(contexts: &[(String, Option<Kernel>, Capabilities, Context)]) -> Vec<usize> {
    let rungs =
        contexts.iter().flat_map(|(_, _, caps, _)| Profile::of_device(caps).rungs()).map(|rung| rung.cols);
    let mut found: Vec<usize> = rungs
        .filter(|cols| *cols <= 1 << 17)
        .flat_map(|cols| [cols as usize - 1, cols as usize, cols as usize + 1, cols as usize + 2])
        .chain(1..=34)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A context for each adapter and kernel, and for the planner's own choice: as the device has it, and sealed,
/// without subgroups, or both, where that is another kernel.
fn contexts() -> Vec<(String, Option<Kernel>, Capabilities, Context)> {
    let mut found = Vec::new();
    for entry in common::test_adapters() {
        for kernel in std::iter::once(None).chain(Kernel::ALL.map(Some)) {
            let mut seen = Vec::new();
            for (sealed, plain) in [(false, false), (true, true), (true, false), (false, true)] {
                let mut options = Options::default();
                (options.force, options.sealed, options.without_subgroups) = (kernel, sealed, plain);
                let context = pollster::block_on(Context::on(entry.clone(), options)).unwrap();
                let caps = *context.ops().unwrap().capabilities();
                let rounding = context.ops().unwrap().rounding();
                let by_subgroups = caps.subgroups.is_some() && kernel.is_none_or(Kernel::has_subgroups);
                if seen.contains(&(rounding, by_subgroups)) {
                    continue;
                }
                seen.push((rounding, by_subgroups));
                let name = kernel.map_or("auto", Kernel::name);
                let by = if by_subgroups { ", subgroups" } else { "" };
                found.push((format!("{entry} {name}, {}{by}", rounding.name()), kernel, caps, context));
            }
        }
    }
    found
}
