//! Streams: a file to a file against a plain copy of it, a batch through a device against the same in
//! memory, and the memory that a stream takes, however long its input.
//!
//! `cargo bench --bench stream -- [--only file|device|memory] [--gib 2] [--rounds 5] [--cols 1000]
//! [--memory MIB] [--dir DIR]`. Answers are compared with the CPU's bits first. Each ratio is taken within a round, in
//! turn, and the median over the rounds is printed, by the wall and by processor time. `docs/performance-stream.md` has
//! the results.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use wgpu_softmax::gpu::Options;
use wgpu_softmax::gpu::adapter::adapters;
use wgpu_softmax::stream::{Each, Positioned, Source, Stream, Writer};
use wgpu_softmax::{Context, Shape, Softmax, cpu};

struct Arguments {
    only: Option<String>,
    gib: f64,
    rounds: usize,
    cols: usize,
    memory: Option<u64>,
    dir: PathBuf,
    /// Set in the processes that the memory is measured of.
    child: Option<String>,
}

fn arguments() -> Arguments {
    let dir = std::env::temp_dir();
    let mut found = Arguments { only: None, gib: 2.0, rounds: 5, cols: 1000, memory: None, dir, child: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--only" => found.only = Some(value()),
            "--gib" => found.gib = value().parse().expect("a number"),
            "--rounds" => found.rounds = value().parse().expect("a number"),
            "--cols" => found.cols = value().parse().expect("a number"),
            "--memory" => found.memory = Some(value().parse::<u64>().expect("a number of MiB") << 20),
            "--dir" => found.dir = value().into(),
            "--child" => found.child = Some(value()),
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    found
}

fn main() {
    let arguments = arguments();
    if let Some(device) = &arguments.child {
        return child(device, &arguments);
    }
    let wanted = |part| arguments.only.as_deref().is_none_or(|only| only == part);
    if wanted("file") {
        files(&arguments);
    }
    if wanted("device") {
        devices(&arguments);
    }
    if wanted("memory") {
        memory(&arguments);
    }
}

/// The wall's seconds and the process's own.
#[derive(Clone, Copy)]
struct Taken {
    wall: f64,
    cpu: f64,
}

fn timed(work: impl FnOnce()) -> Taken {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    work();
    Taken { wall: wall.elapsed().as_secs_f64(), cpu: cpu_seconds() - cpu }
}

/// Seconds of processor time that the process has had, with what the system did for it.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints the medians of both and of their ratios.
fn report(what: &str, ours: &[Taken], theirs: &[Taken]) {
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

fn rows(arguments: &Arguments) -> usize {
    ((arguments.gib * f64::from(1 << 28)) as usize / arguments.cols).max(1)
}

/// Logits in [-8, 8), by position.
fn fill(at: u64, into: &mut [f32]) {
    for (i, x) in into.iter_mut().enumerate() {
        let hash = (at + i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        *x = hash as f32 / (1u64 << 20) as f32 - 8.0;
    }
}

fn create(path: &Path, elements: usize) {
    let mut file = File::create(path).expect("the directory takes a file");
    let mut piece = vec![0.0f32; 1 << 20];
    for start in (0..elements).step_by(piece.len()) {
        let piece = &mut piece[..(elements - start).min(1 << 20)];
        fill(start as u64, piece);
        file.write_all(bytemuck::cast_slice(piece)).expect("the directory takes a file");
    }
}

/// What `cp` does: read and write, 128 KiB at a time.
fn copy_file(from: &Path, to: &Path) {
    let (mut from, mut to) = (File::open(from).unwrap(), File::create(to).unwrap());
    let mut piece = vec![0u8; 128 << 10];
    loop {
        let n = from.read(&mut piece).unwrap();
        if n == 0 {
            return;
        }
        to.write_all(&piece[..n]).unwrap();
    }
}

fn map(path: &Path) -> memmap2::Mmap {
    let file = File::open(path).unwrap();
    // SAFETY: the file is this program's own, and nobody shortens it.
    unsafe { memmap2::Mmap::map(&file).unwrap() }
}

/// Compares the first and the last rows with the CPU's.
fn check(cols: usize, x: &[f32], y: &[f32]) {
    assert_eq!(x.len(), y.len());
    let rows = (1_000_000 / cols).clamp(1, x.len() / cols);
    for start in [0, x.len() - rows * cols] {
        let mut want = vec![0.0; rows * cols];
        let part = start..start + rows * cols;
        cpu::softmax(&x[part.clone()], Shape::rows(rows, cols), &mut want).unwrap();
        let same = want.iter().zip(&y[part]).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "the bits differ");
    }
}

/// A file in the page cache through the CPU, against a copy of it.
fn files(arguments: &Arguments) {
    let (rows, cols) = (rows(arguments), arguments.cols);
    let (from, to) = (arguments.dir.join("stream-bench-in"), arguments.dir.join("stream-bench-out"));
    create(&from, rows * cols);
    let context = Context::cpu("a measurement");
    let shape = Shape::rows(rows, cols);
    let stream = || {
        let stream = Stream::new(&context, Softmax::new(), shape);
        if let Some(bytes) = arguments.memory { stream.memory(bytes) } else { stream }
    };
    let mapped = || {
        let map = map(&from);
        let sink = Writer::new(File::create(&to).unwrap());
        stream().run_blocking(bytemuck::cast_slice::<_, f32>(&map), sink).unwrap();
    };
    let positioned = || {
        let sink = Writer::new(File::create(&to).unwrap());
        stream().run_blocking(Positioned::new(File::open(&from).unwrap(), 0), sink).unwrap();
    };
    for work in [&mapped as &dyn Fn(), &positioned] {
        work();
        check(cols, bytemuck::cast_slice(&map(&from)), bytemuck::cast_slice(&map(&to)));
    }
    let mut taken = [const { Vec::new() }; 3];
    for _ in 0..arguments.rounds {
        // Each begins without its output, as a command does.
        for (work, taken) in
            [&mapped as &dyn Fn(), &positioned, &|| copy_file(&from, &to)].iter().zip(&mut taken)
        {
            std::fs::remove_file(&to).expect("it was written");
            taken.push(timed(work));
        }
    }
    println!("{rows} x {cols} from file to file on the CPU, against read and write:");
    report("  memory map", &taken[0], &taken[2]);
    report("  read by position", &taken[1], &taken[2]);
    std::fs::remove_file(&from).unwrap();
    std::fs::remove_file(&to).unwrap();
}

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

/// A slice that is read, as a file is.
struct Reread<'a>(&'a [f32]);

impl Source for Reread<'_> {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.0.read(at, into)
    }
}

