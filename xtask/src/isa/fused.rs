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
    if let Ok(integer) = operand.parse::<u32>() {
        return Some(integer);
    }
    let defined = definition(program, at, operand)?;
    let by = &program.instructions[defined];
    let value = || constant(program, defined, by.operands.get(1)?, steps - 1);
    match by.name.as_str() {
        _ if steps == 0 => None,
        "s_mov_b32" | "v_mov_b32" => value(),
        // Its constant has 16 bits and a sign.
        "s_movk_i32" => value().map(|bits| i32::from(bits as u16 as i16) as u32),
        _ => None,
    }
}

/// Whether a register holds a float of at most 12 significant bits: the upper half of another, with
/// the exponent moved or not, or what is left of a float without its upper half.
fn is_half(program: &Program, at: usize, operand: &str, steps: u32) -> bool {
    let Some(defined) = definition(program, at, bare(operand)) else { return false };
    let by = &program.instructions[defined];
    match (by.name.as_str(), &by.operands[..]) {
        _ if steps == 0 => false,
        ("v_mov_b32" | "v_xor_b32", [_, sources @ ..]) => {
            sources.iter().any(|s| is_half(program, defined, s, steps - 1))
        }
        ("v_sub_f32", [_, whole, upper]) | ("v_subrev_f32", [_, upper, whole]) => {
            is_upper_of(program, defined, upper, whole)
        }
        _ => is_clear(program, at, operand, steps),
    }
}

/// Whether a register is another one with its lower 12 bits masked off.
fn is_upper_of(program: &Program, at: usize, upper: &str, whole: &str) -> bool {
    let Some(defined) = definition(program, at, upper) else { return false };
    let by = &program.instructions[defined];
    is_masked(program, defined) && by.operands.iter().skip(1).any(|o| o == whole)
}

/// Whether the lower 12 bits of an operand are 0.
fn is_clear(program: &Program, at: usize, operand: &str, steps: u32) -> bool {
    if let Some(bits) = constant(program, at, operand, steps) {
        return bits & !HALF_MASK == 0;
    }
    let Some(defined) = definition(program, at, bare(operand)) else { return false };
    let by = &program.instructions[defined];
    let clear = |operand: &str| is_clear(program, defined, operand, steps - 1);
    let shifts_out =
        |by: &str| constant(program, defined, by, steps - 1).is_some_and(|n| (12..32).contains(&n));
    match (by.name.as_str(), &by.operands[..]) {
        _ if steps == 0 => false,
        ("v_and_b32", _) => is_masked(program, defined),
        ("v_mov_b32" | "s_mov_b32" | "v_readfirstlane_b32", [_, from]) => clear(from),
        // A seal: what it adds is 0.
        ("v_xor_b32", [_, a, b]) => clear(a) || clear(b),
        ("v_add_nc_u32" | "v_add_u32" | "s_add_i32" | "s_add_u32", [_, a, b]) => clear(a) && clear(b),
        ("v_lshlrev_b32", [_, n, _]) | ("s_lshl_b32", [_, _, n]) => shifts_out(n),
        ("v_lshl_add_u32", [_, _, n, b]) => shifts_out(n) && clear(b),
        _ => false,
    }
}

fn is_masked(program: &Program, at: usize) -> bool {
    let by = &program.instructions[at];
    by.name == "v_and_b32"
        && by.operands.iter().skip(1).any(|o| constant(program, at, o, MAX_STEPS) == Some(HALF_MASK))
}
