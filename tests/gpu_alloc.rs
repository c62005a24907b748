//! A call in the steady state allocates nothing of its own: on a GPU exactly what wgpu allocates for the
//! same calls made by hand, on the CPU nothing. One test, so that no other one's allocations count.

#[path = "common/bare.rs"]
mod bare;
mod common;
#[path = "common/counting.rs"]
mod counting;

use bare::Bare;
use common::gpu::logits;
use counting::allocations;
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{DTypes, Ops, Options, SoftmaxArgs};
use wgpu_softmax::wgpu::{self, BufferUsages as Usage};
use wgpu_softmax::{Context, Op, OpKind, Shape, Softmax};

/// Calls that are counted in a round.
const CALLS: usize = 256;
/// Fewer in a round than an allocation in every 32nd call would make.
const FEW: usize = CALLS / 32;
/// Small batches: larger ones go through the stream's loop, which allocates some for each call.
const SHAPES: [(usize, usize); 2] = [(1, 1000), (16, 1000)];

/// What calls allocate once everything is warm.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Allocations {
    /// One call. wgpu has less to do in one whose work is done at the first look, so the 90th percentile.
    call: usize,
    /// Beyond that in a whole round, as a queue makes them that grows now and then.
    surplus: usize,
}

impl Allocations {
    /// Counted in all threads; of a few rounds the quietest, since wgpu's pools and other threads make
    /// some of their own.
    fn of(mut call: impl FnMut()) -> Self {
        let mut counts = [0; CALLS];
        let mut round = |_| {
            for count in &mut counts {
                let before = allocations();
                call();
                *count = allocations() - before;
            }
            counts.sort_unstable();
            let usual = counts[CALLS * 9 / 10];
            Self { call: usual, surplus: counts.iter().map(|count| count.saturating_sub(usual)).sum() }
        };
        // The first round warms up.
        round(0);
        (0..5).map(round).min_by_key(|found| (found.call, found.surplus)).unwrap()
    }

    fn round(self) -> usize {
        self.call * CALLS + self.surplus
    }

    /// Whether nothing was added to what `bare` allocates.
    fn no_more_than(self, bare: Self) -> bool {
        self.round() < bare.round() + FEW
    }
}

fn by_context(context: &Context, op: Op, shape: Shape, x: &[f32], out: &mut [f32]) -> Allocations {
    let words = op.kind.output_words(shape).unwrap() as usize;
    Allocations::of(|| {
        context.run_into_blocking(op, x, shape, &mut out[..words]).unwrap();
    })
}

fn on_gpu(entry: &AdapterEntry, shape: Shape, x: &[f32], out: &mut [f32]) {
    let op = Op::new(OpKind::Softmax);
    let bare = Bare::new(entry, op, shape).without_clock();
    let theirs = Allocations::of(|| bare.run(x, out));
    let context = pollster::block_on(Context::on(entry.clone(), Options::default())).unwrap();
    let ours = by_context(&context, op, shape, x, out);
    assert!(theirs.call > 0, "{entry}: wgpu allocates for a submission, or nothing was counted");
    assert!(ours.no_more_than(theirs), "{entry}: {ours:?} by Context, {theirs:?} by hand");
    println!("{entry}: {} allocations per call, all of them wgpu's", theirs.call);
    // With an executor of the caller's, the device's own thread waits; it counts too.
    let waited = Allocations::of(|| {
        pollster::block_on(context.run_into(op, x, shape, out)).unwrap();
    });
    assert!(waited.no_more_than(theirs), "{entry}: {waited:?} with a thread that waits, {theirs:?} by hand");
}

