//! Streams on the CPU: every kind of source and sink, rows cut into pieces, errors, back-pressure.

mod common;

use std::io::{self, ErrorKind, Write};

use common::gpu::logits;
use common::watchdog::Watchdog;
use common::{expected, same};
use wgpu_softmax::stream::{
    Chunks, Each, Positioned, ReadAt, Reader, SharedSource, Sink, Source, Stream, Writer,
};
use wgpu_softmax::{Context, EmptyRow, Error, LogSumExp, Op, OpKind, Precision, Shape, Softmax};

fn context() -> Context {
    Context::cpu("a test")
}

/// Bytes that are read by position.
struct Bytes(Vec<u8>);

impl ReadAt for Bytes {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let rest = self.0.get(at as usize..).ok_or(ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(rest.get(..into.len()).ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

fn words(bytes: &[u8]) -> Vec<f32> {
    bytemuck::pod_collect_to_vec(bytes)
}

/// The words that a stream with this memory writes.
fn streamed(op: Op, shape: Shape, memory: u64, source: impl Source) -> Vec<f32> {
    let (context, mut out) = (context(), Vec::new());
    Stream::new(&context, op, shape).memory(memory).run_blocking(source, Writer::new(&mut out)).unwrap();
    words(&out)
}

#[test]
fn every_source_and_sink_gives_the_same_bits() {
    let _watchdog = Watchdog::new("every_source_and_sink_gives_the_same_bits");
    let (shape, x) = (Shape::rows(3001, 997), logits(3001 * 997));
    let bytes: &[u8] = bytemuck::cast_slice(&x);
    let context = context();
    for kind in OpKind::ALL {
        let op = Op::new(kind).scale(0.7);
        let want = expected(op, &x, shape);
        let positioned = Bytes([&[7; 12], bytes].concat());
        let pieces = x.chunks(12_345).map(<[f32]>::to_vec);
        assert!(same(&streamed(op, shape, 1 << 30, &x[..]), &want), "slice {kind:?}");
        assert!(same(&streamed(op, shape, 16 << 20, Reader::new(bytes)), &want), "reader {kind:?}");
        assert!(same(&streamed(op, shape, 100_000, Chunks::new(pieces)), &want), "chunks {kind:?}");
        let at = Positioned::new(positioned, 12);
        assert!(same(&streamed(op, shape, 1 << 20, at), &want), "positioned {kind:?}");

        let mut out = vec![f32::NAN; want.len()];
        Stream::new(&context, op, shape).run_blocking(&x[..], &mut out[..]).unwrap();
        assert!(same(&out, &want), "memory to memory {kind:?}");
        let mut out = vec![f32::NAN; want.len()];
        Stream::new(&context, op, shape).run_blocking(Reader::new(bytes), &mut out[..]).unwrap();
        assert!(same(&out, &want), "reader to memory {kind:?}");
    }
}

/// Elements for several threads at a time.
struct Shared<'a>(&'a [f32]);

impl Source for Shared<'_> {
    fn read(&mut self, _: u64, _: &mut [f32]) -> io::Result<()> {
        panic!("threads read by themselves");
    }

    fn can_go_back(&self) -> bool {
        true
    }

    fn shared(&self) -> Option<&dyn SharedSource> {
        Some(self)
    }
}

impl SharedSource for Shared<'_> {
    fn read_shared(&self, at: u64, into: &mut [f32]) -> io::Result<()> {
        let rest = self.0.get(at as usize..).ok_or(ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(rest.get(..into.len()).ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

#[test]
fn threads_that_read_by_themselves_give_the_same_bits() {
    let _watchdog = Watchdog::new("threads_that_read_by_themselves_give_the_same_bits");
    // Around the 65536 elements that a thread reads at once, and beyond what fits the memory.
    for (rows, cols) in [(300_001, 1), (90_001, 3), (1001, 997), (9, 65_535), (9, 65_536), (9, 65_537)] {
        let (shape, x) = (Shape::rows(rows, cols), logits(rows * cols));
        for op in OpKind::ALL.map(Op::new) {
            for memory in [256 << 10, 5 << 20] {
                let got = streamed(op, shape, memory, Shared(&x));
                assert!(same(&got, &expected(op, &x, shape)), "{rows} x {cols} {op:?}, {memory}");
            }
        }
    }
}

#[test]
fn rows_in_pieces_give_the_bits_of_whole_rows() {
    let _watchdog = Watchdog::new("rows_in_pieces_give_the_bits_of_whole_rows");
    // Two bins and three; the last piece shorter than a vector; rows whose sum one pass cannot tell.
    for (rows, cols) in [(3, 40_003), (2, (1 << 18) + 1), (1, 300_000)] {
        let (shape, mut x) = (Shape::rows(rows, cols), logits(rows * cols));
        x[cols - 2] = 90.0;
        x[..1000].fill(-40_000.0);
        for kind in OpKind::ALL {
            for op in [Op::new(kind), Op::new(kind).scale(-3.0)] {
                let want = expected(op, &x, shape);
                // Three pieces of 8192 elements with their results.
                let at = Positioned::new(Bytes(bytemuck::cast_slice(&x).to_vec()), 0);
                assert!(same(&streamed(op, shape, 6 * 4 * 8192, at), &want), "{op:?} {rows} x {cols}");
                assert!(same(&streamed(op, shape, 3 * 4 * 8192, &x[..]), &want), "memory {op:?}");
            }
        }
    }
}

#[test]
fn special_rows_in_pieces() {
    let _watchdog = Watchdog::new("special_rows_in_pieces");
    let (cols, inf) = (5000, f32::INFINITY);
    let mut x = logits(6 * cols);
    x[cols / 2] = f32::NAN;
    x[cols + 4999] = inf;
    x[2 * cols..3 * cols].fill(-inf);
    x[3 * cols..4 * cols - 1].fill(-inf);
    x[4 * cols..5 * cols].fill(1e-40);
    let shape = Shape::rows(6, cols);
    for kind in OpKind::ALL {
        for empty_row in [EmptyRow::Nan, EmptyRow::Zero] {
            let op = Op::new(kind).empty_row(empty_row);
            let at = Positioned::new(Bytes(bytemuck::cast_slice(&x).to_vec()), 0);
            assert!(same(&streamed(op, shape, 6 * 4 * 1024, at), &expected(op, &x, shape)), "{op:?}");
        }
    }
}

#[test]
fn fast_rows_in_pieces_are_close() {
    let (shape, x) = (Shape::rows(2, 50_000), logits(100_000));
    for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp] {
        let op = Op::new(kind).precision(Precision::Fast);
        let at = Positioned::new(Bytes(bytemuck::cast_slice(&x).to_vec()), 0);
        let got = streamed(op, shape, 6 * 4 * 4096, at);
        for (got, want) in got.iter().zip(expected(Op::new(kind), &x, shape)) {
            assert!((got - want).abs() <= 2e-5 * want.abs(), "{kind:?}: {got} is not {want}");
        }
    }
}

#[test]
fn batches_without_elements() {
    for (rows, cols) in [(0, 7), (5, 0), (0, 0)] {
        for kind in OpKind::ALL {
            let (op, shape) = (Op::new(kind), Shape::rows(rows, cols));
            assert!(same(&streamed(op, shape, 1 << 20, &[][..]), &expected(op, &[], shape)), "{op:?}");
            assert!(same(&streamed(op, shape, 1 << 20, Reader::new(io::empty())), &expected(op, &[], shape)));
        }
    }
}

/// A sink that fails after so many words.
fn failing(after: usize, taken: &mut Vec<f32>) -> impl Sink {
    Each(move |words: &[f32]| {
        if taken.len() >= after {
            return Err(io::Error::new(ErrorKind::StorageFull, "the disk is full"));
        }
        taken.extend_from_slice(words);
        Ok(())
    })
}

#[test]
fn a_sink_that_fails_ends_the_stream_with_the_rows_it_has() {
    let (shape, x) = (Shape::rows(10_000, 100), logits(1_000_000));
    let (context, mut taken) = (context(), Vec::new());
    let stream = Stream::new(&context, Softmax::new(), shape).memory(1 << 20);
    let error = stream.run_blocking(Reader::new(bytemuck::cast_slice(&x)), failing(300_000, &mut taken));
    let Err(Error::Stopped { finished, rows: 10_000, cause }) = error else { panic!("{error:?}") };
    assert!(matches!(*cause, Error::Sink { kind: ErrorKind::StorageFull, .. }), "{cause}");
    assert_eq!(finished as usize * 100, taken.len());
    assert!(same(&taken, &expected(Softmax::new().into(), &x, shape)[..taken.len()]));
}

#[test]
fn a_source_that_ends_too_soon_leaves_the_rows_before() {
    let (shape, x) = (Shape::rows(10_000, 100), logits(500_050));
    let (mut chunks, mut shared) = (Chunks::new([&x]), Shared(&x));
    let (context, want) = (context(), expected(Softmax::new().into(), &x[..500_000], Shape::rows(5000, 100)));
    for source in [&mut chunks as &mut dyn Source, &mut shared] {
        let mut out = Vec::new();
        let stream = Stream::new(&context, Softmax::new(), shape).memory(300_000);
        let error = stream.run_blocking(source, Writer::new(&mut out)).unwrap_err();
        let Error::Stopped { finished, cause, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(**cause, Error::Source { kind: ErrorKind::UnexpectedEof, .. }), "{cause}");
        assert_eq!(*finished as usize * 400, out.len());
        assert!(*finished > 0 && *finished <= 5000);
        assert!(same(&words(&out), &want[..*finished as usize * 100]));
        assert!(
            error.to_string().starts_with("stopped after") && error.to_string().lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_read() {
    let (context, shape) = (context(), Shape::rows(4, 100_000));
    let stream = || Stream::new(&context, Softmax::new(), shape);
    let never = || Reader::new(io::empty());
    let small = stream().memory(10_000).run_blocking(never(), Writer::new(io::sink())).unwrap_err();
    assert!(matches!(small, Error::Memory { budget: 10_000, .. }), "{small}");
    // A pipe cannot go back: a whole row is needed, with its results.
    let pipe = stream().memory(400_000).run_blocking(never(), Writer::new(io::sink())).unwrap_err();
    assert!(matches!(pipe, Error::Memory { needed: 800_000, budget: 400_000, .. }), "{pipe}");
    let x = logits(400_000);
    let source = Reader::new(bytemuck::cast_slice(&x));
    let mut out = Vec::new();
    stream().memory(800_000).run_blocking(source, Writer::new(&mut out)).unwrap();
    assert!(same(&words(&out), &expected(Softmax::new().into(), &x, shape)));

    let short = stream().run_blocking(&x[1..], Writer::new(io::sink())).unwrap_err();
    assert!(matches!(short, Error::Length { operand: "input", .. }), "{short}");
    let short = stream().run_blocking(&x[..], &mut vec![0.0; 3][..]).unwrap_err();
    assert!(matches!(short, Error::Length { operand: "output", .. }), "{short}");
    let huge = Stream::new(&context, LogSumExp::new(), Shape::rows(usize::MAX, 9));
    let huge = huge.run_blocking(never(), Writer::new(io::sink())).unwrap_err();
    assert!(matches!(huge, Error::ShapeOverflow { .. }), "{huge}");
}

#[test]
fn progress_comes_in_order_and_ends_at_the_end() {
    let (context, shape, x) = (context(), Shape::rows(1000, 1000), logits(1_000_000));
    for memory in [1 << 20, 20_000] {
        let mut seen = Vec::new();
        let stream = Stream::new(&context, Softmax::new(), shape).memory(memory);
        let at = Positioned::new(Bytes(bytemuck::cast_slice(&x).to_vec()), 0);
        stream.progress(|at| seen.push(*at)).run_blocking(at, Writer::new(io::sink())).unwrap();
        assert!(seen.len() > 10);
        assert!(seen.windows(2).all(|w| w[0].rows <= w[1].rows && w[0].bytes < w[1].bytes));
        let last = seen.last().unwrap();
        assert_eq!((last.rows, last.bytes), (last.rows_in_all, last.bytes_in_all), "{memory}");
    }
}

/// A writer that counts, and is flushed at the end.
#[derive(Default)]
struct Counting {
    bytes: u64,
    flushed: u32,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed += 1;
        Ok(())
    }
}

#[test]
fn a_writer_is_flushed_once_at_the_end() {
    let (context, mut out) = (context(), Counting::default());
    let stream = Stream::new(&context, Softmax::new(), Shape::rows(100, 10));
    stream.run_blocking(&logits(1000)[..], Writer::new(&mut out)).unwrap();
    assert_eq!((out.bytes, out.flushed), (4000, 1));
}

#[test]
fn nothing_to_do_ends_at_once() {
    let _watchdog = Watchdog::new("nothing_to_do_ends_at_once");
    let context = context();
    for shape in [Shape::rows(usize::MAX, 0), Shape::rows(0, usize::MAX), Shape::rows(0, 0)] {
        let stream = Stream::new(&context, Softmax::new(), shape);
        let mut out = Vec::new();
        stream.run_blocking(&[][..] as &[f32], Writer::new(&mut out)).unwrap();
        assert!(out.is_empty());
    }
}
