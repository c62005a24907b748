//! The constants that every module begins with, generated from [`crate::numerics`].

use std::fmt::Write;

use crate::numerics as n;

/// The constants of the contract, and the size of a lane's private array, which WGSL cannot take
/// from an override.
pub(super) fn prelude(held: u32) -> String {
    let mut text = String::from("// Generated from src/numerics.rs.\n");
    let floats = [
        ("RANGE", n::RANGE),
        ("ANCHOR_LIMIT", n::ANCHOR_LIMIT),
        ("LOG2_E", n::LOG2_E),
        ("ROUND_MAGIC", n::ROUND_MAGIC),
        ("LN2_A", n::LN2_A),
        ("LN2_B", n::LN2_B),
        ("LN2_C", n::LN2_C),
        ("EXP_2", n::EXP_2),
        ("EXP_3", n::EXP_3),
        ("EXP_4", n::EXP_4),
        ("EXP_5", n::EXP_5),
        ("EXP_6", n::EXP_6),
        ("BIN_1", n::BIN_1),
        ("BIN_2", n::BIN_2),
        ("BIN_3", n::BIN_3),
        ("RECIPROCAL_A", n::RECIPROCAL_A),
        ("RECIPROCAL_B", n::RECIPROCAL_B),
        ("UNIT_24", n::UNIT_24),
        ("UNIT_29", n::UNIT_29),
        ("UNIT_46", n::UNIT_46),
        ("LOG_LN2_HIGH", n::LOG_LN2_HIGH),
        ("LOG_LN2_LOW", n::LOG_LN2_LOW),
        ("LOG_3", n::LOG_3),
        ("LOG_5", n::LOG_5),
        ("LOG_7", n::LOG_7),
        ("LOG_9", n::LOG_9),
        ("TWO_POW_MINUS_40", n::TWO_POW_MINUS_40),
    ];
    for (name, value) in floats {
        // Rust prints the shortest decimal that reads back as the same float.
        writeln!(text, "const {name}: f32 = {value:e}f;").expect("a string takes all");
    }
    let integers = [
        ("NAN_BITS", n::NAN_BITS),
        ("INF_BITS", n::INF_BITS),
        ("NEG_INF_BITS", n::NEG_INF_BITS),
        ("ABS_MASK", n::ABS_MASK),
        ("TINY_BITS", n::TINY_BITS),
        ("HELD_SHIFT", n::HELD_SHIFT),
        ("HELD_EXPONENT", n::HELD_SHIFT << 23),
        ("HELD_LEAST", (n::HELD_SHIFT + 1) << 23),
        ("BIN_1_BITS", n::BIN_1.to_bits()),
        ("BIN_2_BITS", n::BIN_2.to_bits()),
        ("BIN_3_BITS", n::BIN_3.to_bits()),
        ("FLUSH", n::FLUSH),
        ("HELD", held),
    ];
    for (name, value) in integers {
        writeln!(text, "const {name}: u32 = {value}u;").expect("a string takes all");
    }
    writeln!(text, "const KEY_EMPTY: i32 = i32({}u);", crate::cpu::special::KEY_EMPTY as u32)
        .expect("a string takes all");
    writeln!(text, "const SUM_SCALE: i32 = {};", n::SUM_SCALE).expect("a string takes all");
    text
}
