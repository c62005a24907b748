//! A few lanes of a subgroup that share a row: when the planner takes them, and the bits that they give.

mod common;
mod tensor;

use std::process::Command;

use tensor::battery::{battery, by_options, is_full};
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::planner::{Capabilities, choose};
use wgpu_softmax::gpu::{Kernel, Options, Profile};
use wgpu_softmax::{Context, Op, OpKind, Shape, wgpu};

/// The kernel, forced, with so many units a lane.
fn held(units: u32) -> Options {
    let profile = format!("wgpu-softmax profile 1\ncols any subgroup held={units}");
    Options::default().profile(Profile::parse(&profile).unwrap()).force(Kernel::Subgroup)
}

/// Adapters that have subgroups; what is left out is printed.
fn with_subgroups() -> Vec<AdapterEntry> {
    let has = |entry: &AdapterEntry| entry.adapter.features().contains(wgpu::Features::SUBGROUP);
    let (with, without): (Vec<_>, Vec<_>) = common::test_adapters().into_iter().partition(has);
    without.iter().for_each(|entry| println!("without subgroups: {entry}"));
    with
}

#[test]
fn a_short_row_has_as_few_lanes_as_hold_it() {
    let of = |sizes, cols: u64| {
        let mut caps = Capabilities::WEBGPU;
        (caps.device, caps.subgroups) = (wgpu::DeviceType::DiscreteGpu, Some(sizes));
        let shipped = Profile::of_device(&caps);
        let choice = choose(cols, cols.is_multiple_of(4), None, &caps, shipped).unwrap();
        (choice.kernel, choice.lanes, choice.held)
    };
    // Aligned rows: units of four elements, up to eight of them a lane.
    for (cols, lanes, held) in [(36, 2, 5), (64, 2, 8), (68, 4, 5), (128, 4, 8), (300, 16, 5), (512, 16, 8)] {
        assert_eq!(of((32, 32), cols), (Kernel::Subgroup, lanes, held), "{cols}");
        assert_eq!(of((32, 64), cols), (Kernel::Subgroup, lanes, held), "{cols}");
    }
    // Single elements: as many lanes as read a sector side by side.
    for (cols, lanes, held) in [(33, 8, 5), (63, 8, 8), (125, 8, 16)] {
        assert_eq!(of((32, 32), cols), (Kernel::Subgroup, lanes, held), "{cols}");
    }
    // Quarters: units of four, of which lanes side by side read one element each at a time.
    for (cols, lanes, held) in [(129, 8, 5), (255, 8, 8), (301, 16, 5), (511, 16, 8)] {
        assert_eq!(of((32, 32), cols), (Kernel::Subgroup, lanes, held), "{cols}");
    }
    // Whole subgroups, where all have one size.
    assert_eq!(of((32, 32), 1024), (Kernel::Subgroup, 0, 8));
    assert_eq!(of((32, 64), 1024), (Kernel::Subgroup, 32, 8));
    // Where small ones may come, as many lanes as those have.
    assert_eq!(of((4, 64), 256), (Kernel::Subgroup, 4, 16));
    assert_eq!(of((4, 64), 260).0, Kernel::Workgroup);
    // A size that no device is known to have.
    assert_eq!(of((6, 12), 64), (Kernel::Subgroup, 0, 3));
}

/// A profile of one rung for many lengths does not fix the lanes.
#[test]
fn what_a_lane_holds_may_be_bounded() {
    let mut caps = Capabilities::WEBGPU;
    (caps.device, caps.subgroups) = (wgpu::DeviceType::DiscreteGpu, Some((32, 32)));
    let own = Profile::parse("wgpu-softmax profile 1\ncols 1024 subgroup held=4").unwrap();
    let of = |cols: u64| {
        let choice = choose(cols, true, None, &caps, &own).unwrap();
        (choice.lanes, choice.held)
    };
    assert_eq!([64, 128, 256, 512, 1024].map(of), [(4, 4), (8, 4), (16, 4), (0, 4), (0, 8)]);
}

/// Groups of rows and of columns that end anywhere, and sums of one word and of two.
fn check(context: &Context, label: &str) {
    let mut ran = 0;
    for (rows, cols) in [(1, 3), (7, 8), (33, 33), (100, 64), (9, 125), (66, 128), (5, 800)] {
        let (shape, x) = (Shape::rows(rows, cols), common::gpu::logits(rows * cols));
        for kind in OpKind::ALL.into_iter().filter(|kind| *kind != OpKind::RowStats) {
            let op = Op::new(kind).scale(0.75);
            // More than a lane holds.
            let Ok(got) = context.run_blocking(op, &x, shape) else { continue };
            let want = common::expected(op, &x, shape);
            assert!(common::same(&got, &want), "{label}: {rows} x {cols}, {kind:?}");
            ran += 1;
        }
    }
    assert!(ran >= 15, "{label}: {ran} batches");
}

#[test]
fn they_give_the_bits_of_the_specification() {
    for entry in with_subgroups() {
        for units in [1, 4, 16] {
            for options in [held(units), held(units).sealed()] {
                let label = format!("{entry}, {units} units, sealed: {}", options.sealed);
                check(&pollster::block_on(Context::on(entry.clone(), options)).unwrap(), &label);
            }
        }
    }
}

/// Workgroups may be smaller than subgroups, where a device has such a limit.
#[test]
fn small_workgroups_compute_every_row() {
    for entry in with_subgroups() {
        for most in [1, 2, 4, 8] {
            let mut limits = entry.adapter.limits();
            limits.max_compute_invocations_per_workgroup = most;
            limits.max_compute_workgroup_size_x = most;
            let context = Context::on_limited(entry.clone(), held(8), limits);
            check(&pollster::block_on(context).unwrap(), &format!("{entry}, workgroups of {most}"));
        }
    }
}

/// Tensors of every kind, with two lanes a row or more.
#[test]
fn tensors_have_the_bits_of_the_specification() {
    let cases = battery(3);
    let step = if is_full() { 1 } else { 4 };
    for entry in with_subgroups() {
        let (ran, failures) = by_options(&entry, held(16), cases.iter().step_by(step));
        assert!(ran > 10 && failures.is_empty(), "{entry}, {ran}:\n{}", failures.join("\n"));
    }
}

/// llvmpipe has subgroups as wide as it is told, and so more lanes and more steps.
#[test]
fn wider_subgroups_give_the_same_bits() {
    for test in ["they_give_the_bits_of_the_specification", "small_workgroups_compute_every_row"] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let output = child.args([test, "--exact"]).env("LP_NATIVE_VECTOR_WIDTH", "512").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
}
