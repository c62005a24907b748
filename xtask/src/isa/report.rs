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
/// A loop of so many vector instructions does more than to reduce over lanes.
const LARGE_LOOP: usize = 20;

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
            per_element: per_element(kernel, program),
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

/// Vector instructions per element, the row's fixed work (reductions, reciprocal, logarithm) shared
/// out among the elements that an invocation holds.
///
/// Loops over the row are told from others, which reduce over lanes, by their access to buffers or by
/// their size. Where a row is held in registers they take as many trips as there are accesses; where
/// it is walked over, the fixed work is nothing and every loop is one pass.
fn per_element(kernel: &Kernel, program: &Program) -> Option<(f64, f64)> {
    let code = &program.instructions;
    let mut passes = program.innermost_loops();
    passes.retain(|l| {
        let of_loop = &code[l.clone()];
        Alu::count(of_loop.iter()).all >= LARGE_LOOP || of_loop.iter().any(Instruction::is_memory)
    });
    let (width, held) = (f64::from(kernel.width), f64::from(kernel.held));
    if kernel.width == 0 || (kernel.held == 0 && passes.is_empty()) {
        return None;
    }
    let once = Alu::count(code.iter());
    let repeated = Alu::count(passes.iter().flat_map(|l| &code[l.clone()]));
    let share = |once: usize, repeated: usize| match kernel.held {
        0 => repeated as f64 / width,
        _ => (once - repeated) as f64 / held + repeated as f64 / width,
    };
    Some((share(once.all, repeated.all), share(once.integer, repeated.integer)))
}

/// The reports as a table of text.
pub fn table(reports: &[Report]) -> String {
    let mut text = line(
        "kernel",
        ["VGPR", "LDS", "code", "latency", "inv.thr", "fused", "VALU", "/elem", "int/el"].map(str::to_owned),
        "loops",
        "buffers",
    );
    for r in reports {
        let s = |name: &str| r.statistics.get(name).copied().unwrap_or(0).to_string();
        let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| format!("{n:.1}"));
        let over = if r.over_budget() { "!" } else { "" };
        let columns = [
            s("VGPRs"),
            s("LDS size"),
            s("Code size"),
            s("Latency"),
            s("Inverse Throughput"),
            (r.fused_exact + r.fused_inexact.len()).to_string(),
            r.alu.all.to_string(),
            number(r.per_element.map(|p| p.0)) + over,
            number(r.per_element.map(|p| p.1)),
        ];
        let loops = r.loops.iter().map(|l| l.all.to_string()).collect::<Vec<_>>().join(",");
        let memory = r.memory.iter().map(|(name, n)| format!("{n} {}", name.replacen("buffer_", "", 1)));
        text += &line(&r.name, columns, &loops, &memory.collect::<Vec<_>>().join(", "));
    }
    text + &format!(
        "! more than {BUDGET} vector instructions per element, or {BUDGET_INTEGER} integer ones\n"
    )
}

fn line(name: &str, columns: [String; 9], loops: &str, memory: &str) -> String {
    let columns: String = columns.iter().map(|c| format!(" {c:>7}")).collect();
    format!("{name:<52}{columns}  {loops:<22} {memory}\n")
}
