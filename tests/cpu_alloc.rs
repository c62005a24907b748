//! A call on the calling thread allocates nothing, once the thread has its scratch.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use wgpu_softmax::cpu::{self, Options};
use wgpu_softmax::{Op, OpKind, Precision, RowMax, RowStats, RowSum, Shape};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(f: impl Fn()) -> usize {
    // The first call may get scratch, and rayon its threads.
    f();
    let before = COUNT.get();
    f();
    COUNT.get() - before
}

#[test]
fn nothing_is_allocated_per_call() {
    for (rows, cols) in [(5000, 3), (9, 100), (20, 1000), (3, 200_000), (1, 300_000), (1000, 0)] {
        let shape = Shape::rows(rows, cols);
        let x = vec![1.5f32; rows * cols];
        let mut out = vec![0.0f32; (rows * cols).max(rows * 8)];
        let out = std::cell::RefCell::new(&mut out);
        let options = Options::new().threads(1);
        for kind in OpKind::ALL {
            for precision in [Precision::Reproducible, Precision::Fast] {
                let mut op = Op::new(kind);
                (op.precision, op.scale) = (precision, 0.5);
                let words = kind.output_words(shape).unwrap() as usize;
                let calls =
                    count(|| cpu::run_with(&options, op, &x, shape, &mut out.borrow_mut()[..words]).unwrap());
                assert_eq!(calls, 0, "{op:?} {rows}x{cols}");
                if kind.is_elementwise() {
                    let data = |out: &mut [f32]| {
                        cpu::run_in_place_with(&options, op, &mut out[..words], shape).unwrap()
                    };
                    assert_eq!(count(|| data(&mut out.borrow_mut())), 0, "in place: {op:?} {rows}x{cols}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_allocated_for_parts_of_rows() {
    let (rows, cols) = (7, 900);
    let (x, shape) = (vec![1.0f32; rows * cols], Shape::rows(rows, cols));
    let options = Options::new().threads(1);
    let max = std::cell::RefCell::new([RowMax::EMPTY; 7]);
    let sum = std::cell::RefCell::new([RowSum::default(); 7]);
    let stats = std::cell::RefCell::new([RowStats::new(RowMax::EMPTY, RowSum::default()); 7]);
    assert_eq!(count(|| cpu::row_max_with(&options, 1.0, &x, shape, &mut *max.borrow_mut()).unwrap()), 0);
    let sums = || {
        cpu::row_sum_with(&options, 1.0, &x, shape, &*max.borrow(), cols as u64, &mut *sum.borrow_mut())
            .unwrap()
    };
    assert_eq!(count(sums), 0);
    assert_eq!(
        count(|| cpu::row_statistics_with(&options, 1.0, &x, shape, &mut *stats.borrow_mut()).unwrap()),
        0
    );
    let (out, total) = (std::cell::RefCell::new(vec![0.0; rows * cols]), cols as u64);
    for op in [Op::new(OpKind::Softmax), Op::new(OpKind::LogSoftmax)] {
        let finish = || {
            cpu::finish_with(&options, op, &x, shape, &*stats.borrow(), total, &mut out.borrow_mut()).unwrap()
        };
        assert_eq!(count(finish), 0);
    }
}
