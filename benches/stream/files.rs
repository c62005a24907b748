//! From file to file on the CPU, against a copy.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use wgpu_softmax::stream::{Positioned, Stream, Writer};
use wgpu_softmax::{Context, Shape, Softmax};

use super::taken::{report, timed};
use super::{Arguments, check, fill, rows};

fn create(path: &Path, elements: usize) {
    let mut file = File::create(path).expect("the directory takes a file");
    let mut piece = vec![0.0f32; 1 << 20];
    for start in (0..elements).step_by(piece.len()) {
        let piece = &mut piece[..(elements - start).min(1 << 20)];
        fill(start as u64, piece);
        file.write_all(bytemuck::cast_slice(piece)).expect("the directory takes a file");
    }
}

/// What `cp` does: read and write, 128 KiB at a time.
fn copy_file(from: &Path, to: &Path) {
    let (mut from, mut to) = (File::open(from).unwrap(), File::create(to).unwrap());
    let mut piece = vec![0u8; 128 << 10];
    loop {
        let n = from.read(&mut piece).unwrap();
        if n == 0 {
            return;
        }
        to.write_all(&piece[..n]).unwrap();
    }
}

fn map(path: &Path) -> memmap2::Mmap {
    let file = File::open(path).unwrap();
    // SAFETY: the file is this program's own, and nobody shortens it.
    unsafe { memmap2::Mmap::map(&file).unwrap() }
}

/// A file in the page cache through the CPU, against a copy of it.
pub fn files(arguments: &Arguments) {
    let (rows, cols) = (rows(arguments), arguments.cols);
    let (from, to) = (arguments.dir.join("stream-bench-in"), arguments.dir.join("stream-bench-out"));
    create(&from, rows * cols);
    let context = Context::cpu("a measurement");
    let shape = Shape::rows(rows, cols);
    let stream = || {
        let stream = Stream::new(&context, Softmax::new(), shape);
        if let Some(bytes) = arguments.memory { stream.memory(bytes) } else { stream }
    };
    let mapped = || {
        let map = map(&from);
        let sink = Writer::new(File::create(&to).unwrap());
        stream().run_blocking(bytemuck::cast_slice::<_, f32>(&map), sink).unwrap();
    };
    let positioned = || {
        let sink = Writer::new(File::create(&to).unwrap());
        stream().run_blocking(Positioned::new(File::open(&from).unwrap(), 0), sink).unwrap();
    };
    for work in [&mapped as &dyn Fn(), &positioned] {
        work();
        check(cols, bytemuck::cast_slice(&map(&from)), bytemuck::cast_slice(&map(&to)));
    }
    let mut taken = [const { Vec::new() }; 3];
    for _ in 0..arguments.rounds {
        // Each begins without its output, as a command does.
        for (work, taken) in
            [&mapped as &dyn Fn(), &positioned, &|| copy_file(&from, &to)].iter().zip(&mut taken)
        {
            std::fs::remove_file(&to).expect("it was written");
            taken.push(timed(work));
        }
    }
    println!("{rows} x {cols} from file to file on the CPU, against read and write:");
    report("  memory map", &taken[0], &taken[2]);
    report("  read by position", &taken[1], &taken[2]);
    std::fs::remove_file(&from).unwrap();
    std::fs::remove_file(&to).unwrap();
}
