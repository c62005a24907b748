//! Tensors on every adapter: axes, types, masks and in place, with the bits of the specification.

mod common;
mod tensor;

use tensor::battery::{battery, battery_of, by_kernel, is_full, without_columns};
use tensor::ragged::{beyond_a_binding, of_no_elements, ragged};
use tensor::{Device, run};
use wgpu_softmax::gpu::{DTypes, Kernel, Options, SoftmaxArgs, TensorRef, Terms};
use wgpu_softmax::verify::Thoroughness;
use wgpu_softmax::verify::tensor::{first_tensor_difference, tensor_cases};
use wgpu_softmax::{DType, Error, Op, OpKind, Shape, wgpu};

#[test]
fn the_planners_kernels_give_the_bits_of_the_specification() {
    let cases = battery(5);
    for entry in common::test_adapters() {
        let devices = Device::both(&entry, Options::default());
        let mut failures = Vec::new();
        let start = std::time::Instant::now();
        for ((case, expected), device) in cases.iter().zip(devices.iter().cycle()) {
            let got = run(device, case, false).unwrap_or_else(|e| panic!("{entry} {}: {e}", case.name));
            failures.extend(first_tensor_difference(case, expected, &got));
        }
        println!("{entry}: {} cases in {:.1?}", cases.len(), start.elapsed());
        assert!(
            failures.is_empty(),
            "{entry}: {} of {}\n{}",
            failures.len(),
            cases.len(),
            failures[..failures.len().min(20)].join("\n")
        );
    }
}

#[test]
fn every_kernel_gives_the_bits_of_the_specification() {
    let cases = battery(3);
    let step = if is_full() { 1 } else { 17 };
    for entry in common::test_adapters() {
        let mut failures = Vec::new();
        for (at, kernel) in Kernel::ALL.into_iter().enumerate() {
            failures.extend(by_kernel(&entry, Some(kernel), cases.iter().skip(at).step_by(step)).1);
        }
        assert!(
            failures.is_empty(),
            "{entry}: {}\n{}",
            failures.len(),
            failures[..failures.len().min(20)].join("\n")
        );
    }
}

/// Lanes that work on several rows have kernels of their own, which few cases of the other tests reach.
#[test]
fn rows_side_by_side_give_the_bits_of_the_specification() {
    let cases = battery_of("side by side", 1);
    let step = if is_full() { 1 } else { 7 };
    for entry in common::test_adapters() {
        let kernels = [Kernel::Thread, Kernel::ThreadLoop, Kernel::SplitColumns].map(Some);
        for (at, kernel) in kernels.into_iter().chain([None]).enumerate() {
            let (ran, failures) = by_kernel(&entry, kernel, cases.iter().skip(at).step_by(step));
            assert!(ran > 10 && failures.is_empty(), "{entry} {kernel:?}, {ran}:\n{}", failures.join("\n"));
        }
    }
}

#[test]
fn tensors_beyond_a_binding_or_a_grid_are_cut() {
    let cases = battery(1);
    for entry in common::test_adapters() {
        // Bindings of 16 KiB; at most 16 workgroups a dimension.
        let device = Device::with_limits(&entry, Options::default(), |limits| {
            limits.max_storage_buffer_binding_size = 16_384;
            limits.max_compute_workgroups_per_dimension = 16;
            limits.max_storage_buffers_per_shader_stage =
                entry.adapter.limits().max_storage_buffers_per_shader_stage;
        });
        let (mut failures, mut ran) = (Vec::new(), 0);
        for (case, expected) in cases.iter().filter(|(case, _)| case.data.bytes().len() > 16_384).step_by(3) {
            match run(&device, case, false) {
                // A row of the broadcast operand itself does not fit.
                Err(Error::Limit { .. }) => continue,
                Err(e) => panic!("{entry} {}: {e}", case.name),
                Ok(got) => failures.extend(first_tensor_difference(case, expected, &got)),
            }
            ran += 1;
        }
        println!("{entry}: {ran} cases in pieces");
        assert!(ran > 20 && failures.is_empty(), "{entry}, {ran} cases:\n{}", failures.join("\n"));
    }
}

/// Units of four elements do not begin at whole ones of such buffers.
#[test]
fn operands_at_any_offset_give_the_same_bits() {
    let cases = battery(31);
    for entry in common::test_adapters() {
        let device = Device { guard: 260, ..Device::new(&entry, Options::default()) };
        for (case, expected) in &cases {
            let got = run(&device, case, false).unwrap_or_else(|e| panic!("{entry} {}: {e}", case.name));
            assert_eq!(first_tensor_difference(case, expected, &got), None, "{entry}");
        }
    }
}

