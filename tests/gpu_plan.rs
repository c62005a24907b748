//! Plans in an application's encoder: offsets, several at once, windows, grids, and every refusal.

mod common;

use common::gpu::{Gpu, logits};
use wgpu_softmax::gpu::{DTypes, Kernel, Options, SoftmaxArgs, TensorRef};
use wgpu_softmax::{Error, LogSoftmax, LogSumExp, Op, OpKind, RowStatistics, Shape, Softmax, cpu, wgpu};

fn expected(op: Op, x: &[f32], shape: Shape) -> Vec<u32> {
    let mut out = vec![0.0; op.kind.output_words(shape).unwrap() as usize];
    cpu::run(op, x, shape, &mut out).unwrap();
    out.into_iter().map(f32::to_bits).collect()
}

/// Runs one operation on buffers with these offsets; the result's words, the poison around unharmed.
fn run(gpu: &Gpu, options: Options, op: Op, x: &[f32], shape: Shape, offsets: (usize, usize)) -> Vec<u32> {
    let words = op.kind.output_words(shape).unwrap() as usize;
    let input = gpu.filled(offsets.0, x);
    let output = gpu.filled(offsets.1, &vec![f32::NAN; words]);
    let args = SoftmaxArgs::new(
        TensorRef::from(&input).at(offsets.0 as u64),
        TensorRef::from(&output).at(offsets.1 as u64),
    );
    let plan = gpu.ops(options).prepare(op, shape, DTypes::F32).unwrap().bind(args).unwrap();
    let got = gpu.submit(&[&plan], &output);
    let (before, rest) = got.split_at(offsets.1 / 4);
    let (got, behind) = rest.split_at(words);
    assert!(before.iter().chain(behind).all(|w| *w == u32::MAX), "written outside the result");
    got.to_vec()
}

#[test]
fn offsets_of_four_bytes_give_the_same_bits() {
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        for cols in [3, 16, 19, 50, 100, 127, 1000, 1001, 3002] {
            let shape = Shape::rows(37, cols);
            let x = logits(37 * cols);
            for kind in OpKind::ALL {
                let op = Op::new(kind);
                let want = expected(op, &x, shape);
                for offsets in [(0, 0), (4, 0), (0, 12), (16, 16), (252, 1028)] {
                    let got = run(&gpu, Options::default(), op, &x, shape, offsets);
                    assert_eq!(got, want, "{entry} {kind:?} {cols} columns at {offsets:?}");
                }
            }
        }
    }
}

#[test]
fn plans_in_one_encoder_do_not_see_each_others_parameters_or_scratch() {
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        let ops = gpu.ops(Options::default());
        let split = gpu.ops(Options::default().force(Kernel::Split));
        let (a, b) = (Shape::rows(50, 40), Shape::rows(3, 20_000));
        let (x, y) = (logits(2000), logits(60_000));
        let (input_a, input_b) = (gpu.filled(0, &x), gpu.filled(0, &y));
        let empty = |n: usize| gpu.filled(0, &vec![0.0; n]);
        let outputs = [empty(2000), empty(2000), empty(60_000), empty(3)];
        let log_sum_exp = Op::from(LogSumExp::new());
        let run: [(_, Op, Shape, &wgpu::Buffer, &[f32]); 4] = [
            (&ops, Softmax::new().scale(0.5).into(), a, &input_a, &x),
            (&ops, Softmax::new().scale(2.0).into(), a, &input_a, &x),
            (&split, LogSoftmax::new().into(), b, &input_b, &y),
            (&split, log_sum_exp, b, &input_b, &y),
        ];
        let plans: Vec<_> = run
            .iter()
            .zip(&outputs)
            .map(|((ops, op, shape, input, _), output)| {
                let prepared = ops.prepare(*op, *shape, DTypes::F32).unwrap();
                prepared.bind(SoftmaxArgs::new(*input, output)).unwrap()
            })
            .collect();
        // Twice, in turn: a second recording finds its scratch used.
        let order: Vec<_> = plans.iter().chain(&plans).collect();
        for ((_, op, shape, _, x), output) in run.iter().zip(&outputs) {
            let got = gpu.submit(&order, output);
            let want = expected(*op, x, *shape);
            assert_eq!(got[..want.len()], want, "{entry} {op:?}");
        }
    }
}

/// Columns of which two bindings of 64 KiB leave one over.
const LEFT_OVER: usize = 2 * (16_384 - 64) + 1;

#[test]
fn batches_beyond_a_binding_or_a_grid_are_cut_into_windows() {
    for entry in common::test_adapters() {
        // Bindings of 64 KiB; at most 16 workgroups a dimension.
        let gpu = Gpu::with_limits(&entry, |limits| {
            limits.max_storage_buffer_binding_size = 65_536;
            limits.max_compute_workgroups_per_dimension = 16;
        });
        for (rows, cols) in [
            (70_000, 3),
            (5000, 32),
            (300, 101),
            (64, 1000),
            (9, 5000),
            (3, 40_001),
            (2, 65_536),
            (2, LEFT_OVER),
        ] {
            let (shape, x) = (Shape::rows(rows, cols), logits(rows * cols));
            for kind in OpKind::ALL {
                let op = Op::new(kind);
                let got = run(&gpu, Options::default(), op, &x, shape, (0, 0));
                assert!(got == expected(op, &x, shape), "{entry} {kind:?} {rows} x {cols}");
            }
        }
    }
}