/// A batch through each device, against the same batch in memory.
fn devices(arguments: &Arguments) {
    let (rows, cols) = (rows(arguments), arguments.cols);
    let shape = Shape::rows(rows, cols);
    let (mut x, mut y, mut z) = (vec![0.0; rows * cols], vec![0.0; rows * cols], vec![0.0; rows * cols]);
    fill(0, &mut x);
    for entry in pollster::block_on(adapters()) {
        println!("{rows} x {cols} through {entry}, against the same in memory:");
        let context = pollster::block_on(Context::on(entry, Options::default())).expect("it opens");
        let mut taken = [const { Vec::new() }; 3];
        for round in 0..=arguments.rounds {
            let in_memory = timed(|| {
                context.run_into_blocking(Softmax::new(), &x, shape, &mut y).unwrap();
            });
            let stream = || Stream::new(&context, Softmax::new(), shape).memory(512 << 20);
            let slices = timed(|| {
                stream().run_blocking(&x[..], &mut z[..]).unwrap();
            });
            check(cols, &x, &z);
            let mut at = 0;
            let sink = Each(|words: &[f32]| {
                z[at..at + words.len()].copy_from_slice(words);
                at += words.len();
                Ok(())
            });
            let calls = timed(|| {
                stream().run_blocking(Reread(&x), sink).unwrap();
            });
            check(cols, &x, &z);
            // The first round compiles, and touches memory for the first time.
            if round > 0 {
                for (taken, new) in taken.iter_mut().zip([slices, calls, in_memory]) {
                    taken.push(new);
                }
            }
        }
        report("  slices, 512 MiB allowed", &taken[0], &taken[2]);
        report("  a source and a sink that copy", &taken[1], &taken[2]);
    }
}

/// The peak memory of processes that stream more and more.
fn memory(arguments: &Arguments) {
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
fn child(device: &str, arguments: &Arguments) {
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
