//! How long small work takes: opening a device, a first plan and a cached one, one row of 1000 through
//! `Context` and `Plan` many times over, and the command from its start to its end.
//!
//! `cargo bench --bench latency -- [--adapter NAME] [--calls 10000] [--command target/release/softmax
//! FILE.npy]`. Allocations count those of all threads of this process; "bare wgpu" makes the same calls
//! of wgpu as `Context` with nothing around them. Answers are compared with the CPU's bits first.

#[path = "../tests/common/bare.rs"]
mod bare;
#[path = "../tests/common/counting.rs"]
mod counting;

use std::process::{Command, Stdio};
use std::time::Instant;

use bare::Bare;
use counting::allocations;
use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters};
use wgpu_softmax::gpu::{DTypes, Ops, Options, SoftmaxArgs};
use wgpu_softmax::{Context, Op, OpKind, Shape, cpu, wgpu};

const COLS: usize = 1000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let after = |name: &str, n: usize| {
        words.iter().position(|word| word == name).and_then(|at| words.get(at + n)).cloned()
    };
    let calls = after("--calls", 1).map_or(10_000, |n| n.parse().expect("a number of calls"));
    let part = after("--adapter", 1).unwrap_or_default().to_lowercase();
    if let Some(command) = after("--command", 1) {
        return start(&command, &after("--command", 2).expect("a .npy file"), &part);
    }
    let x: Vec<f32> = (0..COLS).map(|i| (i as f32 * 1.7).sin() * 8.0).collect();
    context("Context, cpu", &Context::cpu("a benchmark"), &x, calls);
    let since = Instant::now();
    let found = pollster::block_on(adapters());
    println!("finding adapters: {}", ms(since));
    for entry in found.iter().filter(|entry| entry.to_string().to_lowercase().contains(&part)) {
        println!("\n{entry}, driver {} {}", entry.info.driver, entry.info.driver_info);
        first(entry, &x);
        let open = pollster::block_on(Context::on(entry.clone(), Options::default())).expect("it opens");
        context("Context", &open, &x, calls);
        let small = Options::default().small_on_cpu(true);
        let open = pollster::block_on(Context::on(entry.clone(), small)).expect("it opens");
        context("Context, small on CPU", &open, &x, calls);
        let bare = Bare::new(entry, Op::new(OpKind::Softmax), Shape::rows(1, COLS));
        let mut out = vec![0.0; COLS];
        bare.run(&x, &mut out);
        check(&x, &out);
        each("bare wgpu", calls, || bare.run(&x, &mut out));
        let bare = bare.without_clock();
        each("bare wgpu, no timestamps", calls, || bare.run(&x, &mut out));
        each("Plan, encode to fence", calls, || {
            let mut encoder = bare.device.create_command_encoder(&Default::default());
            bare.plan.encode(&mut encoder);
            bare.queue.submit([encoder.finish()]);
            bare.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        });
        each("empty submit to fence", calls, || {
            bare.queue.submit([bare.device.create_command_encoder(&Default::default()).finish()]);
            bare.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        });
    }
}

fn ms(since: Instant) -> String {
    format!("{:.2} ms", since.elapsed().as_secs_f64() * 1e3)
}

fn check(x: &[f32], out: &[f32]) {
    let mut want = vec![0.0; COLS];
    cpu::softmax(x, Shape::rows(1, COLS), &mut want).expect("the CPU takes every shape");
    assert!(out.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "the bits differ");
}

