//! What goes wrong in the middle of a stream: devices lost, memory refused, futures dropped. Each test
//! ends in time, or the watchdog ends the process.

mod common;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use common::gpu::logits;
use common::watchdog::Watchdog;
use common::{contexts, expected, same};
use wgpu_softmax::gpu::Options;
use wgpu_softmax::stream::{Each, Fallback, Reader, Sink, Stream, Summary, Writer};
use wgpu_softmax::{Context, Error, LogSumExp, Op, OpKind, Shape, Softmax};

const SHAPE: (usize, usize) = (6000, 100);

fn batch() -> (Shape, Vec<f32>) {
    (Shape::rows(SHAPE.0, SHAPE.1), logits(SHAPE.0 * SHAPE.1))
}

/// A sink that destroys a device once it has so many words.
fn destroying<'a>(after: usize, device: &'a Context, taken: &'a mut Vec<f32>) -> impl Sink + 'a {
    Each(move |words: &[f32]| {
        taken.extend_from_slice(words);
        if taken.len() > after {
            device.device().unwrap().destroy();
        }
        Ok(())
    })
}

/// About 20 chunks.
fn stream<'a>(context: &'a Context, op: Op) -> Stream<'a> {
    Stream::new(context, op, batch().0).memory(700_000).device_memory(700_000)
}

#[test]
fn a_device_lost_in_the_middle_leaves_the_rows_before() {
    let _watchdog = Watchdog::new("a_device_lost_in_the_middle_leaves_the_rows_before");
    let (shape, x) = batch();
    for context in contexts() {
        let mut taken = Vec::new();
        let sink = destroying(100_000, &context, &mut taken);
        let error = stream(&context, Softmax::new().into()).run_blocking(&x[..], sink).unwrap_err();
        let Error::Stopped { finished, rows: 6000, cause } = &error else { panic!("{error:?}") };
        assert!(matches!(**cause, Error::Device { .. }), "{cause}");
        assert_eq!(*finished as usize * SHAPE.1, taken.len());
        assert!(*finished > 1000 && *finished < 6000, "{finished}");
        assert!(same(&taken, &expected(Softmax::new().into(), &x, shape)[..taken.len()]));
        // And from the start, the next time: at once, or with the first chunk where the loss is told then.
        let error = stream(&context, Softmax::new().into()).run_blocking(&x[..], Writer::new(io::sink()));
        let found = error.unwrap_err();
        let begins = matches!(found, Error::Device { .. } | Error::Stopped { finished: 0, .. });
        assert!(begins, "{found:?}");
    }
}

#[test]
fn the_cpu_finishes_what_a_lost_device_began() {
    let _watchdog = Watchdog::new("the_cpu_finishes_what_a_lost_device_began");
    let (shape, x) = batch();
    for kind in OpKind::ALL {
        let op = Op::new(kind);
        let want = expected(op, &x, shape);
        for piped in [false, true] {
            for context in contexts() {
                let mut taken = Vec::new();
                let sink = destroying(want.len() / 5, &context, &mut taken);
                let stream = stream(&context, op).fallback(Fallback::Cpu);
                // A pipe cannot go back: what was under way was kept.
                let summary = if piped {
                    stream.run_blocking(Reader::new(bytemuck::cast_slice(&x)), sink).unwrap()
                } else {
                    stream.run_blocking(&x[..], sink).unwrap()
                };
                assert!(same(&taken, &want), "{kind:?}");
                assert_eq!(summary.faults.len(), 1);
                assert!(summary.shares[0].on_cpu && &*summary.shares[0].device == "the CPU");
            }
        }
    }
}

#[test]
fn the_cpu_finishes_the_row_that_a_lost_device_began() {
    let _watchdog = Watchdog::new("the_cpu_finishes_the_row_that_a_lost_device_began");
    let (shape, x) = (Shape::rows(2, 200_001), logits(400_002));
    for entry in common::test_adapters() {
        for words in [1, 150_000, 250_000] {
            let mut limits = entry.adapter.limits();
            limits.max_buffer_size = 65_536;
            let context =
                pollster::block_on(Context::on_limited(entry.clone(), Options::default(), limits)).unwrap();
            let mut taken = Vec::new();
            let sink = destroying(words, &context, &mut taken);
            let stream = Stream::new(&context, Softmax::new(), shape).fallback(Fallback::Cpu);
            let summary = stream.run_blocking(&x[..], sink).unwrap();
            assert!(same(&taken, &expected(Softmax::new().into(), &x, shape)), "after {words}");
            assert!(summary.rows_were_cut && summary.faults.len() == 1);
        }
    }
}

#[test]
fn other_devices_finish_what_a_lost_one_began() {
    let _watchdog = Watchdog::new("other_devices_finish_what_a_lost_one_began");
    let (shape, x) = batch();
    let want = expected(Softmax::new().into(), &x, shape);
    let cpu = Context::cpu("a test");
    for lost in 0..common::test_adapters().len() {
        let contexts = contexts();
        let mut taken = Vec::new();
        let sink = destroying(100_000, &contexts[lost], &mut taken);
        let all = contexts.iter().fold(stream(&contexts[lost], Softmax::new().into()), Stream::and);
        let summary: Summary =
            all.and(&cpu).memory(2 << 20).run_blocking(Reader::new(bytemuck::cast_slice(&x)), sink).unwrap();
        assert!(same(&taken, &want));
        assert!(summary.faults.len() == 1 && summary.shares.len() == contexts.len(), "{summary:?}");
    }
}

