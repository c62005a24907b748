//! Devices that rayon's threads and others use at the same time, and futures that executors move between threads.

mod common;

use std::future::Future;
use std::io;
use std::time::Duration;

use common::gpu::logits;
use common::watchdog::Watchdog;
use common::{contexts, expected, same};
use rayon::prelude::*;
use wgpu_softmax::stream::{Positioned, ReadAt, Stream};
use wgpu_softmax::{Context, LogSumExp, Masking, Shape, Softmax};

/// 4 MB: copies of it are shared by threads.
const SHAPE: (usize, usize) = (1000, 1000);
const CALLS: usize = 8;

fn shape() -> Shape {
    Shape::rows(SHAPE.0, SHAPE.1)
}

/// Bytes behind a network.
struct Slow<'a>(&'a [u8]);

impl ReadAt for Slow<'_> {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(2));
        into.copy_from_slice(&self.0[at as usize..][..into.len()]);
        Ok(())
    }
}

/// Calls from all of rayon's threads, and from one that is not.
fn from_everywhere(call: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        scope.spawn(|| (0..CALLS).for_each(|_| call()));
        scope.spawn(|| (0..CALLS).into_par_iter().for_each(|_| call()));
    });
}

#[test]
fn calls_from_rayon_and_elsewhere_take_turns() {
    let _watchdog = Watchdog::of("calls_from_rayon_and_elsewhere_take_turns", Duration::from_secs(120));
    let x = logits(SHAPE.0 * SHAPE.1);
    let right = expected(Softmax::new().into(), &x, shape());
    for context in contexts() {
        from_everywhere(|| {
            let mut out = vec![0.0; x.len()];
            context.run_into_blocking(Softmax::new(), &x, shape(), &mut out).unwrap();
            assert!(same(&out, &right), "{context:?}");
        });
    }
}

#[test]
fn streams_from_rayon_and_elsewhere_take_turns() {
    let _watchdog = Watchdog::of("streams_from_rayon_and_elsewhere_take_turns", Duration::from_secs(120));
    let x = logits(SHAPE.0 * SHAPE.1);
    let right = expected(Softmax::new().into(), &x, shape());
    let cpu = Context::cpu("the other one");
    for context in contexts() {
        from_everywhere(|| {
            let mut out = vec![0.0; x.len()];
            let source = Positioned::new(Slow(bytemuck::cast_slice(&x)), 0);
            let stream = Stream::new(&context, Softmax::new(), shape()).and(&cpu).memory(8 << 20);
            stream.run_blocking(source, &mut out[..]).unwrap();
            assert!(same(&out, &right), "{context:?}");
        });
    }
}

#[test]
fn futures_go_from_thread_to_thread() {
    fn is_send<T>(_: impl Future<Output = T> + Send) {}
    let context = Context::cpu("no device is needed");
    let (x, shape, mut out) = ([1.0, 2.0], Shape::rows(1, 2), [0.0; 2]);
    is_send(context.run(LogSumExp::new(), &x, shape));
    is_send(context.run_into(Softmax::new(), &x, shape, &mut out));
    is_send(context.run_in_place(Softmax::new(), &mut out, shape));
    is_send(context.run_tensor(Softmax::new(), &x, shape, &Masking::new(), &mut out));
    is_send(context.run_ragged(Softmax::new(), &x, &[0, 2], &Masking::new(), &mut out));
    let stream = Stream::new(&context, Softmax::new(), shape).progress(|_| ());
    is_send(stream.run(&x[..], &mut out[..]));
    is_send(Context::new());
}