#[test]
fn results_overwrite_plain_rows_by_every_kernel() {
    for entry in common::test_adapters() {
        for kernel in Kernel::ALL {
            let device = Device::new(&entry, Options::default().force(kernel));
            for (cols, offset) in
                [8, 31, 50, 101, 1000, 1001, 1024].into_iter().flat_map(|n| [(n, 16), (n, 4)])
            {
                let (shape, x) = (Shape::rows(33, cols), common::gpu::logits(33 * cols));
                for kind in [OpKind::Softmax, OpKind::LogSoftmax] {
                    let op = Op::new(kind).scale(-0.5);
                    let Ok(prepared) = device.ops.prepare(op, shape, DTypes::F32) else { continue };
                    let buffer = device.gpu.filled(offset, &x);
                    let args = SoftmaxArgs::in_place(TensorRef::from(&buffer).at(offset as u64));
                    let plan = match prepared.bind(args) {
                        // Where rows of whole units do not begin at one, the kernel may hold fewer columns.
                        Err(Error::Kernel { .. }) if offset == 4 => continue,
                        plan => plan.unwrap(),
                    };
                    let got = device.gpu.submit(&[&plan], &buffer);
                    let want = common::expected(op, &x, shape);
                    let want: Vec<u32> = want.into_iter().map(f32::to_bits).collect();
                    let (before, rest) = got.split_at(offset / 4);
                    let (got, behind) = rest.split_at(want.len());
                    assert!(got == want, "{entry} {kernel:?} {kind:?} {cols} columns at {offset}");
                    assert!(
                        before.iter().chain(behind).all(|word| *word == u32::MAX),
                        "{entry} {kernel:?} {cols}"
                    );
                }
            }
        }
    }
}

#[test]
fn ragged_rows_are_those_of_the_specification() {
    let lengths = [0usize, 1, 3, 70, 0, 33, 2, 129, 100, 5, 1];
    let offsets: Vec<u32> = lengths
        .iter()
        .scan(7u32, |end, &len| Some(std::mem::replace(end, *end + len as u32)))
        .chain([351])
        .collect();
    for entry in common::test_adapters() {
        for kernel in [None, Some(Kernel::ThreadLoop), Some(Kernel::Workgroup), Some(Kernel::Split)] {
            let mut options = Options::default();
            options.force = kernel;
            let device = Device::new(&entry, options);
            for (input, output) in
                [(DType::F32, DType::F32), (DType::F16, DType::F16), (DType::BF16, DType::F32)]
            {
                for kind in
                    OpKind::ALL.into_iter().filter(|kind| *kind != OpKind::RowStats || output == DType::F32)
                {
                    ragged(
                        &device,
                        kind,
                        (input, output),
                        &lengths,
                        &offsets,
                        &format!("{entry} {kernel:?}"),
                    );
                }
            }
        }
    }
}

/// With sinks a row's result is its sink's; of everything else beside it nothing is left.
#[test]
fn tensors_without_columns_give_the_bits_of_the_specification() {
    let cases = without_columns();
    for entry in common::test_adapters() {
        for kernel in [None, Some(Kernel::ThreadLoop), Some(Kernel::Workgroup), Some(Kernel::Split)] {
            let (ran, failures) = by_kernel(&entry, kernel, cases.iter());
            assert!(ran == cases.len() && failures.is_empty(), "{entry}, {ran}:\n{}", failures.join("\n"));
        }
    }
}

#[test]
fn ragged_rows_of_no_elements_are_empty_rows() {
    for entry in common::test_adapters() {
        of_no_elements(&Device::new(&entry, Options::default()), &entry.to_string());
    }
}