#[test]
fn a_device_lost_before_is_not_waited_for() {
    let _watchdog = Watchdog::new("a_device_lost_before_is_not_waited_for");
    let (shape, x) = batch();
    for context in contexts() {
        context.device().unwrap().destroy();
        let mut out = vec![0.0; x.len()];
        let lost = stream(&context, Softmax::new().into()).fallback(Fallback::Cpu);
        let summary = lost.run_blocking(&x[..], &mut out[..]).unwrap();
        assert!(same(&out, &expected(Softmax::new().into(), &x, shape)) && summary.faults.len() == 1);
    }
}

/// Set in the process whose memory is limited.
#[cfg(target_os = "linux")]
const CHILD: &str = "SOFTMAX_TEST_LIMITED";

/// In a process of its own, since the limit is the whole process's.
#[cfg(target_os = "linux")]
#[test]
fn memory_that_is_refused_is_an_error_or_the_cpus_work() {
    let _watchdog = Watchdog::new("memory_that_is_refused_is_an_error_or_the_cpus_work");
    if std::env::var_os(CHILD).is_some() {
        return limited();
    }
    let name = "memory_that_is_refused_is_an_error_or_the_cpus_work";
    let program = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(program);
    let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(told.matches("refused: ").count(), 1, "{told}");
}

/// Rows of 128 MiB, of which three do not fit what the process may still take.
#[cfg(target_os = "linux")]
fn limited() {
    let entry = common::test_adapters().remove(0);
    let context = pollster::block_on(Context::on(entry, Options::default())).unwrap();
    let (shape, x) = (Shape::rows(3, 32 << 20), vec![1.0f32; 3 * (32 << 20)]);
    let mut out = [0.0; 3];
    // The threads of the CPU and the kernel's pipeline are there before the limit is.
    Context::cpu("a test").run_into_blocking(LogSumExp::new(), &x, shape, &mut out).unwrap();
    limit_memory(300 << 20);
    let stream = || Stream::new(&context, LogSumExp::new(), shape).memory(4 << 30).device_memory(4 << 30);
    let error = stream().run_blocking(&x[..], &mut out[..]).unwrap_err();
    assert!(matches!(error, Error::Device { .. }), "{error}");
    println!("refused: {error}");
    out.fill(0.0);
    let summary = stream().fallback(Fallback::Cpu).run_blocking(&x[..], &mut out[..]).unwrap();
    assert!(summary.faults.len() == 1 && out.iter().all(|y| (y - 18.328_68).abs() < 1e-4), "{out:?}");
}

/// Lets the process take so many more bytes of address space.
#[cfg(target_os = "linux")]
fn limit_memory(more: u64) {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    let most = pages * 4096 + more;
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the pointer is to a limit that lives through the call.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) };
    assert_eq!(result, 0);
}

#[test]
fn a_dropped_stream_leaves_its_devices_usable() {
    let _watchdog = Watchdog::new("a_dropped_stream_leaves_its_devices_usable");
    let (shape, x) = batch();
    let cpu = Context::cpu("a test");
    for context in contexts().iter().chain([&cpu]) {
        for polls in 0..6 {
            let mut words = 0;
            {
                let sink = Each(|piece: &[f32]| {
                    words += piece.len();
                    Ok(())
                });
                let mut run = pin!(stream(context, Softmax::new().into()).run(&x[..], sink));
                let mut task = Task::from_waker(Waker::noop());
                for _ in 0..polls {
                    let poll = run.as_mut().poll(&mut task);
                    assert!(matches!(poll, Poll::Pending), "it gives way between chunks: {poll:?}");
                    std::thread::sleep(std::time::Duration::from_millis(3));
                }
            }
            // At most a chunk is delivered each time.
            assert!(words < x.len());
            let small = Shape::rows(4, 100);
            let got = context.softmax_blocking(&x[..400], small).unwrap();
            assert!(same(&got, &expected(Softmax::new().into(), &x[..400], small)));
        }
        let mut out = vec![0.0; x.len()];
        stream(context, Softmax::new().into()).run_blocking(&x[..], &mut out[..]).unwrap();
        assert!(same(&out, &expected(Softmax::new().into(), &x, shape)));
    }
}

#[test]
fn a_slow_sink_and_a_slow_source_end_too() {
    let _watchdog = Watchdog::new("a_slow_sink_and_a_slow_source_end_too");
    let (shape, x) = batch();
    for context in contexts() {
        let mut taken = Vec::new();
        let sink = Each(|words: &[f32]| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            taken.extend_from_slice(words);
            Ok(())
        });
        stream(&context, Softmax::new().into()).run_blocking(Reader::new(Slow(&x)), sink).unwrap();
        assert!(same(&taken, &expected(Softmax::new().into(), &x, shape)));
    }
}

/// A reader that gives little at a time.
struct Slow<'a>(&'a [f32]);

impl io::Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.0.len().min(into.len() / 4).min(5000);
        std::thread::sleep(std::time::Duration::from_micros(200));
        into[..4 * n].copy_from_slice(bytemuck::cast_slice(&self.0[..n]));
        self.0 = &self.0[n..];
        Ok(4 * n)
    }
}

/// A sink that passes words on to a slice, and does not say that it is memory.
struct PassedOn<'a>(&'a mut [f32]);

impl Sink for PassedOn<'_> {
    fn write(&mut self, words: &[f32]) -> io::Result<()> {
        (&mut *self.0).write(words)
    }
}

#[test]
fn a_slice_that_words_are_passed_on_to_says_what_to_do() {
    let (context, (shape, x)) = (Context::cpu("a test"), batch());
    let mut out = vec![0.0; x.len()];
    let error = Stream::new(&context, Softmax::new(), shape).run_blocking(&x[..], PassedOn(&mut out));
    let line = error.unwrap_err().to_string();
    assert!(line.contains("Sink::memory") && line.lines().count() == 1, "{line}");
}
