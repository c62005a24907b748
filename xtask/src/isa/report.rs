//! What is reported of a kernel, and what makes it fail.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

use super::Kernel;
use super::fused::{is_approximate, is_fused, product_is_exact};
use super::program::{Instruction, Program};

/// Vector instructions per element that a GPU can issue while it copies at full speed
/// (`docs/development.md` says where the numbers come from).
pub const BUDGET: f64 = 50.0;
/// How many of those may be integer ones.
pub const BUDGET_INTEGER: f64 = 25.0;

/// Vector ALU instructions by what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Alu {
    /// All of them.
    pub all: usize,
    /// Additions and multiplications of floats.
    pub float: usize,
    /// Integer operations, comparisons, conversions, selections.
    pub integer: usize,
    /// Copies.
    pub moves: usize,
}

impl Alu {
    fn count<'a>(of: impl Iterator<Item = &'a Instruction>) -> Self {
        of.filter(|i| i.is_valu()).fold(Self::default(), |n, i| {
            let (float, moves) = (i.is_float(), i.is_move());
            Self {
                all: n.all + 1,
                float: n.float + usize::from(float),
                integer: n.integer + usize::from(!float && !moves),
                moves: n.moves + usize::from(moves),
            }
        })
    }

    fn json(&self) -> Value {
        json!({ "all": self.all, "float": self.float, "integer": self.integer, "moves": self.moves })
    }
}

/// What was found out about one kernel.
#[derive(Clone, Debug)]
pub struct Report {
    /// The kernel's name.
    pub name: String,
    /// Vector instructions of the whole kernel.
    pub alu: Alu,
    /// Vector instructions of each loop, outer ones first and with their inner ones.
    pub loops: Vec<Alu>,
    /// Vector instructions and integer ones per element, where the catalogue says how many elements
    /// an invocation or an iteration takes.
    pub per_element: Option<(f64, f64)>,
    /// How often each kind of buffer access occurs, by name.
    pub memory: BTreeMap<String, usize>,
    /// Fused multiply-adds with an exact product.
    pub fused_exact: usize,
    /// Fused multiply-adds that change the result.
    pub fused_inexact: Vec<String>,
    /// The driver's statistics.
    pub statistics: BTreeMap<String, u64>,
    /// What breaks a promise; empty where all is well.
    pub failures: Vec<String>,
}

impl Report {
    /// Looks at a compiled kernel.
    pub fn new(kernel: &Kernel, program: &Program) -> Self {
        let code = &program.instructions;
        let fused: Vec<_> = (0..code.len()).filter(|&i| is_fused(&code[i])).collect();
        let (exact, inexact): (Vec<_>, Vec<_>) =
            fused.into_iter().partition(|&i| product_is_exact(program, i));
        let mut memory = BTreeMap::new();
        for access in code.iter().filter(|i| i.is_memory()) {
            *memory.entry(access.name.clone()).or_default() += 1;
        }
        let count = |range: Range<usize>| Alu::count(code[range].iter());
        let mut report = Self {
            name: kernel.name.clone(),
            alu: count(0..code.len()),
            loops: program.loops().into_iter().map(count).collect(),
            per_element: kernel.elements.map(|n| per_element(program, n)),
            memory,
            fused_exact: exact.len(),
            fused_inexact: inexact.into_iter().map(|i| code[i].text.clone()).collect(),
            statistics: program.statistics.clone(),
            failures: Vec::new(),
        };
        report.failures = report.judge(kernel, program);
        report
    }

    fn judge(&self, kernel: &Kernel, program: &Program) -> Vec<String> {
        let mut failures = Vec::new();
        for name in ["Spilled VGPRs", "Spilled SGPRs", "Scratch size"] {
            let n = program.statistic(name);
            // Spilled scalars lie in vector registers: slower, but not memory.
            if n > 0 && name != "Spilled SGPRs" {
                failures.push(format!("{name}: {n}; a row's part must stay in registers"));
            }
        }
        if kernel.reproducible {
            failures.extend(
                self.fused_inexact.iter().map(|i| format!("fused, and the product is not exact: {i}")),
            );
            let approximate = program.instructions.iter().filter(|i| is_approximate(i));
            failures.extend(approximate.map(|i| format!("a function of the hardware's own: {}", i.text)));
        }
        failures
    }

    /// Whether the budget per element is exceeded; it is reported, not enforced.
    pub fn over_budget(&self) -> bool {
        self.per_element.is_some_and(|(all, integer)| all > BUDGET || integer > BUDGET_INTEGER)
    }

    /// Everything, for programs.
    pub fn json(&self) -> Value {
        json!({
            "name": self.name,
            "valu": self.alu.json(),
            "loops": self.loops.iter().map(Alu::json).collect::<Vec<_>>(),
            "instructions_per_element": self.per_element.map(|p| p.0),
            "integer_per_element": self.per_element.map(|p| p.1),
            "over_budget": self.over_budget(),
            "memory": self.memory,
            "fused_exact": self.fused_exact,
            "fused_inexact": self.fused_inexact,
            "statistics": self.statistics,
            "failures": self.failures,
        })
    }
}

/// Vector instructions per element. The elements are met in the innermost loops that access
/// buffers (one per pass over the row); where there is none, in the whole kernel.
fn per_element(program: &Program, elements: u32) -> (f64, f64) {
    let code = &program.instructions;
    let mut passes = program.innermost_loops();
    passes.retain(|l| code[l.clone()].iter().any(Instruction::is_memory));
    if passes.is_empty() {
        passes.push(0..code.len());
    }
    let alu = Alu::count(passes.iter().flat_map(|l| &code[l.clone()]));
    (alu.all as f64 / f64::from(elements), alu.integer as f64 / f64::from(elements))
}

/// The reports as a table of text.
pub fn table(reports: &[Report]) -> String {
    let mut text = format!(
        "{:<40} {:>5} {:>5} {:>6} {:>6} {:>7} {:>8} {:>6} {:>6} {:>6}  {:<12} {}\n",
        "kernel",
        "VGPR",
        "SGPR",
        "LDS",
        "code",
        "latency",
        "inv.thr",
        "VALU",
        "/elem",
        "int/el",
        "loops",
        "buffers"
    );
    for r in reports {
        let s = |name: &str| r.statistics.get(name).copied().unwrap_or(0);
        let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| format!("{n:.1}"));
        let loops = r.loops.iter().map(|l| l.all.to_string()).collect::<Vec<_>>().join(",");
        let memory = r.memory.iter().map(|(name, n)| format!("{n} {}", name.replacen("buffer_", "", 1)));
        text += &format!(
            "{:<40} {:>5} {:>5} {:>6} {:>6} {:>7} {:>8} {:>6} {:>6} {:>6}  {:<12} {}\n",
            r.name,
            s("VGPRs"),
            s("SGPRs"),
            s("LDS size"),
            s("Code size"),
            s("Latency"),
            s("Inverse Throughput"),
            r.alu.all,
            number(r.per_element.map(|p| p.0)),
            number(r.per_element.map(|p| p.1)),
            loops,
            memory.collect::<Vec<_>>().join(", "),
        );
    }
    text
}
