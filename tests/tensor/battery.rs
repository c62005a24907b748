//! The cases of the battery that a test takes, and what a kernel makes of them.

use wgpu_softmax::Error;
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{Kernel, Options};
use wgpu_softmax::verify::Thoroughness;
use wgpu_softmax::verify::tensor::{TensorCase, expected_tensor, first_tensor_difference, tensor_cases};

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

/// How many cases a kernel took, in place where that can be, and what was wrong.
pub fn by_kernel<'a>(
    entry: &AdapterEntry,
    kernel: Option<Kernel>,
    cases: impl Iterator<Item = &'a (TensorCase, Vec<u32>)>,
) -> (usize, Vec<String>) {
    let mut options = Options::default();
    options.force = kernel;
    let device = Device::new(entry, options);
    let (mut ran, mut failures) = (0, Vec::new());
    for (case, expected) in cases {
        match run(&device, case, case.op.kind.is_elementwise() && case.data.dtype() == case.output) {
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
