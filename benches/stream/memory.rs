//! The memory that a stream takes, however long its input.

use std::io;

use wgpu_softmax::gpu::Options;
use wgpu_softmax::gpu::adapter::adapters;
use wgpu_softmax::stream::{Each, Source, Stream};
use wgpu_softmax::{Context, Shape, Softmax};

use super::{Arguments, fill, rows};

/// A source that is not in memory.
struct Made;

impl Source for Made {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        fill(at, into);
        Ok(())
    }

    fn can_go_back(&self) -> bool {
        true
    }
}

/// The peak memory of processes that stream more and more.
pub fn memory(arguments: &Arguments) {
    println!("peak resident memory in MiB, 256 MiB allowed, softmax of 1000 columns, made and dropped:");
    let devices = pollster::block_on(adapters());
    let names = devices.iter().map(|entry| entry.index.to_string()).chain(["cpu".into()]);
    for device in names {
        for gib in [1, 2, 4, 8] {
            let program = std::env::current_exe().expect("it runs");
            let child = std::process::Command::new(program)
                .args(["--child", &device, "--gib", &gib.to_string(), "--cols", &arguments.cols.to_string()])
                .output()
                .expect("it runs again");
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
            println!("  device {device:>4}, {gib} GiB: {}", String::from_utf8_lossy(&child.stdout).trim());
        }
    }
}

/// Streams so much, and says what memory that took.
pub fn child(device: &str, arguments: &Arguments) {
    let context = match device {
        "cpu" => Context::cpu("a measurement"),
        index => {
            let index: usize = index.parse().expect("an index");
            let entry = pollster::block_on(adapters()).remove(index);
            pollster::block_on(Context::on(entry, Options::default())).expect("it opens")
        }
    };
    let shape = Shape::rows(rows(arguments), arguments.cols);
    let mut words = 0u64;
    let sink = Each(|piece: &[f32]| {
        words += piece.len() as u64;
        Ok(())
    });
    let before = peak_kib();
    Stream::new(&context, Softmax::new(), shape).memory(256 << 20).run_blocking(Made, sink).unwrap();
    assert_eq!(words, shape.elements().unwrap());
    println!("{} (before the stream {})", peak_kib() / 1024, before / 1024);
}

/// Peak resident memory of this process in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
