//! Host slices through a GPU: chunks, reuse, in place, several callers, a dropped call, a lost device.

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Waker};

use common::gpu::logits;
use common::{contexts, expected, same};
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{Kernel, Ops, Options, Plan, Prepared};
use wgpu_softmax::stream::{Reader, Stream};
use wgpu_softmax::{
    Context, DeviceChoice, Error, LogSoftmax, LogSumExp, Op, OpKind, RowStatistics, Shape, Softmax, cpu, wgpu,
};

#[test]
fn everything_may_be_sent_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Context>();
    check::<Ops>();
    check::<Prepared>();
    check::<Plan>();
    check::<Error>();
}

#[test]
fn a_batch_of_many_chunks_and_then_a_small_one() {
    // 48 MiB: more than one chunk, the last one shorter.
    let (shape, x) = (Shape::rows(12_001, 1000), logits(12_001_000));
    for context in contexts() {
        for kind in [OpKind::Softmax, OpKind::LogSumExp] {
            let op = Op::new(kind);
            assert!(
                same(&context.run_blocking(op, &x, shape).unwrap(), &expected(op, &x, shape)),
                "{kind:?}"
            );
        }
        let small = Shape::rows(2, 5);
        let got = context.run_blocking(LogSoftmax::new(), &x[..10], small).unwrap();
        assert!(same(&got, &expected(LogSoftmax::new().into(), &x[..10], small)));
    }
}

#[test]
fn in_place_gives_the_same_bits_and_refuses_results_per_row() {
    let (shape, x) = (Shape::rows(100, 77), logits(7700));
    for context in contexts() {
        let mut data = x.clone();
        context.run_in_place_blocking(Softmax::new(), &mut data, shape).unwrap();
        assert!(same(&data, &expected(Softmax::new().into(), &x, shape)));
        let refused = context.run_in_place_blocking(LogSumExp::new(), &mut data, shape);
        assert!(matches!(refused, Err(Error::NotInPlace { .. })));
    }
}

#[test]
fn statistics_of_rows_come_typed() {
    let (shape, x) = (Shape::rows(3, 50), logits(150));
    for context in contexts() {
        let stats = pollster::block_on(context.row_statistics(RowStatistics::new(), &x, shape)).unwrap();
        for (row, stats) in x.chunks_exact(50).zip(&stats) {
            assert_eq!(*stats, cpu::reference::row_stats(row, 1.0));
        }
    }
}

#[test]
fn callers_in_several_threads_take_turns() {
    for context in contexts() {
        std::thread::scope(|scope| {
            for seed in 1..5usize {
                let context = &context;
                scope.spawn(move || {
                    let (shape, x) = (Shape::rows(seed * 10, 100), logits(seed * 1000));
                    for _ in 0..5 {
                        let got = context.softmax_blocking(&x, shape).unwrap();
                        assert!(same(&got, &expected(Softmax::new().into(), &x, shape)));
                    }
                });
            }
        });
    }
}

#[test]
fn a_dropped_call_leaves_the_context_usable() {
    let (shape, x) = (Shape::rows(12_001, 1000), logits(12_001_000));
    for context in contexts() {
        let mut out = vec![0.0; x.len()];
        for polls in 0..4 {
            let mut call = pin!(context.run_into(Softmax::new(), &x, shape, &mut out));
            let mut task = Task::from_waker(Waker::noop());
            for _ in 0..polls {
                if call.as_mut().poll(&mut task).is_ready() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        let small = Shape::rows(4, 100);
        let got = context.softmax_blocking(&x[..400], small).unwrap();
        assert!(same(&got, &expected(Softmax::new().into(), &x[..400], small)));
    }
}

#[test]
fn a_lost_device_is_an_error_and_not_a_wait_without_end() {
    for context in contexts() {
        context.device().unwrap().destroy();
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let result = context.softmax_blocking(&[1.0; 100], Shape::rows(10, 10));
            let _ = done.send(result);
        });
        let result = ended.recv_timeout(std::time::Duration::from_secs(20)).expect("it ends");
        let Err(Error::Device { why }) = &result else { panic!("{result:?}") };
        assert!(why.starts_with("it was lost"), "{why}");
    }
}

