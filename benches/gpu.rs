//! Kernel time on each adapter: the answers are compared with the CPU's bits first, then the kernels
//! that take the shape are timed in turn, by the device's clock (else by the wall around a fenced
//! submit) and by the time this process got on the CPU, which is steadier on software adapters.
//! Ratios are medians over the rounds, against the first line of a shape.
//!
//! `cargo bench --bench gpu -- [--adapter NAME] [--kernel NAME|all] [--shape 8192x4096] [--fast]
//! [--op softmax|log-softmax|logsumexp] [--end-to-end] [--json]`

use std::time::Instant;

use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters};
use wgpu_softmax::gpu::{DTypes, Kernel, Ops, Options, Plan, SoftmaxArgs};
use wgpu_softmax::{Context, Op, OpKind, Precision, Shape, cpu, wgpu};

/// The shapes of the design's table: rows and columns.
const SHAPES: [(usize, usize); 8] = [
    (1_000_000, 3),
    (65_536, 128),
    (16_384, 1000),
    (8192, 4096),
    (1024, 32_768),
    (128, 50_257),
    (256, 131_072),
    (1, 16_777_216),
];
/// Timed repetitions; the median is printed.
const REPEATS: usize = 11;

struct Arguments {
    adapter: Option<String>,
    kernels: Vec<Option<Kernel>>,
    shapes: Vec<(usize, usize)>,
    precisions: Vec<Precision>,
    kind: OpKind,
    end_to_end: bool,
    json: bool,
}

fn arguments() -> Arguments {
    let mut found = Arguments {
        adapter: None,
        kernels: vec![None],
        shapes: SHAPES.to_vec(),
        precisions: vec![Precision::Reproducible, Precision::Fast],
        kind: OpKind::Softmax,
        end_to_end: false,
        json: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--adapter" => found.adapter = Some(value().to_lowercase()),
            "--kernel" => found.kernels = kernels(&value()),
            "--shape" => found.shapes = value().split(',').map(shape).collect(),
            "--op" => {
                let name = value();
                found.kind =
                    *OpKind::ALL.iter().find(|k| k.name() == name).expect("the name of an operation");
            }
            "--fast" => found.precisions = vec![Precision::Fast],
            "--end-to-end" => found.end_to_end = true,
            "--json" => found.json = true,
            // What cargo itself passes.
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    found
}

fn kernels(text: &str) -> Vec<Option<Kernel>> {
    if text == "all" {
        return std::iter::once(None).chain(Kernel::ALL.map(Some)).collect();
    }
    let named =
        |name: &str| Kernel::ALL.into_iter().find(|k| k.name() == name).expect("the name of a kernel");
    text.split(',').map(|name| Some(named(name))).collect()
}

fn shape(text: &str) -> (usize, usize) {
    let (rows, cols) = text.split_once('x').expect("ROWSxCOLS");
    (rows.parse().expect("a number of rows"), cols.parse().expect("a number of columns"))
}

fn main() {
    let arguments = arguments();
    for entry in pollster::block_on(adapters()) {
        let name = entry.to_string().to_lowercase();
        if arguments.adapter.as_ref().is_none_or(|part| name.contains(part)) {
            measure_adapter(&entry, &arguments);
        }
    }
}

fn measure_adapter(entry: &AdapterEntry, arguments: &Arguments) {
    if !arguments.json {
        println!("\n{entry}, driver {} {}", entry.info.driver, entry.info.driver_info);
        println!(
            "{:>18} {:>15} {:>12} {:>10} {:>8} {:>10} {:>8}",
            "shape", "kernel", "precision", "ms", "GB/s", "CPU ms", "ratio"
        );
    }
    let features = entry.adapter.features() & (wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY);
    let (device, queue) = pollster::block_on(entry.adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: features,
        required_limits: entry.adapter.limits(),
        ..Default::default()
    }))
    .expect("the adapter gives a device");
    for &(rows, cols) in &arguments.shapes {
        let x = logits(rows, cols);
        let batch = Batch::new(&device, &queue, &x, Shape::rows(rows, cols));
        let mut runs = batch.candidates(arguments);
        for run in &runs {
            batch.once(&run.plan);
            batch.check(run.op, &x);
        }
        for _ in 0..REPEATS {
            for run in &mut runs {
                run.times.push(batch.once(&run.plan));
            }
        }
        for run in &runs {
            let ratio = median(run.times.iter().zip(&runs[0].times).map(|(own, first)| own.1 / first.1));
            let kernel = run.plan.kernel().map_or("none", Kernel::name);
            let (ms, cpu) = (median(run.times.iter().map(|t| t.0)), median(run.times.iter().map(|t| t.1)));
            report(entry, arguments, (rows, cols), kernel, run.op.precision, ms, Some((cpu, ratio)));
        }
        if arguments.end_to_end {
            for &precision in &arguments.precisions {
                let op = Op::new(arguments.kind).precision(precision);
                let ms = end_to_end(entry, op, &x, Shape::rows(rows, cols));
                report(entry, arguments, (rows, cols), "end-to-end", precision, ms, None);
            }
        }
    }
}

/// A plan with its times: milliseconds by the device's clock and on the CPU.
struct Run {
    op: Op,
    plan: Plan,
    times: Vec<(f64, f64)>,
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// What this process got on the CPU so far, all threads, in ms; 0 where the system does not say.
fn cpu_ms() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
    times.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e6
}

