//! The cases of the battery that a test takes, and what a kernel makes of them.

use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{Kernel, Options};
use wgpu_softmax::verify::Thoroughness;
use wgpu_softmax::verify::tensor::{
    Beside, Elements, OwnedMasking, TensorCase, expected_tensor, first_tensor_difference, tensor_cases,
};
use wgpu_softmax::{DType, Error, Op, OpKind};

use super::{Device, run};

pub fn is_full() -> bool {
    std::env::var_os("SOFTMAX_FULL").is_some()
}

/// Every so manieth case of the battery, with what it must give: compiling its kernels takes the time. A
/// step that is odd takes the operations in turn.
pub fn battery(step: usize) -> Vec<(TensorCase, Vec<u32>)> {
    battery_of("", step)
}

/// The same of the cases with such names.
pub fn battery_of(part: &str, step: usize) -> Vec<(TensorCase, Vec<u32>)> {
    let (level, step) = if is_full() { (Thoroughness::Full, 1) } else { (Thoroughness::Quick, step) };
    let cases = tensor_cases(level).into_iter().filter(|case| case.name.contains(part)).step_by(step);
    cases.map(|case| (case.clone(), expected_tensor(&case))).collect()
}

/// Six rows without columns along each kind of axes, alone, with sinks, and with more beside them.
pub fn without_columns() -> Vec<(TensorCase, Vec<u32>)> {
    let numbers = vec![1.5, f32::NEG_INFINITY, f32::NAN, f32::INFINITY, -0.0, 1e-40];
    let per_row = |rows: &[usize]| Some(Beside { data: numbers.clone(), dims: rows.to_vec() });
    let sinks = |rows: &[usize]| OwnedMasking { sinks: per_row(rows), ..Default::default() };
    let everything = |rows: &[usize]| OwnedMasking {
        row_scale: per_row(rows),
        lengths: Some(Beside { data: vec![0], dims: vec![1] }),
        bias: Some(Beside { data: Elements::of(DType::F16, &[3.0]), dims: vec![1] }),
        ..sinks(rows)
    };
    let shapes: [(&[usize], isize, &[usize]); 4] =
        [(&[6, 0], 1, &[6]), (&[0, 6], 0, &[6]), (&[2, 0, 3], 1, &[2, 3]), (&[2, 3, 0], 2, &[2, 3])];
    let kinds = [
        (OpKind::LogSumExp, DType::F32, DType::F32),
        (OpKind::LogSumExp, DType::F16, DType::BF16),
        (OpKind::RowStats, DType::BF16, DType::F32),
    ];
    let mut cases = Vec::new();
    for (dims, axis, rows) in shapes {
        for masking in [OwnedMasking::default(), sinks(rows), everything(rows)] {
            cases.extend(kinds.map(|(kind, input, output)| TensorCase {
                name: format!("without columns, {kind:?} of {input} to {output}"),
                op: Op::new(kind),
                dims: dims.to_vec(),
                axes: vec![axis],
                data: Elements::of(input, &[]),
                output,
                masking: masking.clone(),
            }));
        }
    }
    cases.into_iter().map(|case| (case.clone(), expected_tensor(&case))).collect()
}

/// How many cases a kernel took, in place where that can be, sealed every other one, and what was wrong.
pub fn by_kernel<'a>(
    entry: &AdapterEntry,
    kernel: Option<Kernel>,
    cases: impl Iterator<Item = &'a (TensorCase, Vec<u32>)>,
) -> (usize, Vec<String>) {
    let mut options = Options::default();
    options.force = kernel;
    by_options(entry, options, cases)
}

/// The same by a kernel that those options force.
pub fn by_options<'a>(
    entry: &AdapterEntry,
    options: Options,
    cases: impl Iterator<Item = &'a (TensorCase, Vec<u32>)>,
) -> (usize, Vec<String>) {
    let kernel = options.force;
    let devices = Device::both(entry, options);
    let (mut ran, mut failures) = (0, Vec::new());
    for ((case, expected), device) in cases.zip(devices.iter().cycle()) {
        match run(device, case, case.op.kind.is_elementwise() && case.data.dtype() == case.output) {
            Err(Error::Kernel { .. }) => continue,
            Err(e) => panic!("{entry} {kernel:?} {}: {e}", case.name),
            Ok(got) => failures
                .extend(first_tensor_difference(case, expected, &got).map(|d| format!("{kernel:?} {d}"))),
        }
        ran += 1;
    }
    println!("{entry} {kernel:?}: {ran} cases");
    (ran, failures)
}
