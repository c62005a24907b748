//! A batch through a device, against the same in memory.

use std::io;

use wgpu_softmax::gpu::Options;
use wgpu_softmax::gpu::adapter::adapters;
use wgpu_softmax::stream::{Each, Source, Stream};
use wgpu_softmax::{Context, Shape, Softmax};

use super::taken::{report, timed};
use super::{Arguments, check, fill, rows};

/// A slice that is read, as a file is.
struct Reread<'a>(&'a [f32]);

impl Source for Reread<'_> {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.0.read(at, into)
    }
}

/// A batch through each device, against the same batch in memory.
pub fn devices(arguments: &Arguments) {
    let (rows, cols) = (rows(arguments), arguments.cols);
    let shape = Shape::rows(rows, cols);
    let (mut x, mut y, mut z) = (vec![0.0; rows * cols], vec![0.0; rows * cols], vec![0.0; rows * cols]);
    fill(0, &mut x);
    for entry in pollster::block_on(adapters()) {
        println!("{rows} x {cols} through {entry}, against the same in memory:");
        let context = pollster::block_on(Context::on(entry, Options::default())).expect("it opens");
        let mut taken = [const { Vec::new() }; 3];
        for round in 0..=arguments.rounds {
            let in_memory = timed(|| {
                context.run_into_blocking(Softmax::new(), &x, shape, &mut y).unwrap();
            });
            let stream = || Stream::new(&context, Softmax::new(), shape).memory(512 << 20);
            let slices = timed(|| {
                stream().run_blocking(&x[..], &mut z[..]).unwrap();
            });
            check(cols, &x, &z);
            let mut at = 0;
            let sink = Each(|words: &[f32]| {
                z[at..at + words.len()].copy_from_slice(words);
                at += words.len();
                Ok(())
            });
            let calls = timed(|| {
                stream().run_blocking(Reread(&x), sink).unwrap();
            });
            check(cols, &x, &z);
            // The first round compiles, and touches memory for the first time.
            if round > 0 {
                for (taken, new) in taken.iter_mut().zip([slices, calls, in_memory]) {
                    taken.push(new);
                }
            }
        }
        report("  slices, 512 MiB allowed", &taken[0], &taken[2]);
        report("  a source and a sink that copy", &taken[1], &taken[2]);
    }
}