#[test]
fn more_rows_than_a_dimension_has_workgroups() {
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        let (shape, x) = (Shape::rows(66_000, 40), logits(66_000 * 40));
        let op = Op::from(Softmax::new());
        let want = expected(op, &x, shape);
        for kernel in [Kernel::Workgroup, Kernel::WorkgroupLoop, Kernel::Split] {
            let got = run(&gpu, Options::default().force(kernel), op, &x, shape, (0, 0));
            assert!(got == want, "{entry} {kernel:?}");
        }
    }
}

/// Nothing but where there is no result: rows without columns have one each in the operations with one per row.
#[test]
fn an_empty_batch_records_nothing() {
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        for shape in [Shape::rows(0, 5), Shape::rows(5, 0), Shape::rows(0, 0)] {
            let results = |kind: &OpKind| kind.output_words(shape).unwrap();
            for kind in OpKind::ALL.into_iter().filter(|kind| results(kind) == 0) {
                let buffer = gpu.filled(0, &[1.0; 8]);
                let other = gpu.filled(0, &[1.0; 8]);
                let op = Op::new(kind);
                let prepared = gpu.ops(Options::default()).prepare(op, shape, DTypes::F32).unwrap();
                let plan = prepared.bind(SoftmaxArgs::new(&buffer, &other)).unwrap();
                assert_eq!((plan.dispatches(), plan.kernel()), (0, None));
                gpu.submit(&[&plan], &other);
            }
        }
    }
}

#[test]
fn rows_without_columns_give_what_the_cpu_gives() {
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        for op in [OpKind::LogSumExp, OpKind::RowStats].map(Op::new) {
            for rows in [1, 3, 100] {
                let shape = Shape::rows(rows, 0);
                let got = run(&gpu, Options::default(), op, &[], shape, (0, 12));
                assert_eq!(got, expected(op, &[], shape), "{entry} {op:?} {rows} rows");
            }
        }
        // The input has no element: any buffer will do.
        let (unbound, output) = (gpu.unbindable(0), gpu.filled(0, &[1.0; 3]));
        let prepared =
            gpu.ops(Options::default()).prepare(LogSumExp::new(), Shape::rows(3, 0), DTypes::F32).unwrap();
        let plan = prepared.bind(SoftmaxArgs::new(&unbound, &output)).unwrap();
        assert_eq!(gpu.submit(&[&plan], &output)[..3], [f32::NEG_INFINITY.to_bits(); 3], "{entry}");
    }
}

#[test]
fn what_cannot_be_bound_is_refused_by_name() {
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        let prepared =
            gpu.ops(Options::default()).prepare(Softmax::new(), Shape::rows(10, 100), DTypes::F32).unwrap();
        let (good, small) = (gpu.filled(0, &[0.0; 1000]), gpu.filled(0, &[0.0; 500]));
        let other = gpu.filled(0, &[0.0; 1000]);
        let plain = gpu.unbindable(4000);
        let refused = |args| prepared.bind(args).unwrap_err().to_string();
        let short = refused(SoftmaxArgs::new(&small, &good));
        assert!(short.starts_with("input: ") && short.contains("1000") && short.contains("564"), "{short}");
        let usage = refused(SoftmaxArgs::new(&good, &plain));
        assert!(usage.starts_with("output: ") && usage.contains("BufferUsages::STORAGE"), "{usage}");
        let odd = refused(SoftmaxArgs::new(TensorRef::from(&good).at(2), &other));
        assert!(odd.contains("multiple of 4"), "{odd}");
        let far = refused(SoftmaxArgs::new(TensorRef::from(&good).at(1 << 40), &other));
        assert!(far.starts_with("input: "), "{far}");
        let same = refused(SoftmaxArgs::new(&good, &good));
        assert!(same.contains("one buffer"), "{same}");
    }
}

#[test]
fn what_cannot_be_prepared_is_refused_before_anything_is_made() {
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        let prepare = |options: Options, op: Op, shape| gpu.ops(options).prepare(op, shape, DTypes::F32);
        let softmax = Op::new(OpKind::Softmax);
        let huge = prepare(Options::default(), softmax, Shape::rows(usize::MAX, 2));
        assert!(matches!(huge, Err(Error::ShapeOverflow { .. })));
        for scale in [f32::NAN, f32::INFINITY] {
            let bad = prepare(Options::default(), softmax.scale(scale), Shape::rows(1, 2));
            assert!(matches!(bad, Err(Error::NotFinite { .. })));
        }
        for (kernel, cols) in [
            (Kernel::Thread, 1 << 20),
            (Kernel::Tile, 100),
            (Kernel::Subgroup, 8),
            (Kernel::Workgroup, 1 << 20),
        ] {
            let forced = prepare(Options::default().force(kernel), softmax, Shape::rows(1, cols));
            assert!(matches!(forced, Err(Error::Kernel { .. })), "{kernel:?} {cols}");
        }
        assert!(prepare(Options::default(), RowStatistics::new().into(), Shape::rows(1, 1 << 30)).is_ok());
        let endless =
            prepare(Options::default(), LogSumExp::new().into(), Shape::rows(usize::MAX, 0)).unwrap();
        assert_eq!(endless.output_bytes(), u64::MAX);
        let (input, output) = (gpu.filled(0, &[]), gpu.filled(0, &[]));
        let bound = endless.bind(SoftmaxArgs::new(&input, &output));
        assert!(matches!(bound, Err(Error::Length { operand: "output", .. })));
    }
}