/// A plan's recording and submission allocate what one dispatch by hand with as many bindings does.
fn on_plan(entry: &AdapterEntry) {
    let bare = Bare::new(entry, Op::new(OpKind::Softmax), Shape::rows(1, 1000));
    let ops = pollster::block_on(Ops::new(&bare.device, Options::default())).unwrap();
    // Buffers that are mapped by nobody, as by hand.
    let [input, output] = [4000; 2].map(|size| buffer(&bare.device, size, Usage::STORAGE));
    let prepared = ops.prepare(Softmax::new(), Shape::rows(1, 1000), DTypes::F32).unwrap();
    let plan = prepared.bind(SoftmaxArgs::new(&input, &output)).unwrap();
    let (pipeline, bindings) = by_hand(&bare.device);
    let submit = |record: &dyn Fn(&mut wgpu::ComputePass<'_>)| {
        Allocations::of(|| {
            let mut encoder = bare.device.create_command_encoder(&Default::default());
            record(&mut encoder.begin_compute_pass(&Default::default()));
            bare.queue.submit([encoder.finish()]);
            bare.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        })
    };
    let ours = submit(&|pass| plan.record(pass));
    let theirs = submit(&|pass| {
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        pass.dispatch_workgroups(1, 1, 1);
    });
    assert!(ours.no_more_than(theirs), "{entry}: {ours:?} by a plan, {theirs:?} by hand");
}

fn buffer(device: &wgpu::Device, size: u64, usage: Usage) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

/// A pipeline that is not ours, with a uniform buffer and three storage buffers.
fn by_hand(device: &wgpu::Device) -> (wgpu::ComputePipeline, wgpu::BindGroup) {
    let text = "
        @group(0) @binding(0) var<uniform> a: vec4<u32>;
        @group(0) @binding(1) var<storage, read> b: array<u32>;
        @group(0) @binding(2) var<storage, read_write> c: array<u32>;
        @group(0) @binding(3) var<storage, read> d: array<u32>;
        @compute @workgroup_size(1) fn main() { c[0] = a.x + b[0] + d[0]; }";
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(text.into()),
    });
    // Sizes left open, as ours are: wgpu checks them at each dispatch, with one allocation.
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    let types = [wgpu::BufferBindingType::Uniform, storage(true), storage(false), storage(true)];
    let entries = [0, 1, 2, 3].map(|binding: u32| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: types[binding as usize],
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    });
    let layout =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: None,
        compilation_options: Default::default(),
        cache: None,
    });
    let usages = [Usage::UNIFORM, Usage::STORAGE, Usage::STORAGE, Usage::STORAGE];
    let buffers = usages.map(|usage| buffer(device, 16, usage));
    let entries = [0, 1, 2, 3].map(|binding: usize| wgpu::BindGroupEntry {
        binding: binding as u32,
        resource: buffers[binding].as_entire_binding(),
    });
    let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &layout,
        entries: &entries,
    });
    (pipeline, bindings)
}

#[test]
fn nothing_of_ours_is_allocated_per_call() {
    // In debug builds wgpu keeps a backtrace of each lock it takes where RUST_BACKTRACE asks for them, and
    // those allocate by the depth of the caller's stack.
    // SAFETY: this is the program's only test, and no other thread of it has begun anything yet.
    unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") };
    let x = logits(20_000);
    let mut out = vec![0.0; x.len()];
    let (cpu, adapters) = (Context::cpu("a test"), common::test_adapters());
    for (rows, cols) in SHAPES {
        let (shape, x, out) = (Shape::rows(rows, cols), &x[..rows * cols], &mut out[..rows * cols]);
        let none = Allocations { call: 0, surplus: 0 };
        for kind in OpKind::ALL {
            assert_eq!(by_context(&cpu, Op::new(kind), shape, x, out), none, "{kind:?} on the CPU");
        }
        for entry in &adapters {
            on_gpu(entry, shape, x, out);
        }
    }
    let (shape, x, out) = (Shape::rows(1, 1000), &x[..1000], &mut out[..1000]);
    for entry in adapters {
        on_plan(&entry);
        let small = Options::default().small_on_cpu(true);
        let context = pollster::block_on(Context::on(entry.clone(), small)).unwrap();
        let found = by_context(&context, Op::new(OpKind::Softmax), shape, x, out);
        assert_eq!(found.call, 0, "{entry}: a small batch that goes to the CPU");
    }
}
