//! A stream's memory is what it was told, however long the batch and however slow the sink.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::gpu::logits;
use common::watchdog::Watchdog;
use common::{expected, same};
use wgpu_softmax::gpu::Options;
use wgpu_softmax::stream::{Each, Fallback, SharedSource, Source, Stream};
use wgpu_softmax::{Context, Error, LogSoftmax, Shape, Softmax, wgpu};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Tests of this file take turns: they count the whole process.
static TURN: Mutex<()> = Mutex::new(());

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes on the heap at most while `f` runs, beyond those before.
fn peak(f: impl FnOnce()) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    f();
    PEAK.load(Ordering::Relaxed) - before
}

/// Elements made as they are asked for; `again` says whether any may be asked for.
struct Made {
    again: bool,
}

impl Source for Made {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        for (i, x) in into.iter_mut().enumerate() {
            *x = ((at + i as u64) % 977) as f32 * 0.01;
        }
        Ok(())
    }

    fn can_go_back(&self) -> bool {
        self.again
    }
}

/// What rayon, the first call and the test itself take.
const SLACK: usize = 1 << 20;

fn stream(context: &Context, shape: Shape, memory: usize, again: bool, sink_rests: bool) -> usize {
    let mut words = 0u64;
    let sink = Each(|piece: &[f32]| {
        words += piece.len() as u64;
        if sink_rests {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(())
    });
    let stream = Stream::new(context, Softmax::new(), shape).memory(memory as u64).fallback(Fallback::Cpu);
    let found = peak(|| {
        stream.run_blocking(Made { again }, sink).unwrap();
    });
    assert_eq!(words, shape.elements().unwrap());
    found
}

#[test]
fn the_cpu_keeps_to_the_budget_however_much_there_is() {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    let _watchdog = Watchdog::new("the_cpu_keeps_to_the_budget_however_much_there_is");
    let context = Context::cpu("a test");
    for memory in [1 << 20, 6 << 20] {
        // 1 MiB and 128 MiB of elements; the longer batch with a sink that rests.
        let short = stream(&context, Shape::rows(256, 1024), memory, false, false);
        let long = stream(&context, Shape::rows(32_768, 1024), memory, false, true);
        assert!(short <= memory + SLACK && long <= memory + SLACK, "{short} and {long} of {memory}");
        // Rows of 16 MiB in pieces.
        let cut = stream(&context, Shape::rows(3, 1 << 22), memory, true, false);
        assert!(cut <= memory + SLACK, "{cut} of {memory}");
    }
}

#[test]
fn what_is_kept_for_a_fallback_is_bound_too() {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    let _watchdog = Watchdog::new("what_is_kept_for_a_fallback_is_bound_too");
    for entry in common::test_adapters() {
        let context = pollster::block_on(Context::on(entry, Options::default())).unwrap();
        let memory = 6 << 20;
        stream(&context, Shape::rows(1000, 1024), memory, false, false);
        let long = stream(&context, Shape::rows(16_384, 1024), memory, false, true);
        assert!(long <= memory + SLACK, "{long} of {memory}");
    }
}

#[test]
fn from_memory_to_memory_nothing_is_copied() {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    let context = Context::cpu("a test");
    let x = vec![1.0; 1 << 20];
    let mut out = vec![0.0; 1 << 20];
    let mut run = || {
        let stream = Stream::new(&context, LogSoftmax::new(), Shape::rows(1 << 10, 1 << 10));
        stream.run_blocking(&x[..], &mut out[..]).unwrap();
    };
    // A thread of rayon's keeps scratch from its first work on, which may come in any of the runs.
    let memory = (0..5).map(|_| peak(&mut run)).min().unwrap();
    // From memory to memory: the elements are nowhere else.
    assert!(memory < 1 << 16, "{memory}");
}

/// A whole batch of elements for several threads at a time; whether it can go back is left to the default.
struct Shared(Vec<f32>);

impl Source for Shared {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.read_shared(at, into)
    }

    fn shared(&self) -> Option<&dyn SharedSource> {
        Some(self)
    }
}

impl SharedSource for Shared {
    fn read_shared(&self, at: u64, into: &mut [f32]) -> io::Result<()> {
        into.copy_from_slice(&self.0[at as usize..][..into.len()]);
        Ok(())
    }
}

#[test]
fn what_takes_no_memory_needs_no_budget() {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    let (shape, x) = (Shape::rows(30, 100), logits(3000));
    let want = expected(Softmax::new().into(), &x, shape);
    let mut out = vec![0.0; 3000];
    let cpu = Context::cpu("a test");
    Stream::new(&cpu, Softmax::new(), shape).memory(0).run_blocking(&x[..], &mut out[..]).unwrap();
    assert!(same(&out, &want));
    let refused =
        Stream::new(&cpu, Softmax::new(), shape).memory(0).run_blocking(Shared(x.clone()), &mut out[..]);
    let Err(Error::Memory { needed, budget: 0, .. }) = &refused else { panic!("{refused:?}") };
    assert!(*needed > 0, "{refused:?}");
    // The buffers of a program on the CPU are the host's memory: it has none of its own.
    let on_cpu = |context: &Context| context.adapter().is_none_or(|adapter| !adapter.is_hardware());
    let contexts = common::test_adapters()
        .into_iter()
        .map(|entry| pollster::block_on(Context::on(entry, Options::default())).unwrap());
    for context in contexts.chain([cpu]).filter(on_cpu) {
        out.fill(0.0);
        let stream = Stream::new(&context, Softmax::new(), shape).device_memory(0);
        stream.run_blocking(&x[..], &mut out[..]).unwrap();
        assert!(same(&out, &want));
    }
}

#[test]
fn a_limit_of_buffers_is_not_called_memory() {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    let x = logits(1000);
    for entry in common::test_adapters() {
        let limits = wgpu::Limits {
            max_buffer_size: 1024,
            max_storage_buffer_binding_size: 1024,
            ..entry.adapter.limits()
        };
        let context = pollster::block_on(Context::on_limited(entry, Options::default(), limits)).unwrap();
        let mut out = vec![0.0; 1000];
        let stream = |shape| Stream::new(&context, Softmax::new(), shape);
        let error = stream(Shape::rows(1, 1000)).run_blocking(&x[..], &mut out[..]).unwrap_err();
        assert!(matches!(error, Error::Limit { needed: 4096, limit: 1024, .. }), "{error}");
        stream(Shape::rows(10, 100)).run_blocking(&x[..], &mut out[..]).unwrap();
        assert!(same(&out, &expected(Softmax::new().into(), &x, Shape::rows(10, 100))));
    }
}

#[test]
fn a_shared_source_can_go_back() {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    let (shape, x) = (Shape::rows(1, 300_000), logits(300_000));
    let mut out = vec![0.0; x.len()];
    let context = Context::cpu("a test");
    let stream = Stream::new(&context, Softmax::new(), shape).memory(200_000);
    let summary = stream.run_blocking(Shared(x.clone()), &mut out[..]).unwrap();
    assert!(summary.rows_were_cut && same(&out, &expected(Softmax::new().into(), &x, shape)));
}
