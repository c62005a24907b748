//! What the rows of the battery hold.

use super::random::Random;

/// How far the elements of a row lie apart; rows of a case take these in turn.
const SPREADS: [f32; 13] = [1e-3, 4.0, 0.1, 30.0, 1.0, 80.0, 10.0, 100.0, 0.01, 110.0, 1e3, 3e4, 1e4];
/// Where the middle of a row lies; 7 of them, so that every pair with a spread comes up.
const MIDDLES: [f32; 7] = [0.0, 0.0, 88.0, -3.5, 5000.0, -32_760.0, -2.5e7];

/// Logits: every spread and middle in turn, now and then a -inf, and equal neighbours.
pub fn logits(index: usize, row: &mut [f32], random: &mut Random) {
    let spread = SPREADS[index % SPREADS.len()];
    let middle = MIDDLES[index % MIDDLES.len()];
    row.fill_with(|| middle + spread * random.signed());
    if index % 5 == 4 && row.len() > 2 {
        let (from, to) = (random.below(row.len()), random.below(row.len()));
        row[to] = row[from];
        row[random.below(row.len())] = f32::NEG_INFINITY;
    }
}

/// Few different values, so that the maximum comes many times.
pub fn ties(index: usize, row: &mut [f32], random: &mut Random) {
    let kinds = 2 + index % 3;
    let middle = MIDDLES[index % MIDDLES.len()];
    row.fill_with(|| middle - 0.75 * random.below(kinds) as f32);
}

/// One value throughout: with 0.34657 (just under half of ln 2) the first bin is at its fullest,
/// 1.414 * 2^22 for each element.
pub fn flat(index: usize, row: &mut [f32], _: &mut Random) {
    const VALUES: [f32; 8] = [0.346_57, 0.0, -0.346_57, 1e-40, 32_768.0, -1e30, f32::MAX, 5.545];
    row.fill(VALUES[index % VALUES.len()]);
}

/// The maximum in each position once, and no element without weight: a kernel that leaves out one
/// element, or takes one twice, shows.
pub fn moving_maximum(index: usize, row: &mut [f32], random: &mut Random) {
    row.fill_with(|| -9.0 + 5.0 * random.signed());
    let len = row.len();
    row[index % len] = 0.5 + random.signed();
}

/// One maximum and a long tail of small weights: what the third bin is for.
pub fn tail(index: usize, row: &mut [f32], random: &mut Random) {
    let depth = [-20.0, -28.0, -31.0, -36.0][index % 4];
    row.fill_with(|| depth + 3.0 * random.signed());
    let place = random.below(row.len());
    row[place] = 0.1 * index as f32;
}

/// A maximum on both sides of a magnitude of 32768, where the reduction changes, and of the greater
/// ones at which `max - 105` rounds.
pub fn near_anchor(index: usize, row: &mut [f32], random: &mut Random) {
    const MAXIMA: [u32; 8] = [
        0x4700_0000, // 32768
        0x4700_0001,
        0x46ff_ffff,
        0xc700_0000, // -32768
        0xc700_0001,
        0xc6ff_ffff,
        0x4f00_0000, // 2^31
        0xcf00_0000,
    ];
    let max = f32::from_bits(MAXIMA[index % 8]);
    row.fill_with(|| max - 60.0 * (1.0 + random.signed()));
    let place = random.below(row.len());
    row[place] = max;
}

/// Results near 2^-126, where they become +0: elements 85 to 105.5 below the maximum.
pub fn near_subnormal(index: usize, row: &mut [f32], random: &mut Random) {
    let max = [0.0, 1.0, -40.0, 105.0, 87.5, 3e4][index % 6];
    for (i, x) in row.iter_mut().enumerate() {
        let depth = if i % 2 == 0 { 87.0 + 0.5 * random.signed() } else { 95.25 + 10.25 * random.signed() };
        *x = max - depth;
    }
    let place = random.below(row.len());
    row[place] = max;
}

/// Rows that once went wrong somewhere, or stand on an edge. Shorter ones are filled with -inf.
const NAMED: &[&[f32]] = &[
    &[0.0, 1.0, -1e7],
    &[26.715569, 5.2001257],
    &[0.0, -8.0],
    &[0.0, -17.0],
    &[0.0, -30.0],
    &[0.0, -31.0, -31.5, -32.0],
    &[-std::f32::consts::LN_2, -std::f32::consts::LN_2],
    &[4.8, 1.21, 2.385],
    &[1.0, 2.0, 3.0],
    &[1000.0, 0.0],
    &[1e30, 0.0, 1.0],
    &[-f32::MAX, 1.0, 2.0],
    &[-1e30, 1.0, 2.0],
    &[f32::MAX, 1.0, 2.0],
    &[f32::MAX, -f32::MAX, 0.0],
    &[f32::MAX, f32::MAX],
    &[-f32::MAX, -f32::MAX],
    &[-f32::MAX, f32::NEG_INFINITY],
    &[32_768.0, 32_767.5, 32_663.0],
    &[32_768.004, 32_767.0, 32_663.0],
    &[-32_768.0, -32_769.0, -32_873.0],
    &[-32_768.004, -32_769.0, -32_873.0],
    &[105.0, -1e-45, 0.0, -0.0],
    &[105.0, -f32::MIN_POSITIVE, f32::MIN_POSITIVE],
    &[0.0, -104.99999, -105.0, -105.00001],
    &[-1e-40, 1e-45, 0.0, -0.0],
    &[1e-40],
    &[-f32::MIN_POSITIVE],
    &[f32::MIN_POSITIVE, -f32::MIN_POSITIVE],
    &[2.350_989e-38, 1.175_494_5e-38],
    &[0.0, -87.33654, -87.33655, -87.3366],
    &[59.289196, -764.88574],
    &[-22_682.867, -22_683.0],
    &[31_228.016, 31_227.0],
    &[0.0, -0.881_373_6],
    &[0.0, -0.881_373_7, -0.881_373_6],
];

/// How many named rows there are.
pub const NAMED_ROWS: usize = NAMED.len();

/// The named rows in turn, in the first columns, in the last ones, or with gaps of -inf between.
pub fn named(index: usize, row: &mut [f32], _: &mut Random) {
    let values = NAMED[index % NAMED.len()];
    let len = row.len();
    row.fill(f32::NEG_INFINITY);
    for (i, &x) in values.iter().enumerate().take(len) {
        let place = match index / NAMED.len() % 3 {
            0 => i,
            1 => len - 1 - i,
            _ => i * (len / values.len().min(len)),
        };
        row[place] = x;
    }
}
