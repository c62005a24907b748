//! Streams through devices: chunks, rows beyond a buffer, several devices, within a bound of memory.

mod common;

use std::io;

use common::gpu::logits;
use common::watchdog::Watchdog;
use common::{expected, same};
use wgpu_softmax::gpu::{Kernel, Options};
use wgpu_softmax::stream::{Each, Reader, Source, Stream, Writer};
use wgpu_softmax::{Context, EmptyRow, Error, LogSumExp, Op, OpKind, Precision, Shape, Softmax, wgpu};

fn contexts(change: impl Fn(&mut wgpu::Limits)) -> Vec<Context> {
    let open = |entry: wgpu_softmax::gpu::adapter::AdapterEntry| {
        let mut limits = entry.adapter.limits();
        change(&mut limits);
        pollster::block_on(Context::on_limited(entry, Options::default(), limits)).unwrap()
    };
    common::test_adapters().into_iter().map(open).collect()
}

/// A device on which nothing is larger than 64 KiB, and no binding larger than 16 KiB.
fn small(limits: &mut wgpu::Limits) {
    limits.max_buffer_size = 65_536;
    limits.max_storage_buffer_binding_size = 16_384;
}

/// A slice that does not say that it is memory.
struct File<'a>(&'a [f32]);

impl Source for File<'_> {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.0.read(at, into)
    }

    fn can_go_back(&self) -> bool {
        true
    }
}

fn streamed(stream: Stream<'_>, source: impl Source) -> Result<Vec<f32>, Error> {
    let mut out = Vec::new();
    stream.run_blocking(
        source,
        Each(|words: &[f32]| {
            out.extend_from_slice(words);
            Ok(())
        }),
    )?;
    Ok(out)
}

#[test]
fn chunks_of_rows_give_the_bits_of_the_batch() {
    let _watchdog = Watchdog::new("chunks_of_rows_give_the_bits_of_the_batch");
    let (shape, x) = (Shape::rows(5003, 301), logits(5003 * 301));
    for context in contexts(|_| ()) {
        for kind in OpKind::ALL {
            let op = Op::new(kind).scale(1.5);
            let want = expected(op, &x, shape);
            let stream = || Stream::new(&context, op, shape).memory(2 << 20).device_memory(2 << 20);
            let reader = Reader::new(bytemuck::cast_slice(&x));
            assert!(same(&streamed(stream(), reader).unwrap(), &want), "reader {kind:?}");
            assert!(same(&streamed(stream(), &x[..]).unwrap(), &want), "slice {kind:?}");
            let mut out = vec![f32::NAN; want.len()];
            let summary = stream().run_blocking(File(&x), &mut out[..]).unwrap();
            assert!(same(&out, &want), "to memory {kind:?}");
            assert!(!summary.rows_were_cut && summary.shares[0].elements == x.len() as u64);
        }
    }
}

#[test]
fn rows_beyond_a_buffer_give_the_bits_of_whole_rows() {
    let _watchdog = Watchdog::new("rows_beyond_a_buffer_give_the_bits_of_whole_rows");
    for context in contexts(small) {
        // Aligned rows and others, a short last piece, two bins and three.
        for (rows, cols) in [(3, 20_000), (2, 16_385), (2, (1 << 18) + 3)] {
            let (shape, x) = (Shape::rows(rows, cols), logits(rows * cols));
            for kind in OpKind::ALL {
                let op = Op::new(kind).scale(-0.3);
                let want = expected(op, &x, shape);
                let what = format!("{} {kind:?} {rows} x {cols}", context.adapter().unwrap());
                let stream = Stream::new(&context, op, shape);
                assert!(same(&streamed(stream, File(&x)).unwrap(), &want), "{what}");
                // The same through slices.
                let mut out = vec![f32::NAN; want.len()];
                context.run_into_blocking(op, &x, shape, &mut out).unwrap();
                assert!(same(&out, &want), "{what} in memory");
                if kind.is_elementwise() {
                    let mut data = x.clone();
                    context.run_in_place_blocking(op, &mut data, shape).unwrap();
                    assert!(same(&data, &want), "{what} in place");
                }
            }
        }
    }
}

#[test]
fn special_rows_beyond_a_buffer() {
    let _watchdog = Watchdog::new("special_rows_beyond_a_buffer");
    let (cols, inf) = (20_001, f32::INFINITY);
    let mut x = logits(6 * cols);
    x[cols / 2] = f32::NAN;
    x[2 * cols - 1] = inf;
    x[2 * cols..3 * cols].fill(-inf);
    x[3 * cols..4 * cols - 1].fill(-inf);
    x[4 * cols..5 * cols].fill(1e-40);
    let shape = Shape::rows(6, cols);
    for context in contexts(small) {
        for kind in OpKind::ALL {
            for empty_row in [EmptyRow::Nan, EmptyRow::Zero] {
                let op = Op::new(kind).empty_row(empty_row);
                let got = streamed(Stream::new(&context, op, shape), File(&x)).unwrap();
                assert!(same(&got, &expected(op, &x, shape)), "{} {op:?}", context.adapter().unwrap());
            }
        }
    }
}