fn report(
    entry: &AdapterEntry,
    arguments: &Arguments,
    (rows, cols): (usize, usize),
    kernel: &str,
    precision: Precision,
    ms: f64,
    cpu: Option<(f64, f64)>,
) {
    let rate = (rows * cols * 8) as f64 / ms / 1e6;
    let precision = if precision == Precision::Fast { "fast" } else { "reproducible" };
    let (cpu, ratio) = cpu.unwrap_or_default();
    if arguments.json {
        println!(
            "{{\"adapter\":\"{entry}\",\"op\":\"{}\",\"rows\":{rows},\"cols\":{cols},\"kernel\":\"{kernel}\",\
             \"precision\":\"{precision}\",\"ms\":{ms:.4},\"gb_per_s\":{rate:.3},\"cpu_ms\":{cpu:.4},\"ratio\":{ratio:.4}}}",
            arguments.kind.name()
        );
    } else {
        let shape = format!("{rows}x{cols}");
        println!("{shape:>18} {kernel:>15} {precision:>12} {ms:>10.3} {rate:>8.2} {cpu:>10.3} {ratio:>8.3}");
    }
}

/// Uniform logits in [-8, 8), from a small generator.
fn logits(rows: usize, cols: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 * 16.0 - 8.0
    };
    (0..rows * cols).map(|_| next()).collect()
}

/// A batch on the device.
struct Batch<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    shape: Shape,
    input: wgpu::Buffer,
    output: wgpu::Buffer,
}

impl<'a> Batch<'a> {
    fn new(device: &'a wgpu::Device, queue: &'a wgpu::Queue, x: &[f32], shape: Shape) -> Self {
        let buffer = |usage| {
            let size = size_of_val(x) as u64;
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let input = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST);
        let output = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
        queue.write_buffer(&input, 0, bytemuck::cast_slice(x));
        Self { device, queue, shape, input, output }
    }

    /// Plans for each precision and kernel that takes the shape.
    fn candidates(&self, arguments: &Arguments) -> Vec<Run> {
        let mut found = Vec::new();
        for &precision in &arguments.precisions {
            for &kernel in &arguments.kernels {
                let op = Op::new(arguments.kind).precision(precision);
                let mut options = Options::default();
                options.force = kernel;
                let ops =
                    pollster::block_on(Ops::new(self.device, options)).expect("the device binds buffers");
                let Ok(prepared) = ops.prepare(op, self.shape, DTypes::F32) else { continue };
                let Ok(plan) = prepared.bind(SoftmaxArgs::new(&self.input, &self.output)) else { continue };
                found.push(Run { op, plan, times: Vec::new() });
            }
        }
        found
    }

    /// Milliseconds of one run: by the device's clock, and on the CPU.
    fn once(&self, plan: &Plan) -> (f64, f64) {
        let before = cpu_ms();
        let ms = self.run(plan);
        (ms, cpu_ms() - before)
    }

    fn run(&self, plan: &Plan) -> f64 {
        let clock = self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let queries = clock.then(|| {
            self.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            })
        });
        {
            let writes = queries.as_ref().map(|query_set| wgpu::ComputePassTimestampWrites {
                query_set,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            });
            let mut pass = encoder
                .begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes: writes });
            plan.record(&mut pass);
        }
        let Some(queries) = queries else {
            let start = Instant::now();
            self.queue.submit([encoder.finish()]);
            self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
            return start.elapsed().as_secs_f64() * 1e3;
        };
        let resolved = self.small(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let host = self.small(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
        encoder.resolve_query_set(&queries, 0..2, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &host, 0, 16);
        self.queue.submit([encoder.finish()]);
        let bytes = self.read(&host);
        let ticks: &[u64] = bytemuck::cast_slice(&bytes);
        (ticks[1] - ticks[0]) as f64 * f64::from(self.queue.get_timestamp_period()) / 1e6
    }

    fn small(&self, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let descriptor = wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false };
        self.device.create_buffer(&descriptor)
    }

    fn read(&self, host: &wgpu::Buffer) -> Vec<u8> {
        host.map_async(wgpu::MapMode::Read, .., |result| result.expect("the buffer is mapped"));
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        let bytes = host.get_mapped_range(..).expect("it is mapped").to_vec();
        host.unmap();
        bytes
    }

    /// Compares the results on the device with the CPU's: bits, or for Fast a loose bound.
    fn check(&self, op: Op, x: &[f32]) {
        let words = op.kind.output_words(self.shape).expect("the shape was prepared") as usize;
        let size = (words * 4) as u64;
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        let host = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.output, 0, &host, 0, size);
        self.queue.submit([encoder.finish()]);
        let bytes = self.read(&host);
        let got: &[f32] = bytemuck::cast_slice(&bytes);
        let mut want = vec![0.0; words];
        let exact = op.precision(Precision::Reproducible);
        cpu::run(exact, x, self.shape, &mut want).expect("the CPU takes every shape");
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            let close = (got - want).abs() <= 1e-4 * want.abs() + 1e-30;
            let same = got.to_bits() == want.to_bits() || (op.precision == Precision::Fast && close);
            assert!(same, "result {i}: {got:e} where the CPU has {want:e}");
        }
    }
}

/// Median time from host slice to host slice through a context, in ms.
fn end_to_end(entry: &AdapterEntry, op: Op, x: &[f32], shape: Shape) -> f64 {
    let context = pollster::block_on(Context::on(entry.clone(), Options::default())).expect("it opens");
    let mut out = vec![0.0; op.kind.output_words(shape).expect("the shape fits") as usize];
    let mut times: Vec<f64> = (0..=REPEATS)
        .map(|_| {
            let timing = context.run_into_blocking(op, x, shape, &mut out).expect("the device works");
            timing.total.as_secs_f64() * 1e3
        })
        .collect();
    times.remove(0);
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}
