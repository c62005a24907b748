//! The driver's printout as instructions, labels and statistics.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use anyhow::{Context as _, Result, bail};

/// One instruction, as LLVM's disassembler prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// Its name without the encoding's suffix (`_e32`, `_dpp`, ...).
    pub name: String,
    /// Its operands, the destination first where there is one.
    pub operands: Vec<String>,
    /// The line it was read from.
    pub text: String,
}

impl Instruction {
    fn parse(text: &str) -> Self {
        let text = text.split(';').next().unwrap_or_default().trim();
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let suffixes = ["_e32", "_e64", "_dpp8", "_dpp", "_sdwa"];
        let name = suffixes.iter().find_map(|s| name.strip_suffix(s)).unwrap_or(name);
        // What follows an operand after a blank is a modifier: "0 offen glc".
        let first_word = |o: &str| o.split_whitespace().next().unwrap_or_default().to_owned();
        let operands = rest.split(',').map(first_word).filter(|o| !o.is_empty()).collect();
        Self { name: name.replacen("v_dual_", "v_", 1), operands, text: text.to_owned() }
    }

    /// Whether the vector ALU executes it.
    pub fn is_valu(&self) -> bool {
        self.name.starts_with("v_")
    }

    /// Whether it adds or multiplies floats; comparisons, conversions and selections are counted with
    /// the integer instructions, since they run at the same rate on the hardware that the budget is for.
    pub fn is_float(&self) -> bool {
        let arithmetic = ["add", "sub", "mul", "fma", "mad", "mac", "pk_add", "pk_mul", "pk_fma"];
        let rest = self.name.strip_prefix("v_").unwrap_or_default();
        ["_f32", "_f16"].iter().any(|t| rest.ends_with(t)) && arithmetic.iter().any(|a| rest.starts_with(a))
    }

    /// Copies between registers.
    pub fn is_move(&self) -> bool {
        self.name.starts_with("v_mov_b32") || self.name.starts_with("v_nop")
    }

    /// Access to buffers: the name says the width.
    pub fn is_memory(&self) -> bool {
        ["buffer_", "global_", "flat_"].iter().any(|p| self.name.starts_with(p))
            && ["load", "store", "atomic"].iter().any(|k| self.name.contains(k))
    }

    /// Whether it may write the register `v7` or `s3`. Where that is not known: yes.
    pub fn writes(&self, register: &str) -> bool {
        let no_result = [
            "v_cmpx",
            "s_cmp",
            "s_bitcmp",
            "s_branch",
            "s_cbranch",
            "s_waitcnt",
            "s_clause",
            "s_endpgm",
            "ds_write",
        ];
        if no_result.iter().any(|n| self.name.starts_with(n)) || self.name.contains("_store_") {
            return false;
        }
        self.operands.first().is_some_and(|to| covers(to, register))
    }
}

/// The code, with the labels that loops go to.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, instruction) in self.instructions.iter().enumerate() {
            for (label, _) in self.labels.iter().filter(|(_, to)| **to == at) {
                writeln!(f, "{label}:")?;
            }
            writeln!(f, "    {}", instruction.text)?;
        }
        Ok(())
    }
}

/// Whether `v[2:5]` or `v3` covers `v3`.
fn covers(operand: &str, register: &str) -> bool {
    if operand == register {
        return true;
    }
    let Some((kind, span)) = operand.split_once('[') else { return false };
    let (Some(number), Some((from, to))) =
        (register.strip_prefix(kind), span.trim_end_matches(']').split_once(':'))
    else {
        return false;
    };
    match (number.parse::<u32>(), from.parse::<u32>(), to.parse::<u32>()) {
        (Ok(number), Ok(from), Ok(to)) => (from..=to).contains(&number),
        _ => false,
    }
}

/// A compiled kernel.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// In the order of the code.
    pub instructions: Vec<Instruction>,
    /// What the driver counted: "VGPRs", "Spilled VGPRs", "Code size", ...
    pub statistics: BTreeMap<String, u64>,
    labels: BTreeMap<String, usize>,
}

impl Program {
    /// Reads what [`compile`](super::driver::compile) returned.
    pub fn parse(printed: &str) -> Result<Self> {
        let mut program = Self::default();
        let (_, code) = printed
            .rsplit_once("disasm:\n")
            .context("the driver printed no disassembly; it must be Mesa's, built with LLVM")?;
        let (code, statistics) =
            code.split_once("*** SHADER STATS ***").context("the driver printed no statistics")?;
        for line in code.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if let Some(label) = line.strip_suffix(':') {
                program.labels.insert(label.to_owned(), program.instructions.len());
            } else {
                // Two in one word on chips that issue pairs.
                program.instructions.extend(line.split(" :: ").map(Instruction::parse));
            }
        }
        for (key, value) in statistics.lines().filter_map(|l| l.split_once(": ")) {
            if let Ok(value) = value.trim().parse() {
                program.statistics.insert(key.trim().to_owned(), value);
            }
        }
        if !program.instructions.iter().any(|i| i.name == "s_endpgm") {
            bail!("the disassembly has no end");
        }
        Ok(program)
    }

    /// One of the driver's statistics, 0 where it did not print it.
    pub fn statistic(&self, name: &str) -> u64 {
        self.statistics.get(name).copied().unwrap_or(0)
    }

    /// The loops as ranges of instructions, each from the target of a backward branch to the last
    /// branch that goes there; outer ones before inner ones.
    pub fn loops(&self) -> Vec<Range<usize>> {
        let mut ends = BTreeMap::new();
        for (at, instruction) in self.instructions.iter().enumerate() {
            let branch =
                instruction.name.starts_with("s_branch") || instruction.name.starts_with("s_cbranch");
            let target = instruction.operands.first().and_then(|label| self.labels.get(label));
            if let (true, Some(&start)) = (branch, target)
                && start <= at
            {
                ends.insert(start, at + 1);
            }
        }
        ends.into_iter().map(|(start, end)| start..end).collect()
    }

    /// The loops that hold no other loop.
    pub fn innermost_loops(&self) -> Vec<Range<usize>> {
        let loops = self.loops();
        let holds_another = |outer: &Range<usize>| {
            loops.iter().any(|l| l != outer && outer.start <= l.start && l.end <= outer.end)
        };
        loops.iter().filter(|l| !holds_another(l)).cloned().collect()
    }
}
