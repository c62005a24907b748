//! Profiles: whatever they say, the bits are the CPU's; what they say wrongly is told with its line.

mod common;

use wgpu_softmax::gpu::planner::{Capabilities, choose};
use wgpu_softmax::gpu::profile::{DeviceKey, Numbers, ProfileKey, Rows, Rung, SubgroupKey};
use wgpu_softmax::gpu::{Kernel, Options, Profile};
use wgpu_softmax::verify::{Thoroughness, cases, expected, first_difference};
use wgpu_softmax::{Context, Error, Shape};

/// Profiles at the ends of what may be said: one kernel for all it takes, the smallest and the
/// largest workgroups, parts of one trip, thresholds in the wrong places.
const EXTREMES: [&str; 7] = [
    "cols any split group=1 trips=1",
    "cols any split group=1024 trips=512",
    "cols 2 thread group=1\ncols any thread-loop group=1024 rewrite=no",
    "cols any tile group=1024\ncols any workgroup group=2\ncols any workgroup-loop group=1 rewrite=no",
    "cols 1 split\ncols 2 workgroup group=1024\ncols any subgroup group=1\ncols any subgroup-loop rewrite=no",
    "cols 40 subgroup held=1\ncols 100 subgroup held=16 group=512\ncols any subgroup held=64\ncols any split",
    "cols 40 workgroup-loop group=512 rewrite=yes\ncols any workgroup aligned\ncols any split group=4 trips=3",
];

fn profile(rungs: &str) -> Profile {
    Profile::parse(&format!("wgpu-softmax profile 1\n{rungs}\n")).unwrap_or_else(|e| panic!("{e}: {rungs}"))
}

#[test]
fn extreme_profiles_give_the_bits_of_the_specification() {
    let full = std::env::var_os("SOFTMAX_FULL").is_some();
    // Compiling takes the time: each fifth case goes to one profile in turn, or with SOFTMAX_FULL all
    // go to all. Five has no factor in common with the number of profiles.
    let (sample, turns) = if full { (1, 1) } else { (5, EXTREMES.len()) };
    let edges: &[usize] = if full { &[31, 32, 33, 40, 100] } else { &[] };
    for entry in common::test_adapters() {
        let contexts = EXTREMES.map(|rungs| {
            let options = Options::default().profile(profile(rungs));
            (rungs, pollster::block_on(Context::on(entry.clone(), options)).unwrap())
        });
        for (i, case) in cases(Thoroughness::Quick, edges).step_by(sample).enumerate() {
            let expected = expected(&case);
            for (rungs, context) in contexts.iter().skip(i % turns).step_by(turns) {
                let got = context.run_blocking(case.op, &case.data, Shape::rows(case.rows, case.cols));
                let got = got.unwrap_or_else(|e| panic!("{entry} {rungs:?}: {}: {e}", case.name));
                let got: Vec<u32> = got.into_iter().map(f32::to_bits).collect();
                let difference = first_difference(&case, &expected, &got);
                assert!(difference.is_none(), "{entry} {rungs:?}: {}", difference.unwrap());
            }
        }
    }
}

/// A discrete GPU of a vendor, with subgroups of 32.
fn discrete(vendor: u32) -> Capabilities {
    let mut caps = Capabilities::WEBGPU;
    (caps.vendor, caps.device) = (vendor, wgpu_softmax::wgpu::DeviceType::DiscreteGpu);
    caps.subgroups = Some((32, 32));
    caps
}