#[test]
fn ragged_rows_may_lie_in_a_buffer_beyond_a_binding() {
    for entry in common::test_adapters() {
        let small = |limits: &mut wgpu::Limits| limits.max_storage_buffer_binding_size = 16_384;
        beyond_a_binding(&Device::with_limits(&entry, Options::default(), small));
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let entry = common::test_adapters().remove(0);
    let device = Device::with_limits(&entry, Options::default(), |_| ());
    let shape = Shape::along(&[2, 3, 8], &[-1]).unwrap();
    let softmax = Op::new(OpKind::Softmax);
    let refused = |types, terms: &Terms| {
        device.ops.prepare_tensor(softmax, shape, types, terms).unwrap_err().to_string()
    };
    let f64 = refused(DTypes::new(DType::F64, DType::F32), &Terms::new());
    assert!(f64.starts_with("input of f64: ") && f64.contains("cpu::run_tensor"), "{f64}");
    let wide = refused(DTypes::F32, &Terms::new().mask_bytes(&[9]));
    assert!(wide.starts_with("mask: its shape (9,) does not broadcast"), "{wide}");
    let bias = refused(DTypes::F32, &Terms::new().bias(DType::F64, &[8]));
    assert!(bias.starts_with("bias of f64"), "{bias}");
    let slopes = refused(DTypes::F32, &Terms::new().alibi(3));
    assert!(slopes.starts_with("ALiBi slopes"), "{slopes}");
    let long =
        device.ops.prepare_ragged(softmax, 2, 1 << 19, DTypes::F32, &Terms::new()).unwrap_err().to_string();
    assert!(long.contains("262144") && long.contains("run_ragged"), "{long}");

    let terms = Terms::new().mask_bytes(&[2, 3, 8]).sinks(&[3]);
    let prepared =
        device.ops.prepare_tensor(softmax, shape, DTypes::new(DType::F16, DType::F32), &terms).unwrap();
    let buffer = |bytes: u64| {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let descriptor =
            wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false };
        device.gpu.device.create_buffer(&descriptor)
    };
    let (input, output, mask, sinks) = (buffer(96), buffer(192), buffer(48), buffer(12));
    let args = SoftmaxArgs::new(&input, &output);
    let refused = |args| prepared.bind(args).unwrap_err().to_string();
    assert!(refused(args.mask(&mask)).starts_with("sinks: it was prepared for"));
    assert!(
        refused(args.mask(&mask).sinks(&sinks).bias(&input)).starts_with("bias: it was not prepared for")
    );
    assert!(refused(args.mask(&sinks).sinks(&sinks)).starts_with("mask: the shape asks for 48"));
    assert!(refused(args.mask(TensorRef::from(&mask).at(2)).sinks(&sinks)).contains("multiple of 4"));
    assert!(
        refused(args.mask(&mask).sinks(&output)).starts_with("sinks: it lies in the buffer of the output")
    );
    let small = buffer(94);
    assert!(
        refused(SoftmaxArgs::new(&small, &output).mask(&mask).sinks(&sinks))
            .starts_with("input: the shape asks")
    );
    assert!(
        refused(SoftmaxArgs::in_place(&output).mask(&mask).sinks(&sinks))
            .contains("in place the results have the type")
    );
    assert!(prepared.bind(args.mask(&mask).sinks(&sinks)).is_ok());

    let odd = device.ops.prepare(softmax, Shape::rows(1, 3), DTypes::new(DType::F16, DType::F16)).unwrap();
    assert_eq!(odd.output_bytes(), 8, "whole words, as they are bound");
    let eight = buffer(odd.output_bytes());
    assert!(odd.bind(SoftmaxArgs::new(&eight, &output)).is_ok());
    let six = buffer(6);
    let bound = odd.bind(SoftmaxArgs::new(&six, &output)).unwrap_err().to_string();
    assert!(bound.contains("2 bytes longer"), "{bound}");
    let stats = device
        .ops
        .prepare(Op::new(OpKind::LogSumExp), Shape::along(&[3, 4], &[0]).unwrap(), DTypes::F32)
        .unwrap();
    assert!(matches!(stats.bind(SoftmaxArgs::in_place(&output)), Err(Error::NotInPlace { .. })));
}

/// Everything beside the input needs nine storage buffers; WebGPU's default is eight.
#[test]
fn operands_in_one_buffer_take_one_binding() {
    for entry in common::test_adapters() {
        let device = Device::with_limits(&entry, Options::default(), |_| ());
        let cases = battery(1);
        let (case, expected) = cases.iter().find(|(case, _)| case.name.starts_with("everything")).unwrap();
        let refused = run(&device, case, false).unwrap_err().to_string();
        assert!(refused.contains("9 needed, the device allows 8"), "{refused}");
        let got = tensor::run_packed(&device, case).unwrap();
        assert_eq!(first_tensor_difference(case, expected, &got), None, "{entry}");
    }
}

/// Not a test: the processor time that the first use of a kernel takes, plain and of tensors. Mesa keeps compiled shaders
/// unless `MESA_SHADER_CACHE_DISABLE` is set.
#[test]
#[ignore = "prints times"]
fn first_use() {
    let all = tensor_cases(Thoroughness::Quick);
    let find =
        |name: &str| all.iter().find(|case| case.name.starts_with(name) && case.dims.last() > Some(&40));
    let names =
        ["types, f32 to f32", "types, f16 to f16", "types, f16 to f32", "a mask per query", "everything"];
    for entry in common::test_adapters() {
        for kernel in
            [Kernel::Thread, Kernel::ThreadLoop, Kernel::Subgroup, Kernel::SubgroupLoop, Kernel::Split]
        {
            for case in names.iter().filter_map(|name| find(name)) {
                let device = Device::new(&entry, Options::default().force(kernel));
                let start = cpu_time::ProcessTime::now();
                if run(&device, case, false).is_ok() {
                    println!(
                        "{entry} {} {} {:?}: {:.1?}",
                        kernel.name(),
                        case.name,
                        case.dims,
                        start.elapsed()
                    );
                }
            }
        }
    }
}
