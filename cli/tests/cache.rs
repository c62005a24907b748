//! What a run leaves for later ones, and what it does with what it finds there.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use common::{Bench, adapters, text};
use serde_json::Value;

/// Every kind of file that may lie where a cache is looked for, by a name for messages.
fn damage(whole: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut flipped = whole.to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    vec![
        ("empty", Vec::new()),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("longer", [whole, b"x"].concat()),
        ("one bit", flipped),
        ("foreign", b"\x93NUMPY\x01\x00 something else\n".repeat(100)),
        ("of another version", [b"wgpu-softmax 9.9.9", &whole[18.min(whole.len())..]].concat()),
        ("deep", b"[".repeat(100_000)),
    ]
}

fn bench() -> Bench {
    let bench = Bench::new();
    let values: Vec<f32> = (0..64 * 100).map(|i| (i as f32 * 1.7).sin() * 20.0).collect();
    bench.array("x.npy", "(64, 100)", &values);
    bench.ok("run x.npy -o want.npy --device cpu --no-cache");
    bench
}

fn kept(bench: &Bench) -> BTreeSet<String> {
    let entries = fs::read_dir(bench.cache()).into_iter().flatten();
    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs on a device and compares the file with the CPU's.
fn run(bench: &Bench, options: &str) {
    bench.ok(&format!("run x.npy -o y.npy {options}"));
    let [y, want] = ["y.npy", "want.npy"].map(|name| fs::read(bench.path(name)).unwrap());
    assert!(y == want, "{options}: the files differ");
}

#[test]
fn pipelines_are_kept_where_the_driver_gives_them_and_damage_is_no_error() {
    let mut kept_some = false;
    for index in adapters(&bench()) {
        let bench = bench();
        let device = format!("--device {index}");
        run(&bench, &device);
        for name in kept(&bench) {
            kept_some = true;
            let path = bench.cache().join(&name);
            let whole = fs::read(&path).unwrap();
            assert!(whole.starts_with(b"wgpu-softmax "), "{name}");
            run(&bench, &device);
            assert!(fs::read(&path).unwrap() == whole, "{name}: what is used is kept");
            for (how, bytes) in damage(&whole) {
                fs::write(&path, bytes).unwrap();
                run(&bench, &device);
                assert!(fs::read(&path).unwrap() == whole, "{name}, {how}: it is made anew");
            }
            // Far larger than any cache, and without a disk's worth of zeros.
            fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
            run(&bench, &device);
            assert!(fs::read(&path).unwrap() == whole, "{name}: one that is too large is made anew");
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            run(&bench, &device);
        }
    }
    assert!(kept_some, "no adapter keeps pipelines: wgpu's Vulkan backend does");
}

#[test]
fn nothing_is_kept_where_that_is_turned_off_or_cannot_be() {
    let bench = bench();
    for index in adapters(&bench) {
        run(&bench, &format!("--device {index} --no-cache"));
        let mut command = bench.command(&format!("run x.npy -o y.npy --device {index}"));
        let output = command.env("SOFTMAX_NO_CACHE", "1").output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        assert!(!bench.cache().exists());
    }
    fs::write(bench.cache(), b"a file where the folder should be").unwrap();
    for index in adapters(&bench) {
        run(&bench, &format!("--device {index}"));
    }
}

#[test]
fn several_processes_at_once_leave_whole_files() {
    let bench = bench();
    for index in adapters(&bench) {
        let start = |i| {
            let line = format!("run x.npy -o {i}.npy --device {index}");
            bench.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let running: Vec<_> = (0..6).map(start).collect();
        for (i, process) in running.into_iter().enumerate() {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
            let [y, want] = [&format!("{i}.npy"), "want.npy"].map(|name| fs::read(bench.path(name)).unwrap());
            assert!(y == want, "process {i}");
        }
        assert!(kept(&bench).iter().all(|name| !name.ends_with(".unfinished")), "{:?}", kept(&bench));
        run(&bench, &format!("--device {index}"));
    }
}

fn device(bench: &Bench, options: &str) -> Value {
    let json = bench.ok(&format!("run x.npy -o y.npy --json {options}"));
    serde_json::from_str::<Value>(&json).unwrap()["device"].clone()
}

#[test]
fn auto_gives_the_cpu_what_it_has_done_before_a_gpu_would_have_started() {
    let bench = bench();
    let small = device(&bench, "");
    assert_eq!(small["kind"], "cpu");
    let reason = small["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("25.6 kB take it about 25.6 us, finding and opening a GPU about "),
        "{reason}"
    );
    let told = bench.ok("run x.npy -o y.npy");
    assert!(told.contains(&format!("threads): {reason}")) || told.contains(reason), "{told}");
    // A comparison, operations whose bits differ, and a device by its name are not for the break-even.
    for options in ["--check", "--precision fast", "--device cpu", "--device 0"] {
        let found = device(&bench, options);
        assert!(
            !found["reason"].as_str().unwrap_or_default().contains("take it about"),
            "{options}: {found}"
        );
    }
}

#[test]
fn what_earlier_runs_measured_decides_and_damage_is_no_error() {
    let bench = bench();
    fs::create_dir_all(bench.cache()).unwrap();
    let costs = |text: &str| {
        fs::write(bench.cache().join("costs.json"), text).unwrap();
        device(&bench, "")["reason"].as_str().unwrap_or_default().to_owned()
    };
    let card = |start: &str, rate: &str| {
        format!(r#"{{"cpu_rate":1e8,"gpus":[{{"name":"Card","start":{start},"rate":{rate}}}]}}"#)
    };
    assert_eq!(costs(&card("0.5", "null")), "25.6 kB take it about 256 us, opening Card about 500 ms");
    assert_eq!(
        costs(&card("0.5", "1e6")),
        "25.6 kB take it about 256 us, Card about 526 ms with its opening"
    );
    // A card that is quick to open: auto looks for it, and says what it finds.
    for quick in [card("1e-6", "1e12"), card("0", "null"), card("-1", "null")] {
        assert!(!costs(&quick).contains("take it about"), "{quick}");
    }
    let usual = costs("{}");
    for (how, bytes) in damage(card("0.5", "null").as_bytes()) {
        if how != "of another version" {
            fs::write(bench.cache().join("costs.json"), bytes).unwrap();
            assert_eq!(device(&bench, "")["reason"], usual.as_str(), "{how}");
        }
    }
}

#[test]
fn large_batches_tell_the_cpus_rate() {
    let bench = Bench::new();
    bench.array("x.npy", "(300, 1000)", &vec![1.5; 300_000]);
    bench.ok("run x.npy -o y.npy --device cpu");
    let costs: Value = serde_json::from_slice(&fs::read(bench.cache().join("costs.json")).unwrap()).unwrap();
    assert!(costs["cpu_rate"].as_f64().unwrap() > 1e6, "{costs}");
    assert_eq!(costs["gpus"], serde_json::json!([]));
}
