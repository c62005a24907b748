//! The constants of f64 rows, once.

/// The quiet NaN that a poisoned row is filled with.
pub const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);
/// All bits but the sign.
pub const ABS_MASK: u64 = 0x7fff_ffff_ffff_ffff;
/// The bits of 2^-1022. Elements and results of at most this magnitude count as +0: processors differ
/// on subnormals, and on products that round up to the smallest normal number.
pub const TINY_BITS: u64 = 0x0010_0000_0000_0000;
/// Where the exponent's field begins.
pub const EXPONENT: u32 = 52;

/// Elements further than this below the maximum are +0: e^-745 < 2^-1074.
pub const RANGE: f64 = 745.0;
/// Elements further than this below the maximum have no weight in the sum: e^-600 < 2^-865. So
/// nothing that a sum is made into can be subnormal.
pub const SUM_RANGE: f64 = 600.0;
/// Exponentials are held times 2^512, so that no product which reaches a result is subnormal.
pub const HELD_SHIFT: i32 = 512;
/// 2^512: what the exponential of the maximum is held as.
pub const HELD_ONE: f64 = f64::from_bits(((1023 + HELD_SHIFT) as u64) << EXPONENT);

/// 1 / ln 2.
pub const LOG2_E: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);
/// Adding 1.5 * 2^52 rounds to the nearest integer, ties to even.
pub const ROUND_MAGIC: f64 = f64::from_bits(0x4338_0000_0000_0000);
/// First part of ln 2, 42 bits: products with integers of 11 bits are exact.
pub const LN2_A: f64 = f64::from_bits(0x3fe6_2e42_fefa_3800);
/// Second part of ln 2; together they err by 2^-102.
pub const LN2_B: f64 = f64::from_bits(0x3d2e_f357_93c7_6730);

/// e^r = 1 + r + r^2 q(r) on |r| <= 0.34658: the coefficients of q, lowest power first. Relative
/// error 0.0007 * 2^-53 (least squares on Chebyshev nodes, each coefficient rounded before the next
/// was fitted).
pub const EXP: [f64; 11] = [
    0.5,
    f64::from_bits(0x3fc5_5555_5555_555c),
    f64::from_bits(0x3fa5_5555_5555_5541),
    f64::from_bits(0x3f81_1111_1110_ea07),
    f64::from_bits(0x3f56_c16c_16c1_fa91),
    f64::from_bits(0x3f2a_01a0_1b43_d5a3),
    f64::from_bits(0x3efa_01a0_176e_ec80),
    f64::from_bits(0x3ec7_1dde_e88e_6507),
    f64::from_bits(0x3e92_7e54_0b70_976d),
    f64::from_bits(0x3e5a_f6e5_5fc7_f5ff),
    f64::from_bits(0x3e21_ed99_9537_9481),
];

/// atanh(s) = s + s^3 p(s^2) on |s| <= 0.1716: the coefficients of p, highest power first, which are
/// those of the series to s^25. What follows is below 2^-70 of s.
pub const ATANH: [f64; 12] = [
    1.0 / 25.0,
    1.0 / 23.0,
    1.0 / 21.0,
    1.0 / 19.0,
    1.0 / 17.0,
    1.0 / 15.0,
    1.0 / 13.0,
    1.0 / 11.0,
    1.0 / 9.0,
    1.0 / 7.0,
    1.0 / 5.0,
    1.0 / 3.0,
];
/// sqrt 1/2, rounded, as bits: where the logarithm's exponent changes.
pub const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;
/// 2^-120: below it log(1 + rest) is rest, to more than a pair of f64 holds.
pub const LOG_IS_REST: f64 = f64::from_bits((1023 - 120) << EXPONENT);

/// Bits of the sum's grid below the power of two of the greatest exponential that is not 1.
pub const GRID: u32 = 96;
/// Bits of a row's length that fit above the grid; each further bit of the length takes one off it.
pub const GRID_LENGTH_BITS: u32 = 31;
/// Exponentials become integers in units of 2^-62 of their own power of two first.
pub const MANTISSA: u32 = 62;
/// 2^62.
pub const MANTISSA_UNIT: f64 = (1u64 << MANTISSA) as f64;