#[test]
fn fast_rows_beyond_a_buffer_are_close() {
    let _watchdog = Watchdog::new("fast_rows_beyond_a_buffer_are_close");
    let (shape, x) = (Shape::rows(2, 50_000), logits(100_000));
    for context in contexts(small) {
        for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp] {
            let op = Op::new(kind).precision(Precision::Fast);
            let got = streamed(Stream::new(&context, op, shape), &x[..]).unwrap();
            for (got, want) in got.iter().zip(expected(Op::new(kind), &x, shape)) {
                assert!((got - want).abs() <= 4e-5 * want.abs(), "{kind:?}: {got} is not {want}");
            }
        }
    }
}

#[test]
fn rows_that_cannot_be_cut_are_refused_by_name() {
    let entry = common::test_adapters().remove(0);
    let mut limits = entry.adapter.limits();
    small(&mut limits);
    let options = Options::default().force(Kernel::WorkgroupLoop);
    let forced = pollster::block_on(Context::on_limited(entry, options, limits)).unwrap();
    let (shape, x) = (Shape::rows(1, 20_000), logits(20_000));
    let error = forced.run_blocking(Softmax::new(), &x, shape).unwrap_err();
    assert!(matches!(error, Error::Kernel { kernel: "workgroup-loop", .. }), "{error}");
    let stream = Stream::new(&forced, Softmax::new(), shape);
    let pipe = Reader::new(bytemuck::cast_slice(&x));
    let error = stream.run_blocking(pipe, Writer::new(io::sink())).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 80_000, limit: 65_536, .. }), "{error}");
    let stream = Stream::new(&forced, Softmax::new(), shape).memory(1000);
    let error = stream.run_blocking(&x[..], Writer::new(io::sink())).unwrap_err();
    assert!(matches!(error, Error::Memory { budget: 1000, .. }), "{error}");
}

#[test]
fn several_devices_share_the_rows_and_keep_the_order() {
    let _watchdog = Watchdog::new("several_devices_share_the_rows_and_keep_the_order");
    let contexts = contexts(|_| ());
    let cpu = Context::cpu("a test");
    let (shape, x) = (Shape::rows(60_000, 120), logits(60_000 * 120));
    for kind in OpKind::ALL {
        let op = Op::new(kind);
        let want = expected(op, &x, shape);
        let stream = || contexts.iter().fold(Stream::new(&cpu, op, shape), Stream::and).memory(32 << 20);
        let mut out = vec![f32::NAN; want.len()];
        let summary = stream().run_blocking(&x[..], &mut out[..]).unwrap();
        assert!(same(&out, &want), "{kind:?}");
        assert_eq!(summary.shares.len(), contexts.len() + 1);
        assert_eq!(summary.shares.iter().map(|share| share.elements).sum::<u64>(), x.len() as u64);
        assert!(summary.shares.iter().all(|share| share.elements > 0), "{:?}", summary.shares);
        let reader = Reader::new(bytemuck::cast_slice(&x));
        assert!(same(&streamed(stream(), reader).unwrap(), &want), "reader {kind:?}");
    }
}

#[test]
fn several_devices_share_the_pieces_of_a_row() {
    let _watchdog = Watchdog::new("several_devices_share_the_pieces_of_a_row");
    let contexts = contexts(small);
    let cpu = Context::cpu("a test");
    let (shape, x) = (Shape::rows(2, 500_001), logits(1_000_002));
    for kind in OpKind::ALL {
        let op = Op::new(kind);
        let stream = contexts.iter().fold(Stream::new(&cpu, op, shape), Stream::and);
        assert!(same(&streamed(stream, File(&x)).unwrap(), &expected(op, &x, shape)), "{kind:?}");
    }
}

#[test]
fn streams_with_the_same_devices_in_any_order_take_turns() {
    let _watchdog = Watchdog::new("streams_with_the_same_devices_in_any_order_take_turns");
    let contexts = contexts(|_| ());
    let (shape, x) = (Shape::rows(3000, 100), logits(300_000));
    let want = expected(LogSumExp::new().into(), &x, shape);
    std::thread::scope(|scope| {
        for turned in [false, true, false, true] {
            let (contexts, x, want) = (&contexts, &x, &want);
            scope.spawn(move || {
                let mut order: Vec<&Context> = contexts.iter().collect();
                if turned {
                    order.reverse();
                }
                for _ in 0..5 {
                    let first = Stream::new(order[0], LogSumExp::new(), shape);
                    let stream = order.iter().fold(first, |stream, context| stream.and(context));
                    assert!(same(&streamed(stream, &x[..]).unwrap(), want));
                }
            });
        }
    });
}
