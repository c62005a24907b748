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
    /// Elements that an iteration of its loops over the row takes, or an invocation without one.
    pub elements: Option<u32>,
    /// Whether wgpu's run-time checks (indices, loops, divisions) are left out, as for a module made
    /// with `create_shader_module_trusted`.
    pub trusted: bool,
}

/// Compiles a kernel for a family of AMD chips and looks at the result. `compiler` is this
/// package's program, which is started anew for each kernel.
pub fn check(compiler: &Path, family: &str, kernel: &Kernel) -> Result<Report> {
    let spirv = spirv::translate(kernel)?;
    let printed = driver::compile(compiler, family, &kernel.entry_point, &spirv)
        .with_context(|| format!("kernel {}", kernel.name))?;
    let program = Program::parse(&printed).with_context(|| format!("kernel {}", kernel.name))?;
    Ok(Report::new(kernel, &program))
}

/// Every kernel of the library.
pub fn catalogue() -> Vec<Kernel> {
    Vec::new()
}
