//! A stream in which nothing fails but a mapping: no device is lost, and memory is not short.

#[path = "../../../tests/common/watchdog.rs"]
mod watchdog;

use super::*;
use crate::gpu::Options;
use crate::gpu::named::test_adapters;
use crate::stream::{Each, Fallback, Stream};
use crate::{Context, LogSumExp, OpKind, Softmax, cpu};

fn shape() -> Shape {
    Shape::rows(6000, 100)
}

/// Elements, and what the CPU makes of them.
fn batch(op: Op) -> (Vec<f32>, Vec<f32>) {
    let x: Vec<f32> = (0..600_000).map(|i| (i as f32 * 1.7).sin() * 9.0).collect();
    let mut want = vec![0.0; op.kind.output_words(shape()).unwrap() as usize];
    cpu::run(op, &x, shape(), &mut want).unwrap();
    (x, want)
}

fn contexts() -> impl Iterator<Item = Context> {
    test_adapters()
        .into_iter()
        .map(|entry| pollster::block_on(Context::on(entry, Options::default())).unwrap())
}

/// About 20 chunks, in three slots.
fn stream(context: &Context, op: Op) -> Stream<'_> {
    Stream::new(context, op, shape()).memory(700_000).device_memory(700_000)
}

/// Lets the host map no result of one slot any more. What is computed does not change.
fn refuse(context: &Context, slot: usize) {
    let gpu = context.gpu().unwrap();
    let mut transfer = pollster::block_on(gpu.transfer.lock());
    let slot = transfer.slot(slot);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let storage = buffer(&gpu.open, "refused", slot.output.size(), usage, false);
    slot.output = Side { storage, host: None };
    slot.plans.clear();
}

/// A context whose ring is there, after a stream that went well.
fn used(context: Context, op: Op, x: &[f32]) -> Context {
    stream(&context, op).run_blocking(x, Each(|_: &[f32]| Ok(()))).unwrap();
    context
}

/// What a stream that stops says: one line.
fn stopped(error: &Error) -> u64 {
    let Error::Stopped { finished, rows: 6000, cause } = error else { panic!("{error:?}") };
    let line = error.to_string();
    assert!(matches!(**cause, Error::Device { .. }) && line.lines().count() == 1, "{line}");
    *finished
}

#[test]
fn the_cpu_finishes_where_a_mapping_is_refused() {
    let _watchdog = watchdog::Watchdog::new("the_cpu_finishes_where_a_mapping_is_refused");
    for op in [Op::new(OpKind::Softmax), LogSumExp::new().into()] {
        let (x, want) = batch(op);
        for slot in 0..3 {
            for context in contexts() {
                let context = used(context, op, &x);
                refuse(&context, slot);
                let mut out = vec![0.0; want.len()];
                let run = stream(&context, op).fallback(Fallback::Cpu).run_blocking(&x[..], &mut out[..]);
                let summary = run.unwrap();
                assert!(summary.faults.len() == 1 && summary.shares[0].on_cpu, "{summary:?}");
                assert_eq!(out, want);
            }
            for context in contexts() {
                let context = used(context, op, &x);
                refuse(&context, slot);
                let mut out = vec![0.0; want.len()];
                stopped(&stream(&context, op).run_blocking(&x[..], &mut out[..]).unwrap_err());
            }
        }
    }
}

/// The buffers in which the host finds results.
fn hosts(context: &Context) -> Vec<wgpu::Buffer> {
    let transfer = pollster::block_on(context.gpu().unwrap().transfer.lock());
    transfer.ring.iter().map(|slot| slot.output.host().clone()).collect()
}

#[test]
fn the_cpu_finishes_where_a_mapping_fails_in_the_middle() {
    let _watchdog = watchdog::Watchdog::new("the_cpu_finishes_where_a_mapping_fails_in_the_middle");
    let op: Op = Softmax::new().into();
    let (x, want) = batch(op);
    for fallback in [Fallback::Cpu, Fallback::Stop] {
        for context in contexts() {
            let context = used(context, op, &x);
            let hosts = hosts(&context);
            let (mut taken, mut chunks) = (Vec::new(), 0);
            // While the fifth chunk is delivered the sixth is under way, or has landed.
            let sink = Each(|words: &[f32]| {
                taken.extend_from_slice(words);
                chunks += 1;
                if chunks == 5 {
                    hosts[5 % hosts.len()].destroy();
                }
                Ok(())
            });
            match stream(&context, op).fallback(fallback).run_blocking(&x[..], sink) {
                Ok(summary) => {
                    assert!(fallback == Fallback::Cpu && taken == want);
                    assert!(summary.faults.len() == 1 && summary.shares[0].on_cpu, "{summary:?}");
                }
                Err(error) => {
                    assert_eq!(fallback, Fallback::Stop, "{error}");
                    let finished = stopped(&error);
                    assert!(finished > 0 && finished as usize * 100 == taken.len(), "{finished}");
                    assert_eq!(taken, want[..taken.len()]);
                }
            }
        }
    }
}
