//! What makes starts short: compiled pipelines that outlive a device, and small batches that do not wait
//! for one.

mod common;

use common::gpu::{Gpu, logits};
use wgpu_softmax::break_even::{Costs, Estimate};
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{Compiled, DTypes, Kernel, Options, SoftmaxArgs};
use wgpu_softmax::wgpu::{self, Features};
use wgpu_softmax::{Context, LogSumExp, Op, OpKind, Precision, Shape, Softmax, cpu};

fn open(entry: &AdapterEntry, options: Options) -> Context {
    pollster::block_on(Context::on(entry.clone(), options)).unwrap()
}

fn expected(op: Op, x: &[f32], shape: Shape) -> Vec<f32> {
    let mut out = vec![0.0; op.kind.output_words(shape).unwrap() as usize];
    cpu::run(op, x, shape, &mut out).unwrap();
    out
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn has_cache(entry: &AdapterEntry) -> bool {
    entry.adapter.features().contains(Features::PIPELINE_CACHE)
}

#[test]
fn compiled_pipelines_go_from_one_device_to_the_next() {
    let (shape, x) = (Shape::rows(40, 300), logits(12_000));
    let op = Op::new(OpKind::Softmax);
    let mut some = false;
    for entry in common::test_adapters() {
        let first = open(&entry, Options::default().compiled(Compiled::new()));
        let want = first.softmax_blocking(&x, shape).unwrap();
        assert_eq!(bits(&want), bits(&expected(op, &x, shape)));
        assert_eq!(first.compiled().is_some(), has_cache(&entry), "{entry}");
        assert!(open(&entry, Options::default()).compiled().is_none(), "nobody asked for any");
        let Some(kept) = first.compiled() else { continue };
        some = true;
        drop(first);
        // SAFETY: they were written by `to_bytes`.
        let read = unsafe { Compiled::from_bytes(&kept.to_bytes()) }.unwrap();
        assert_eq!(read, kept);
        let second = open(&entry, Options::default().compiled(read));
        assert_eq!(bits(&second.softmax_blocking(&x, shape).unwrap()), bits(&want), "{entry}");
        assert_eq!(second.compiled(), Some(kept), "{entry}: nothing new was compiled");
    }
    assert!(some, "no adapter has pipeline caches: wgpu's Vulkan backend does");
}

#[test]
fn an_application_brings_its_own_pipeline_cache_or_none() {
    let (shape, x) = (Shape::rows(4, 100), logits(400));
    for entry in common::test_adapters() {
        let gpu = Gpu::new(&entry, Features::PIPELINE_CACHE, |_| {});
        let mut options = vec![Options::default().compiled(Compiled::new())];
        if has_cache(&entry) {
            let descriptor = wgpu::PipelineCacheDescriptor { label: None, data: None, fallback: true };
            // SAFETY: there is no data.
            let cache = unsafe { gpu.device.create_pipeline_cache(&descriptor) };
            options.push(Options::default().pipeline_cache(cache));
        }
        for options in options {
            let ops = gpu.ops(options);
            let (input, output) = (gpu.filled(0, &x), gpu.filled(0, &x));
            let prepared = ops.prepare(Softmax::new(), shape, DTypes::F32).unwrap();
            let plan = prepared.bind(SoftmaxArgs::new(&input, &output)).unwrap();
            let got = gpu.submit(&[&plan], &output);
            assert_eq!(got[..400], bits(&expected(Op::new(OpKind::Softmax), &x, shape)), "{entry}");
            assert_eq!(ops.compiled().is_some(), has_cache(&entry), "{entry}");
        }
        // A device without the feature goes without.
        let plain = Gpu::new(&entry, Features::empty(), |_| {});
        assert!(plain.ops(Options::default().compiled(Compiled::new())).compiled().is_none());
    }
}

#[test]
fn a_small_batch_goes_to_the_cpu_and_says_so() {
    let (shape, x) = (Shape::rows(1, 100), logits(100));
    for entry in common::test_adapters() {
        let context = open(&entry, Options::default().small_on_cpu(true));
        for kind in OpKind::ALL {
            let op = Op::new(kind);
            let mut out = vec![0.0; op.kind.output_words(shape).unwrap() as usize];
            let timing = context.run_into_blocking(op, &x, shape, &mut out).unwrap();
            let Estimate { cpu, gpu } = timing.small.expect("100 elements are few");
            assert!(timing.kernel == "cpu" && cpu < gpu, "{entry}: {timing:?}");
            assert_eq!(bits(&out), bits(&expected(op, &x, shape)));
        }
        let mut data = x.clone();
        let timing = context.run_in_place_blocking(Softmax::new(), &mut data, shape).unwrap();
        assert!(timing.small.is_some() && timing.kernel == "cpu");
        assert_eq!(bits(&data), bits(&expected(Op::new(OpKind::Softmax), &x, shape)));
    }
}

#[test]
fn a_large_batch_a_fast_one_and_an_explicit_choice_stay_on_the_gpu() {
    let (small, large) = (Shape::rows(1, 20), Shape::rows(4200, 1000));
    let x = logits(4_200_000);
    for entry in common::test_adapters() {
        let on_gpu = |options: Options, op: Op, shape: Shape| {
            let x = &x[..shape.elements().unwrap() as usize];
            let mut out = vec![0.0; op.kind.output_words(shape).unwrap() as usize];
            let timing = open(&entry, options).run_into_blocking(op, x, shape, &mut out).unwrap();
            assert!(timing.small.is_none() && timing.kernel != "cpu", "{entry}: {timing:?}");
            if op.precision == Precision::Reproducible {
                assert_eq!(bits(&out), bits(&expected(op, x, shape)));
            }
        };
        let wanted = Options::default().small_on_cpu(true);
        on_gpu(wanted.clone(), LogSumExp::new().into(), large);
        on_gpu(wanted.clone(), Softmax::new().precision(Precision::Fast).into(), small);
        on_gpu(wanted.force(Kernel::Thread), Softmax::new().into(), small);
        on_gpu(Options::default(), Softmax::new().into(), small);
    }
}

#[test]
fn a_device_that_is_lost_does_not_keep_small_batches_waiting() {
    for entry in common::test_adapters() {
        let context = open(&entry, Options::default().small_on_cpu(true));
        context.device().unwrap().destroy();
        // It cannot be measured, so the batch goes to it and tells.
        let result = context.softmax_blocking(&[1.0; 100], Shape::rows(10, 10));
        assert!(matches!(result, Err(wgpu_softmax::Error::Device { .. })), "{entry}: {result:?}");
    }
}

#[test]
fn the_estimate_is_what_the_costs_say() {
    let costs = Costs { cpu_rate: 2e9, gpu_start: 1e-3, gpu_rate: Some(4e9) };
    let Estimate { cpu, gpu } = costs.estimate(4_000_000);
    assert_eq!((cpu.as_micros(), gpu.as_micros()), (2000, 2000));
}