#[test]
fn the_planner_goes_by_the_profile_and_beyond_it_by_the_shipped_one() {
    let caps = discrete(0x10de);
    let own = profile(
        "cols 64 thread\ncols 99 workgroup-loop unaligned\ncols 100 workgroup aligned\ncols 200 workgroup-loop group=64",
    );
    let kernel = |cols, aligned| choose(cols, aligned, None, &caps, &own).unwrap().kernel;
    // 64 columns are 16 units where they are aligned; one at a time they are more than an invocation holds.
    assert_eq!(kernel(64, true), Kernel::Thread);
    assert_eq!(kernel(63, false), Kernel::WorkgroupLoop);
    assert_eq!(kernel(100, true), Kernel::Workgroup);
    assert_eq!(kernel(99, false), Kernel::WorkgroupLoop);
    assert_eq!(choose(200, true, None, &caps, &own).unwrap().workgroup, 64);
    let shipped = Profile::of_device(&caps);
    for cols in [201, 5000, 1 << 20] {
        let beyond = choose(cols, true, None, &caps, shipped).unwrap();
        assert_eq!(choose(cols, true, None, &caps, &own).unwrap(), beyond, "{cols}");
    }
}

#[test]
fn no_lane_holds_more_than_its_bins_take() {
    let mut software = discrete(1);
    (software.device, software.subgroups) = (wgpu_softmax::wgpu::DeviceType::Cpu, Some((8, 8)));
    let small = profile("cols any workgroup group=2");
    for caps in [software, discrete(1)] {
        for kernel in [Kernel::Thread, Kernel::Tile, Kernel::Subgroup, Kernel::Workgroup] {
            for cols in 1..20_000 {
                let choice = choose(cols, cols % 4 == 0, Some(kernel), &caps, &small);
                assert!(choice.is_err() || choice.unwrap().held <= 512, "{kernel:?} {cols}");
            }
        }
    }
    let thread = |cols| choose(cols, cols % 4 == 0, Some(Kernel::Thread), &software, &small);
    assert!(thread(255).is_ok() && thread(257).is_err() && thread(256).is_ok() && thread(260).is_err());
}

#[test]
fn a_devices_limits_lower_what_a_profile_asks_for() {
    let mut caps = discrete(1);
    caps.workgroup_memory = 16384;
    let own = profile("cols 32 tile group=1024\ncols any workgroup-loop group=1024");
    // A tile of 33 words a row: 64 rows are 8448 bytes, 128 would be 16896.
    assert_eq!(choose(32, false, None, &caps, &own).unwrap().workgroup, 64);
    assert_eq!(choose(5000, false, None, &caps, &own).unwrap().workgroup, 256);
}

#[test]
fn of_several_profiles_the_one_that_says_most_is_used() {
    for entry in common::test_adapters() {
        let vendor = entry.info.vendor;
        let any = profile("cols 7 thread");
        let fitting = profile(&format!("vendor {vendor:#x}\ncols 8 thread"));
        let foreign = profile(&format!("vendor {:#x}\ncols 9 thread", vendor ^ 1));
        let used = |profiles: &[&Profile]| {
            let options = profiles.iter().fold(Options::default(), |o, p| o.profile((*p).clone()));
            let context = pollster::block_on(Context::on(entry.clone(), options)).unwrap();
            context.ops().unwrap().profile().clone()
        };
        assert_eq!(used(&[&fitting, &any, &foreign]), fitting);
        assert_eq!(used(&[&any, &foreign]), any);
        assert!(Profile::shipped().contains(&used(&[&foreign])));
    }
}

#[test]
fn every_device_has_a_shipped_profile_that_takes_rows_of_any_length() {
    use wgpu_softmax::wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, Other, VirtualGpu};
    for device in [Cpu, DiscreteGpu, IntegratedGpu, Other, VirtualGpu] {
        for subgroups in [None, Some((4, 4)), Some((32, 64))] {
            let mut caps = discrete(0x1234);
            (caps.device, caps.subgroups) = (device, subgroups);
            let shipped = Profile::of_device(&caps);
            assert_eq!(shipped.rungs().last().unwrap().cols, u64::MAX);
            for cols in [1, 32, 33, 1000, 100_000, 1 << 24] {
                choose(cols, cols % 4 == 0, None, &caps, shipped).unwrap();
            }
        }
    }
}