/// The steps from an adapter to a first result, and to a second one.
fn first(entry: &AdapterEntry, x: &[f32]) {
    let since = Instant::now();
    let context = pollster::block_on(Context::on(entry.clone(), Options::default())).expect("it opens");
    println!("opening: {}", ms(since));
    let since = Instant::now();
    let ops = pollster::block_on(Ops::new(context.device().expect("a GPU"), Options::default()))
        .expect("it binds buffers");
    let prepared = ops.prepare(Op::new(OpKind::Softmax), Shape::rows(1, COLS), DTypes::F32);
    println!("first plan, prepared: {}", ms(since));
    let buffer = |usage| {
        let size = (COLS * 4) as u64;
        let usage = usage | wgpu::BufferUsages::STORAGE;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        context.device().expect("a GPU").create_buffer(&descriptor)
    };
    let (input, output) = (buffer(wgpu::BufferUsages::COPY_DST), buffer(wgpu::BufferUsages::COPY_SRC));
    let since = Instant::now();
    let _plan = prepared.expect("it compiles").bind(SoftmaxArgs::new(&input, &output)).expect("it fits");
    println!("and bound: {}", ms(since));
    let since = Instant::now();
    let again = ops.prepare(Op::new(OpKind::Softmax), Shape::rows(1, COLS), DTypes::F32);
    let _plan = again.expect("it is there").bind(SoftmaxArgs::new(&input, &output)).expect("it fits");
    println!("cached plan, prepared and bound: {}", ms(since));
    let since = Instant::now();
    let out = context.softmax_blocking(x, Shape::rows(1, COLS)).expect("the device works");
    println!("first call of a context: {}", ms(since));
    check(x, &out);
}

fn context(name: &str, context: &Context, x: &[f32], calls: usize) {
    let mut out = vec![0.0; COLS];
    let mut run = || {
        let op = Op::new(OpKind::Softmax);
        context.run_into_blocking(op, x, Shape::rows(1, COLS), &mut out).expect("the device works");
    };
    run();
    each(name, calls, &mut run);
    check(x, &out);
}

/// Runs something many times and prints how long one takes.
fn each(name: &str, calls: usize, mut run: impl FnMut()) {
    (0..calls / 10).for_each(|_| run());
    let mut times = Vec::with_capacity(calls);
    let before = allocations();
    for _ in 0..calls {
        let since = Instant::now();
        run();
        times.push(since.elapsed().as_secs_f64() * 1e6);
    }
    let allocated = (allocations() - before) as f64 / calls as f64;
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{name:>24}: {:8.2} us median, {:8.2} to {:8.2} (10 to 90 %), {allocated:.2} allocations",
        at(0.5),
        at(0.1),
        at(0.9)
    );
}

/// What a run of the command may find kept: ours, and the driver's own (Mesa's variables; another driver
/// keeps its own as it likes).
const KEPT: [(&str, &[(&str, &str)]); 4] = [
    ("nothing", &[("SOFTMAX_NO_CACHE", "1"), ("MESA_SHADER_CACHE_DISABLE", "true")]),
    ("ours", &[("MESA_SHADER_CACHE_DISABLE", "true")]),
    ("the driver's", &[("SOFTMAX_NO_CACHE", "1")]),
    ("both", &[]),
];

/// From the command's start to its end, on each device with each kind of cache, in turn.
fn start(command: &str, file: &str, part: &str) {
    const ROUNDS: usize = 15;
    let folder = std::env::temp_dir().join(format!("softmax-latency-{}", std::process::id()));
    let mut devices = vec![("auto".to_owned(), "auto".to_owned()), ("cpu".to_owned(), "cpu".to_owned())];
    devices.extend(pollster::block_on(adapters()).iter().map(|e| (e.index.to_string(), e.to_string())));
    devices.retain(|(_, name)| name.to_lowercase().contains(part));
    for (device, name) in devices {
        let mut times = [const { Vec::new() }; KEPT.len()];
        for round in 0..=ROUNDS {
            for (times, (kept, variables)) in times.iter_mut().zip(KEPT) {
                let since = Instant::now();
                let status = Command::new(command)
                    .args(["run", file, "-o", "/dev/null", "--device", &device])
                    .env("XDG_CACHE_HOME", folder.join(kept))
                    .env("MESA_SHADER_CACHE_DIR", folder.join(kept))
                    .envs(variables.iter().copied())
                    .stdout(Stdio::null())
                    .status();
                assert!(status.expect("the command starts").success(), "the command fails");
                // The first one leaves what the others find.
                if round > 0 {
                    times.push(since.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        for (times, (kept, _)) in times.iter_mut().zip(KEPT) {
            times.sort_by(f64::total_cmp);
            let (median, best) = (times[times.len() / 2], times[0]);
            println!("{name}: with {kept} kept: {median:.1} ms median, {best:.1} ms best");
        }
    }
    // Nothing is left behind, wherever a run kept something.
    let _ = std::fs::remove_dir_all(folder);
}
