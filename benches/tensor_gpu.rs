//! Tensors on each adapter against plain rows of the same number of elements, by the processor time of the
//! process (on software adapters that is the device's): each in turn with plain softmax, and the median of
//! the ratios. Batches lie on the device; from the submission to the fence. First use is the time from a
//! shape to its first result, once: with drivers that keep compiled shaders, say so to them
//! (`MESA_SHADER_CACHE_DISABLE=true`).
//!
//! `cargo bench --bench tensor_gpu -- [--cols 64,1000,4096] [--elements 4194304] [--runs 9]`

mod common;

use common::logits;
use cpu_time::ProcessTime;
use wgpu::util::DeviceExt;
use wgpu_softmax::gpu::adapter::adapters;
use wgpu_softmax::gpu::{DTypes, Ops, Options, Plan, SoftmaxArgs, Terms};
use wgpu_softmax::{Context, DType, Shape, Softmax, f16, wgpu};

/// A device with buffers for every operand.
struct Bench<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    ops: &'a Ops,
    x: wgpu::Buffer,
    halves: wgpu::Buffer,
    mask: wgpu::Buffer,
    y: wgpu::Buffer,
}

impl<'a> Bench<'a> {
    fn new(context: &'a Context, count: usize) -> Self {
        let (device, queue) = (context.device().expect("a GPU"), context.queue().expect("a GPU"));
        let x = logits(count);
        let halves: Vec<f16> = x.iter().map(|x| f16::from_f32(*x)).collect();
        let mask: Vec<u8> = (0..count).map(|i| u8::from(i % 7 != 3)).collect();
        let filled = |contents: &[u8]| {
            device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: None,
                contents,
                usage: wgpu::BufferUsages::STORAGE,
            })
        };
        let ops = context.ops().expect("a GPU");
        let (x, y) = (filled(bytemuck::cast_slice(&x)), filled(bytemuck::cast_slice(&vec![0.0f32; count])));
        Self { device, queue, ops, x, halves: filled(bytemuck::cast_slice(&halves)), mask: filled(&mask), y }
    }

    /// A plan, and the seconds of its first use.
    fn plan(&self, shape: Shape, types: DTypes, terms: &Terms, masked: bool) -> (Plan, f64) {
        let start = ProcessTime::now();
        let prepared = self.ops.prepare_tensor(Softmax::new(), shape, types, terms).expect("a kernel");
        let input = if types.input == DType::F16 { &self.halves } else { &self.x };
        let mut args = SoftmaxArgs::new(input, &self.y);
        if masked {
            args = args.mask(&self.mask);
        }
        let plan = prepared.bind(args).expect("the buffers fit");
        let mut encoder = self.device.create_command_encoder(&Default::default());
        plan.encode(&mut encoder);
        self.queue.submit([encoder.finish()]);
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
        (plan, start.elapsed().as_secs_f64())
    }

    fn seconds(&self, plan: &Plan) -> f64 {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        plan.encode(&mut encoder);
        let start = ProcessTime::now();
        self.queue.submit([encoder.finish()]);
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
        start.elapsed().as_secs_f64()
    }
}

fn measure(bench: &Bench, name: &str, cols: usize, elements: usize, runs: usize) {
    let rows = elements / cols;
    let (shape, down) = (Shape::rows(rows, cols), Shape::along(&[cols, rows], &[0]).expect("an axis"));
    let square = Shape::along(&[rows / cols.min(rows), cols.min(rows), cols], &[-1]).expect("an axis");
    let share = square.elements().expect("small") as f64 / (rows * cols) as f64;
    let (halves, nothing) = (DTypes::new(DType::F16, DType::F16), Terms::new());
    let mask = Terms::new().mask_bytes(&[rows, cols]);
    let (plain, first) = bench.plan(shape, DTypes::F32, &nothing, false);
    let plans = [
        ("axis 0", 1.0, bench.plan(down, DTypes::F32, &nothing, false)),
        ("f16, axis 0", 1.0, bench.plan(down, halves, &nothing, false)),
        ("f16", 1.0, bench.plan(shape, halves, &nothing, false)),
        ("mask of bytes", 1.0, bench.plan(shape, DTypes::F32, &mask, true)),
        ("causal", share, bench.plan(square, DTypes::F32, &Terms::new().causal(), false)),
    ];
    for (what, share, (plan, own_first)) in &plans {
        let times: Vec<_> =
            (0..=runs).map(|_| (bench.seconds(plan) / share, bench.seconds(&plain))).skip(1).collect();
        let mut ratios: Vec<f64> = times.iter().map(|(own, plain)| own / plain).collect();
        ratios.sort_by(f64::total_cmp);
        let best = times.iter().fold((f64::MAX, f64::MAX), |best, t| (best.0.min(t.0), best.1.min(t.1)));
        let each = 1e9 / (rows * cols) as f64;
        let kernel = |plan: &Plan| plan.kernel().map_or("none", |kernel| kernel.name());
        println!(
            "{name}  {cols:6} columns  {what:14} time {:5.2} (best {:.2} against {:.2} ns an element)   \
             first use {:5.2} (against {:.2} s)   {} against {}",
            ratios[ratios.len() / 2],
            best.0 * each,
            best.1 * each,
            own_first / first,
            first,
            kernel(plan),
            kernel(&plain)
        );
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let given = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let number = |name, default| given(name).map_or(default, |n| n.parse().expect("a number"));
    let cols = given("--cols").map_or("64,1000,4096", |cols| cols);
    let (elements, runs) = (number("--elements", 1 << 22), number("--runs", 9));
    for entry in pollster::block_on(adapters()) {
        let name = entry.to_string();
        let context = pollster::block_on(Context::on(entry, Options::default())).expect("the adapter works");
        let bench = Bench::new(&context, elements);
        for cols in cols.split(',') {
            measure(&bench, &name, cols.parse().expect("a number of columns"), elements, runs);
        }
    }
}