#[test]
fn the_text_form_reads_back() {
    let mut rung = Rung::new(u64::MAX, Kernel::Split);
    (rung.numbers.group, rung.numbers.trips) = (Some(8), Some(64));
    let mut few = Rung::new(100, Kernel::Subgroup);
    few.numbers.held = Some(4);
    let mut looped = Rung::new(1000, Kernel::WorkgroupLoop);
    (looped.rows, looped.numbers.rewrite) = (Rows::Unaligned, Some(true));
    let mut key = ProfileKey::of(&discrete(0x1002));
    for profile in [Profile::new(key, vec![few, looped, rung]).unwrap(), {
        (key.vendor, key.device, key.subgroups) = (None, DeviceKey::Any, SubgroupKey::Some);
        Profile::new(key, Vec::new()).unwrap()
    }] {
        assert_eq!(Profile::parse(&profile.to_text()).unwrap(), profile, "{}", profile.to_text());
    }
    for profile in Profile::shipped() {
        assert_eq!(Profile::parse(&profile.to_text()).unwrap(), *profile);
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, line, why) in [
        ("", 1, "nothing is there"),
        ("\n# remark\nprofile 1", 3, "a profile begins \"wgpu-softmax profile 1\""),
        ("wgpu-softmax profile 2", 1, "a profile begins"),
        (
            "wgpu-softmax profile 1\nvendor nvidia",
            2,
            "vendor \"nvidia\"; it is any, or a number such as 0x10de",
        ),
        ("wgpu-softmax profile 1\ndevice fast", 2, "it is one of any, software, hardware"),
        ("wgpu-softmax profile 1\nsubgroups 32", 2, "sizes such as 32..64"),
        ("wgpu-softmax profile 1\n\ncols many thread", 3, "cols \"many\"; it must be a whole number"),
        ("wgpu-softmax profile 1\ncols 3 threads", 2, "kernel \"threads\"; there are thread, thread-loop"),
        ("wgpu-softmax profile 1\ncols 0 thread", 2, "at least 1"),
        ("wgpu-softmax profile 1\ncols 9 thread\ncols 8 tile", 3, "8 columns come after 9"),
        ("wgpu-softmax profile 1\ncols 9 thread group=48", 2, "a power of two, at most 1024"),
        ("wgpu-softmax profile 1\ncols 9 thread group=0", 2, "a power of two"),
        ("wgpu-softmax profile 1\ncols 9 thread group=-1", 2, "group \"-1\"; it must be a whole number"),
        ("wgpu-softmax profile 1\ncols 9 thread trips=3", 2, "trips belong to the kernel split"),
        ("wgpu-softmax profile 1\ncols 9 subgroup held=0", 2, "held=0; it must be between 1 and 64"),
        ("wgpu-softmax profile 1\ncols 9 tile held=4", 2, "held belongs to the kernel subgroup, not to tile"),
        ("wgpu-softmax profile 1\ncols 9 split trips=513", 2, "between 1 and 512"),
        ("wgpu-softmax profile 1\ncols 9 thread rewrite", 2, "\"rewrite\"; a rung takes aligned"),
        ("wgpu-softmax profile 1\nspeed 9", 2, "\"speed 9\"; a line is vendor V"),
    ] {
        let error = Profile::parse(text).unwrap_err();
        assert!(matches!(error, Error::Profile { line: Some(at), .. } if at == line), "{error}");
        let told = error.to_string();
        assert!(told.contains(why) && !told.contains('\n'), "{text:?} says {told:?}");
    }
    let mut rung = Rung::new(5, Kernel::Thread);
    rung.numbers = Numbers::default();
    rung.numbers.group = Some(3);
    let error = Profile::new(ProfileKey::default(), vec![rung]).unwrap_err();
    assert_eq!(error.to_string(), "profile: rung 0: group=3; it must be a power of two, at most 1024");
}
