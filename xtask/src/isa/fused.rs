//! Which instructions round where the contract does not: fused multiply-adds of products that are
//! not exact, and approximate functions.

use wgpu_softmax::numerics::{LN2_A, LN2_B, LOG_LN2_HIGH};

use super::program::{Instruction, Program};

/// Keeps the upper 12 bits of a significand: two such halves have an exact product.
const HALF_MASK: u32 = 0xffff_f000;
/// Copies and seals that are looked through before a value counts as unknown.
const MAX_STEPS: u32 = 8;

/// A multiply-add in one instruction, of whatever generation and type of float.
pub fn is_fused(i: &Instruction) -> bool {
    let rest = i.name.strip_prefix("v_").unwrap_or_default();
    let rest = rest.strip_prefix("pk_").unwrap_or(rest);
    ["fma", "mad", "mac", "dot2"].iter().any(|f| rest.starts_with(f)) && rest.contains("_f")
        || rest.starts_with("fma_mix")
        || rest.starts_with("mad_mix")
}

/// Built-in functions whose error is the hardware's. Reciprocals are not among them: compilers make
/// integer divisions of those.
pub fn is_approximate(i: &Instruction) -> bool {
    ["v_exp_f", "v_log_f", "v_sqrt_f", "v_rsq_f", "v_sin_f", "v_cos_f", "v_div_"]
        .iter()
        .any(|f| i.name.starts_with(f))
}

/// Whether the product inside a fused instruction is exact, so that fusing changes no bit: a factor
/// is a constant whose products are exact by the contract, or a power of two, or both factors are
/// halves of Dekker's splitting.
pub fn product_is_exact(program: &Program, at: usize) -> bool {
    let [_, a, b, ..] = &program.instructions[at].operands[..] else { return false };
    let exact = |operand: &str| constant(program, at, operand, MAX_STEPS).is_some_and(is_exact_factor);
    exact(a) || exact(b) || (is_half(program, at, a, MAX_STEPS) && is_half(program, at, b, MAX_STEPS))
}

fn is_exact_factor(bits: u32) -> bool {
    let value = f32::from_bits(bits).abs();
    let power_of_two = value.is_normal() && value.to_bits().trailing_zeros() >= 23;
    power_of_two || [LN2_A, LN2_B, LOG_LN2_HIGH].contains(&value)
}

/// The index of the instruction that wrote a register before `at`. The one nearest in the text is
/// taken: constants and halves have a single definition, which dominates its uses.
fn definition(program: &Program, at: usize, register: &str) -> Option<usize> {
    (0..at).rev().find(|&i| program.instructions[i].writes(register))
}

fn bare(operand: &str) -> &str {
    let operand = operand.strip_prefix('-').unwrap_or(operand);
    operand.trim_matches('|')
}

/// The bits of an operand that is a constant, in the code or in a register that was loaded with one.
fn constant(program: &Program, at: usize, operand: &str, steps: u32) -> Option<u32> {
    let operand = bare(operand);
    if let Some(hex) = operand.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    if operand.contains('.') {
        return operand.parse::<f32>().ok().map(f32::to_bits);
    }
    let defined = definition(program, at, operand)?;
    let by = &program.instructions[defined];
    if steps == 0 || !["s_mov_b32", "v_mov_b32"].contains(&by.name.as_str()) {
        return None;
    }
    constant(program, defined, by.operands.get(1)?, steps - 1)
}

/// Whether a register holds the upper 12 bits of a significand, or what those left of it.
fn is_half(program: &Program, at: usize, operand: &str, steps: u32) -> bool {
    let Some(defined) = definition(program, at, bare(operand)) else { return false };
    let by = &program.instructions[defined];
    let sources = by.operands.get(1..).unwrap_or_default();
    match by.name.as_str() {
        _ if steps == 0 => false,
        "v_and_b32" => is_masked(program, defined),
        "v_mov_b32" | "v_xor_b32" => sources.iter().any(|s| is_half(program, defined, s, steps - 1)),
        "v_sub_f32" | "v_subrev_f32" => sources
            .iter()
            .any(|s| definition(program, defined, bare(s)).is_some_and(|d| is_masked(program, d))),
        _ => false,
    }
}

fn is_masked(program: &Program, at: usize) -> bool {
    let by = &program.instructions[at];
    by.name == "v_and_b32"
        && by.operands.iter().skip(1).any(|o| constant(program, at, o, MAX_STEPS) == Some(HALF_MASK))
}
