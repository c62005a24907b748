//! Beyond 32 bits: a file of more than 2^32 elements, and one row of more than 4 GiB. The files are
//! sparse, and results are looked at and dropped; `cargo xtask test --full` runs these.

mod common;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Instant;

use common::gpu::logits;
use wgpu_softmax::gpu::Options;
use wgpu_softmax::stream::{Each, Positioned, Stream, Summary};
use wgpu_softmax::{Context, LogSumExp, Op, Shape, Softmax, cpu};

/// A sparse file that is gone at the end.
struct Sparse {
    path: std::path::PathBuf,
}

impl Sparse {
    /// Zeros, but for these elements at these places.
    fn new(name: &str, elements: u64, places: &[u64], values: &[f32]) -> Self {
        let path = std::env::temp_dir().join(format!("wgpu-softmax-{name}-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        file.set_len(elements * 4).unwrap();
        for at in places {
            file.seek(SeekFrom::Start(at * 4)).unwrap();
            file.write_all(bytemuck::cast_slice(values)).unwrap();
        }
        Self { path }
    }

    fn source(&self) -> Positioned<File> {
        Positioned::new(File::open(&self.path).unwrap(), 0)
    }
}

impl Drop for Sparse {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).unwrap();
    }
}

/// A hash of words that depends on their order.
fn hash(seed: u64, words: &[f32]) -> u64 {
    words.iter().fold(seed, |h, w| (h ^ u64::from(w.to_bits())).wrapping_mul(0x0000_0100_0000_01b3))
}

fn run(
    context: &Context,
    op: Op,
    shape: Shape,
    file: &Sparse,
    mut see: impl FnMut(&[f32]) + Send,
) -> Summary {
    let start = Instant::now();
    let sink = Each(|words: &[f32]| {
        see(words);
        Ok(())
    });
    let summary =
        Stream::new(context, op, shape).memory(256 << 20).run_blocking(file.source(), sink).unwrap();
    println!("{:?} on {}: {:?}", op.kind, summary.shares[0].device, start.elapsed());
    summary
}

#[test]
#[ignore = "16 GiB of elements take a minute"]
fn more_than_four_thousand_million_elements() {
    let (rows, cols) = (4_400_000u64, 1000u64);
    assert!(rows * cols > 1 << 32);
    // The last row, and the one that holds element 2^32, are not zeros.
    let (marked, values) = ([(1u64 << 32) / cols, rows - 1], logits(1000));
    let file = Sparse::new("elements", rows * cols, &marked.map(|row| row * cols), &values);
    let mut want = vec![0.0; 1000];
    cpu::softmax(&values, Shape::rows(1, 1000), &mut want).unwrap();
    let (mut at, mut seen) = (0u64, 0);
    let shape = Shape::rows(rows as usize, cols as usize);
    run(&Context::cpu("a test"), Softmax::new().into(), shape, &file, |words| {
        for row in words.chunks_exact(1000) {
            if marked.contains(&at) {
                assert!(common::same(row, &want), "row {at}");
                seen += 1;
            } else {
                assert!(row[0] == 0.001 && row[999] == 0.001, "row {at}: {}", row[0]);
            }
            at += 1;
        }
    });
    assert_eq!((at, seen), (rows, 2));
}

#[test]
#[ignore = "a row of 4 GiB, several times, takes minutes on a software adapter"]
fn a_row_of_more_than_four_gibibytes() {
    let cols = (1u64 << 30) + 54_321;
    let file = Sparse::new("row", cols, &[77, 1 << 29, (1 << 30) + 40_000], &logits(10_000));
    let shape = Shape::rows(1, cols as usize);
    // In memory, by way of a map.
    let whole = File::open(&file.path).unwrap();
    // SAFETY: the file is this test's own, and nobody shortens it.
    let map = unsafe { memmap2::Mmap::map(&whole).unwrap() };
    let mut sum = [0.0];
    cpu::logsumexp(bytemuck::cast_slice(&map), shape, &mut sum).unwrap();
    let mut hashes = Vec::new();
    let devices = common::test_adapters().into_iter().take(1);
    let open = |entry| pollster::block_on(Context::on(entry, Options::default())).unwrap();
    for context in [Context::cpu("a test")].into_iter().chain(devices.map(open)) {
        let summary = run(&context, LogSumExp::new().into(), shape, &file, |words| assert_eq!(words, sum));
        assert!(summary.rows_were_cut);
        let mut found = 0;
        run(&context, Softmax::new().into(), shape, &file, |words| found = hash(found, words));
        hashes.push(found);
    }
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "{hashes:?}");
}
