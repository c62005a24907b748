//! Static counts of the shaders, as the instruction check sees them.

use std::path::Path;

use anyhow::Result;

use super::file::{Counts, Metrics};
use crate::isa::{self, Report};

/// The driver's statistics that are kept, with their short names.
const STATISTICS: [(&str, &str); 6] = [
    ("VGPRs", "vgpr"),
    ("Code size", "code"),
    ("LDS size", "lds"),
    ("Spilled VGPRs", "spilled-vgpr"),
    ("Spilled SGPRs", "spilled-sgpr"),
    ("Scratch size", "scratch"),
];

/// Compiles the kernels whose names contain `filter`; `compiler` is this package's program.
///
/// # Errors
/// Where the driver is missing or a kernel does not compile.
pub fn count(compiler: &Path, filter: &str) -> Result<Counts> {
    let mut kernels = isa::catalogue();
    kernels.retain(|k| k.name.contains(filter));
    let reports = isa::check_all(compiler, isa::FAMILY, &kernels)?;
    Ok(Counts {
        tool: tool(compiler)?,
        kernels: reports.iter().map(|r| (r.name.clone(), metrics(r))).collect(),
    })
}

/// The driver with its version.
///
/// # Errors
/// Where it is missing.
pub fn tool(compiler: &Path) -> Result<String> {
    Ok(format!("{}, {}", isa::driver::version(compiler, isa::FAMILY)?, isa::FAMILY))
}

fn metrics(report: &Report) -> Metrics {
    let statistic = |name: &str| report.statistics.get(name).copied().unwrap_or(0) as f64;
    let mut metrics: Metrics =
        STATISTICS.iter().map(|(long, short)| ((*short).to_owned(), statistic(long))).collect();
    metrics.insert("valu".to_owned(), report.alu.all as f64);
    if let Some((all, integer)) = report.per_element {
        metrics.insert("instr/elem".to_owned(), all);
        metrics.insert("int/elem".to_owned(), integer);
    }
    for (name, n) in &report.memory {
        metrics.insert(name.replacen("buffer_", "", 1), *n as f64);
    }
    metrics
}
