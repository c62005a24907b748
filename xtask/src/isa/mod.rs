//! What AMD's compiler makes of the kernels: a static check on a real GPU's instruction set, which
//! needs Mesa's driver and no card.
//!
//! Each kernel goes the way it goes in wgpu (naga, SPIR-V, a Vulkan pipeline), on a device that the
//! driver only pretends to have; it then prints the instructions and its statistics.

pub mod driver;
mod fused;
mod program;
mod report;
pub mod spirv;

use std::path::Path;

use anyhow::{Context as _, Result};

use wgpu_softmax::gpu::source::{Rounding, Source};

pub use program::{Instruction, Program};
pub use report::{Alu, BUDGET, BUDGET_INTEGER, Report, table};

/// The family that is checked unless another is asked for: RDNA 2.
pub const FAMILY: &str = "navi21";

/// A shader to be looked at.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// What the report calls it.
    pub name: String,
    /// Its whole source.
    pub wgsl: String,
    /// The function that is compiled.
    pub entry_point: String,
    /// Values of its overrides.
    pub constants: Vec<(String, f64)>,
    /// Whether it promises the same bits everywhere.
    pub reproducible: bool,
    /// Whether its operations are decorated, so that drivers neither fuse nor reassociate them.
    pub decorated: bool,
    /// Elements of a row that an invocation holds in registers; 0 where it walks over the row.
    pub held: u32,
    /// Elements of a unit; 0 where nothing is known of the elements.
    pub width: u32,
    /// Whether those of a unit are read and written at once.
    pub in_one_access: bool,
    /// Bytes of an element of the input; 0 where nothing is known of the elements.
    pub element_bytes: u32,
    /// Whether wgpu's run-time checks (indices, loops, divisions) are left out, as for a module made
    /// with `create_shader_module_trusted`.
    pub trusted: bool,
}

/// Compiles a kernel for a family of AMD chips. `compiler` is this package's program, which is
/// started anew for each kernel.
pub fn compile(compiler: &Path, family: &str, kernel: &Kernel) -> Result<Program> {
    let spirv = spirv::translate(kernel)?;
    let printed = driver::compile(compiler, family, &kernel.entry_point, &spirv);
    printed.and_then(|p| Program::parse(&p)).with_context(|| format!("kernel {}", kernel.name))
}

/// Compiles a kernel and looks at the result; see [`compile`].
pub fn check(compiler: &Path, family: &str, kernel: &Kernel) -> Result<Report> {
    Ok(Report::new(kernel, &compile(compiler, family, kernel)?))
}

/// [`check`] for many kernels, several at a time; the reports come in the kernels' order.
pub fn check_all(compiler: &Path, family: &str, kernels: &[Kernel]) -> Result<Vec<Report>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = kernels.len().div_ceil(threads).max(1);
    let check_share = |kernels: &[Kernel]| kernels.iter().map(|k| check(compiler, family, k)).collect();
    std::thread::scope(|scope| {
        let running: Vec<_> =
            kernels.chunks(share).map(|kernels| scope.spawn(move || check_share(kernels))).collect();
        let done: Result<Vec<Vec<Report>>> =
            running.into_iter().map(|thread| thread.join().expect("a check does not panic")).collect();
        Ok(done?.into_iter().flatten().collect())
    })
}

/// Every kernel of the library, one for each entry point.
pub fn catalogue() -> Vec<Kernel> {
    let sources = wgpu_softmax::gpu::source::catalogue();
    sources.iter().flat_map(|source| source.entry_points.iter().map(|entry| kernel(source, entry))).collect()
}

fn kernel(source: &Source, entry_point: &str) -> Kernel {
    let several = source.entry_points.len() > 1;
    let name = if several { format!("{} {entry_point}", source.name) } else { source.name.clone() };
    Kernel {
        name,
        wgsl: source.wgsl.clone(),
        entry_point: entry_point.to_owned(),
        constants: source.constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        reproducible: source.reproducible,
        decorated: source.rounding == Rounding::Decorated,
        held: source.elements_per_invocation,
        width: source.width,
        in_one_access: source.in_one_access,
        element_bytes: source.element_bytes,
        trusted: true,
    }
}
