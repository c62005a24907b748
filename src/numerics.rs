//! Every constant of the numeric contract, once.
//!
//! `docs/numerics.md` says what each one means and derives the bounds; the prelude of the shaders
//! is generated from this file (`gpu::source`), so no number stands twice. A change to any of
//! them changes users' bits and needs a new [`NUMERICS_VERSION`].

/// The version of the contract in `docs/numerics.md`: the same version gives the same bits.
pub const NUMERICS_VERSION: u32 = 1;

/// The quiet NaN that a poisoned row is filled with.
pub const NAN_BITS: u32 = 0x7fc0_0000;
/// Positive infinity.
pub const INF_BITS: u32 = 0x7f80_0000;
/// Negative infinity.
pub const NEG_INF_BITS: u32 = 0xff80_0000;
/// All bits but the sign.
pub const ABS_MASK: u32 = 0x7fff_ffff;
/// A finite value of at most this magnitude (2^-126) counts as +0: devices disagree on subnormals,
/// and on products that round up to the smallest normal number.
pub const TINY_BITS: u32 = 0x0080_0000;

/// Elements further than this below the maximum have no weight: e^-105 < 2^-151.
pub const RANGE: f32 = 105.0;
/// Up to this magnitude of the maximum the elements are reduced as they are; beyond it the maximum
/// is subtracted first, which is exact for every element that matters (Sterbenz).
pub const ANCHOR_LIMIT: f32 = 32768.0;

/// 1 / ln 2.
pub const LOG2_E: f32 = f32::from_bits(0x3fb8_aa3b);
/// Adding 1.5 * 2^23 rounds to the nearest integer, ties to even.
pub const ROUND_MAGIC: f32 = 12_582_912.0;
/// First part of ln 2, 8 bits: products with integers of 16 bits are exact.
pub const LN2_A: f32 = f32::from_bits(0x3f31_0000);
/// Second part of ln 2, 8 bits.
pub const LN2_B: f32 = f32::from_bits(0x3ae4_0000);
/// Third part of ln 2, 24 bits.
pub const LN2_C: f32 = f32::from_bits(0x35bf_be8e);
/// e^r = 1 + (r + r^2 (EXP_2 + EXP_3 r + ... + EXP_6 r^4)) on |r| <= 0.3487, relative error
/// 0.0564 * 2^-24 (minimax, each coefficient rounded before the next was fitted).
pub const EXP_2: f32 = f32::from_bits(0x3eff_fffe);
/// See [`EXP_2`].
pub const EXP_3: f32 = f32::from_bits(0x3e2a_aa43);
/// See [`EXP_2`].
pub const EXP_4: f32 = f32::from_bits(0x3d2a_ac1d);
/// See [`EXP_2`].
pub const EXP_5: f32 = f32::from_bits(0x3c09_20ed);
/// See [`EXP_2`].
pub const EXP_6: f32 = f32::from_bits(0x3ab5_7365);
/// Exponentials are held times 2^64, so that nothing near an output is subnormal.
pub const HELD_SHIFT: u32 = 64;

/// 2^-64: takes off what exponentials are held times.
pub const RELEASE: f32 = f32::from_bits((127 - HELD_SHIFT) << 23);

/// 2^65: adding it rounds a held exponential to the first bin's grid (2^-22 of the true value).
pub const BIN_1: f32 = f32::from_bits((127 + 65) << 23);
/// 1.5 * 2^43: the second bin's grid is 2^-44.
pub const BIN_2: f32 = f32::from_bits(((127 + 43) << 23) | 0x0040_0000);
/// 1.5 * 2^21: the third bin's grid is 2^-66.
pub const BIN_3: f32 = f32::from_bits(((127 + 21) << 23) | 0x0040_0000);
/// Bits of a row's sum below the binary point.
pub const SUM_SCALE: u32 = 66;
/// Bits between one bin's grid and the next.
pub const BIN_STEP: u32 = 22;
/// Rows with more columns take the third bin.
pub const TWO_BIN_COLS: u64 = 1 << 18;
/// Elements a lane may add to its bins before they are flushed into limbs.
pub const FLUSH: u32 = 512;

/// Start of the reciprocal's Newton steps on [1, 2]: 24/17 - 8/17 s.
pub const RECIPROCAL_A: f32 = f32::from_bits(0x3fb4_b4b5);
/// See [`RECIPROCAL_A`].
pub const RECIPROCAL_B: f32 = f32::from_bits(0x3ef0_f0f1);

/// First part of ln 2 for the logarithm, 16 bits.
pub const LOG_LN2_HIGH: f32 = f32::from_bits(0x3f31_7200);
/// Second part of ln 2 for the logarithm.
pub const LOG_LN2_LOW: f32 = f32::from_bits(0x35bf_be8e);
/// atanh(s) = s + s^3 (LOG_3 + LOG_5 s^2 + LOG_7 s^4 + LOG_9 s^6) on |s| <= 0.1716.
pub const LOG_3: f32 = f32::from_bits(0x3eaa_aaab);
/// See [`LOG_3`].
pub const LOG_5: f32 = f32::from_bits(0x3e4c_cccd);
/// See [`LOG_3`].
pub const LOG_7: f32 = f32::from_bits(0x3e12_4925);
/// See [`LOG_3`].
pub const LOG_9: f32 = f32::from_bits(0x3de3_8e39);

/// 2^-40: relative to 1, nothing that reaches a result.
pub const TWO_POW_MINUS_40: f32 = f32::from_bits((127 - 40) << 23);

/// 2^-24: units of the reciprocal's high part.
pub const UNIT_24: f32 = f32::from_bits((127 - 24) << 23);
/// 2^-29: units of a number's 30 leading bits.
pub const UNIT_29: f32 = f32::from_bits((127 - 29) << 23);
/// 2^-46: units of the reciprocal's residual.
pub const UNIT_46: f32 = f32::from_bits((127 - 46) << 23);
