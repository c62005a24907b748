//! The floating-point modes of the calling thread do not change a bit, and what cannot be computed
//! is an error.

use wgpu_softmax::cpu::{self, Options, SimdLevel};
use wgpu_softmax::{Error, LogSumExp, Masking, Op, OpKind, RowMax, Shape, Softmax};

#[path = "cpu_rows/mod.rs"]
mod cpu_rows;
use cpu_rows::{Random, specials, spread_row};

/// Runs `f` with subnormals taken and written as zero.
#[cfg(target_arch = "x86_64")]
fn flushing<R>(f: impl FnOnce() -> R) -> R {
    let mut old = 0u32;
    // SAFETY: stores the register to a local of its size.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut old, options(nostack)) };
    let new = old | 0x8040;
    // SAFETY: bits 6 and 15 (denormals are zero, flush to zero) only change what the test is about,
    // and the register is put back.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &new, options(nostack)) };
    let result = f();
    // SAFETY: as above.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &old, options(nostack)) };
    result
}

#[cfg(target_arch = "x86_64")]
#[test]
fn flushing_subnormals_changes_no_bit() {
    let mut random = Random::new(9);
    for cols in [1, 2, 3, 10, 33, 49, 64, 100, 1000, 5000, 140_000] {
        let mut x = Vec::new();
        for spread in [1e-39, 1e-3, 1.0, 30.0, 1e4] {
            x.extend((0..cols).map(|_| spread * random.normal()));
            x.extend(spread_row(&mut random, cols, spread));
        }
        for special in specials() {
            let mut row = spread_row(&mut random, cols, 20.0);
            row[cols / 2] = special;
            x.extend(row);
            x.extend(vec![special; cols]);
        }
        let shape = Shape::rows(x.len() / cols, cols);
        for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp] {
            for scale in [1.0, 0.5, -1.3, 1e-6] {
                for level in SimdLevel::available() {
                    let mut op = Op::new(kind);
                    op.scale = scale;
                    let options = Options::new().level(level).threads(1);
                    let words = kind.output_words(shape).unwrap() as usize;
                    let (mut plain, mut flushed) = (vec![0.0; words], vec![0.0; words]);
                    cpu::run_with(&options, op, &x, shape, &mut plain).unwrap();
                    flushing(|| cpu::run_with(&options, op, &x, shape, &mut flushed).unwrap());
                    let differs = (0..words).find(|&i| plain[i].to_bits() != flushed[i].to_bits());
                    assert_eq!(differs, None, "{op:?} {level:?} cols {cols}");
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_names_it() {
    let (x, mut y) = ([0.0; 6], [0.0; 6]);
    let length = |r: Result<(), Error>, name| {
        assert!(matches!(r, Err(Error::Length { operand, .. }) if operand == name), "{r:?}");
    };
    length(cpu::softmax(&x, Shape::rows(2, 4), &mut y), "input");
    length(cpu::softmax(&x, Shape::rows(2, 3), &mut y[..5]), "output");
    length(cpu::logsumexp(&x, Shape::rows(2, 3), &mut y), "output");
    length(cpu::run_in_place(Softmax::new(), &mut y, Shape::rows(2, 4)), "data");
    length(cpu::row_max(1.0, &x, Shape::rows(2, 3), &mut [RowMax::EMPTY]), "output");
    assert!(matches!(
        cpu::run_in_place(LogSumExp::new(), &mut y, Shape::rows(2, 3)),
        Err(Error::NotInPlace { op: "logsumexp" })
    ));
    assert!(matches!(
        cpu::run(Softmax::new().scale(f32::NAN), &x, Shape::rows(2, 3), &mut y),
        Err(Error::NotFinite { .. })
    ));
    for level in [SimdLevel::Neon, SimdLevel::Avx512, SimdLevel::Wasm128, SimdLevel::Scalar] {
        let result =
            cpu::run_with(&Options::new().level(level), Softmax::new(), &x, Shape::rows(2, 3), &mut y);
        assert_eq!(result.is_ok(), SimdLevel::available().contains(&level), "{level:?}");
        assert!(matches!(result, Ok(()) | Err(Error::Kernel { .. })));
    }
}

#[test]
fn no_rows_and_no_columns_give_empty_results() {
    let mut y = [1.0; 3];
    cpu::softmax(&[], Shape::rows(0, 5), &mut []).unwrap();
    cpu::softmax(&[], Shape::rows(3, 0), &mut []).unwrap();
    cpu::logsumexp(&[], Shape::rows(0, 5), &mut []).unwrap();
    cpu::logsumexp(&[], Shape::rows(3, 0), &mut y).unwrap();
    assert_eq!(y, [f32::NEG_INFINITY; 3]);
    let mut max = [RowMax::of(1.0); 3];
    cpu::row_max(1.0, &[], Shape::rows(3, 0), &mut max).unwrap();
    assert_eq!(max, [RowMax::EMPTY; 3]);
}

#[test]
fn no_rows_may_be_of_any_length() {
    let (none, mut out) = ([0.0f32; 0], [0.0f32; 0]);
    for (rows, cols) in [(0, usize::MAX), (0, 1 << 61), (0, 3)] {
        for kind in OpKind::ALL {
            let (op, shape) = (Op::new(kind), Shape::rows(rows, cols));
            cpu::run(op, &none, shape, &mut out).unwrap();
            cpu::run_tensor(op, &none, shape, &Masking::new(), &mut out).unwrap();
        }
        cpu::run_in_place(Op::new(OpKind::Softmax), &mut out, Shape::rows(rows, cols)).unwrap();
    }
}