#[test]
fn slices_that_do_not_fit_are_refused_by_name() {
    for context in contexts().into_iter().chain([Context::cpu("a test")]) {
        let short = context.softmax_blocking(&[1.0; 5], Shape::rows(2, 3)).unwrap_err();
        assert!(matches!(short, Error::Length { operand: "input", needed: 6, found: 5 }), "{short}");
        let mut out = [0.0; 5];
        let small =
            context.run_into_blocking(Softmax::new(), &[1.0; 6], Shape::rows(2, 3), &mut out).unwrap_err();
        assert!(matches!(small, Error::Length { operand: "output", needed: 6, found: 5 }), "{small}");
        let scale = context.run_blocking(Softmax::new().scale(f32::NAN), &[1.0; 6], Shape::rows(2, 3));
        assert!(matches!(scale, Err(Error::NotFinite { .. })));
    }
}

#[test]
fn nothing_in_gives_nothing_out() {
    for context in contexts().into_iter().chain([Context::cpu("a test")]) {
        assert!(context.softmax_blocking(&[], Shape::rows(0, 3)).unwrap().is_empty());
        assert!(context.softmax_blocking(&[], Shape::rows(3, 0)).unwrap().is_empty());
        let sums = context.run_blocking(LogSumExp::new(), &[], Shape::rows(2, 0)).unwrap();
        assert_eq!(sums, [f32::NEG_INFINITY; 2]);
    }
}

#[test]
fn a_device_that_is_not_there_is_an_error_that_lists_what_is() {
    for choice in [DeviceChoice::Index(99), DeviceChoice::Name("no such card".into()), "".parse().unwrap()] {
        let error = pollster::block_on(Context::with(&choice)).unwrap_err().to_string();
        assert!(error.contains("there are 0: ") && error.contains("\"cpu\""), "{error}");
    }
    let cpu = pollster::block_on(Context::with(&DeviceChoice::Cpu)).unwrap();
    assert!(cpu.adapter().is_none() && cpu.fallback_reason().is_some());
    let forced = common::test_adapters().remove(0);
    let options = Options::default().force(Kernel::Tile);
    let tile = pollster::block_on(Context::on(forced, options)).unwrap();
    let error = tile.softmax_blocking(&[0.0; 100], Shape::rows(1, 100)).unwrap_err();
    assert!(matches!(error, Error::Kernel { .. }), "{error}");
}

/// Contexts with buffers and bindings of so many bytes at most.
fn limited(max_buffer_size: u64, max_storage_buffer_binding_size: u64) -> Vec<Context> {
    let open = |entry: AdapterEntry| {
        let limits =
            wgpu::Limits { max_buffer_size, max_storage_buffer_binding_size, ..entry.adapter.limits() };
        pollster::block_on(Context::on_limited(entry, Options::default(), limits)).unwrap()
    };
    common::test_adapters().into_iter().map(open).collect()
}

#[test]
fn rows_longer_than_a_binding_are_split() {
    for context in limited(64 << 20, 65_536) {
        for (rows, cols) in [(1, 20_000), (3, 20_001), (1000, 30), (2, 16_384)] {
            let (shape, x) = (Shape::rows(rows, cols), logits(rows * cols));
            for kind in [OpKind::Softmax, OpKind::LogSumExp] {
                let op = Op::new(kind);
                let got = context.run_blocking(op, &x, shape).unwrap();
                assert!(same(&got, &expected(op, &x, shape)), "{rows} x {cols} {kind:?}");
            }
        }
        // A source that cannot go back has its row sent once.
        let (shape, x) = (Shape::rows(1, 20_000), logits(20_000));
        let (source, mut out) = (Reader::new(bytemuck::cast_slice(&x)), vec![0.0; x.len()]);
        Stream::new(&context, Softmax::new(), shape).run_blocking(source, &mut out[..]).unwrap();
        assert!(same(&out, &expected(Softmax::new().into(), &x, shape)));
    }
}

#[test]
fn a_device_of_small_buffers_takes_small_batches() {
    for context in limited(4096, 4096) {
        for (rows, cols) in [(3, 5), (2, 1000), (1, 3000), (100, 100)] {
            let (shape, x) = (Shape::rows(rows, cols), logits(rows * cols));
            let got = context.softmax_blocking(&x, shape).unwrap();
            assert!(same(&got, &expected(Softmax::new().into(), &x, shape)), "{rows} x {cols}");
        }
    }
}

#[test]
fn results_that_no_memory_holds_are_an_error() {
    for context in contexts().into_iter().chain([Context::cpu("a test")]) {
        for rows in [1 << 46, usize::MAX] {
            let error = context.run_blocking(LogSumExp::new(), &[], Shape::rows(rows, 0)).unwrap_err();
            assert!(matches!(error, Error::Memory { what: "results", .. }), "{error}");
        }
    }
}
