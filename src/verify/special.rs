//! Rows with special values in every class of position.

use super::random::Random;

/// NaN of both signs, quiet and signalling, infinities, zeros, and both sides of every edge.
pub const VALUES: [u32; 20] = [
    0x7fc0_0000,
    0xffc0_0000,
    0x7f80_0001,
    0xff80_0001,
    0xffff_ffff,
    0x7fff_ffff,
    0x7f80_0000, // +inf
    0xff80_0000, // -inf
    0x8000_0000, // -0
    0x0000_0000,
    0x0000_0001, // the smallest subnormal
    0x8000_0001,
    0x007f_ffff, // the greatest subnormal
    0x807f_ffff,
    0x0080_0000, // 2^-126
    0x8080_0000,
    0x0080_0001,
    0x8080_0001,
    0x7f7f_ffff, // the greatest finite value
    0xff7f_ffff,
];

/// The first, the last, the middle, and the edges of vectors, lanes, subgroups and workgroups.
pub fn positions(cols: usize) -> Vec<usize> {
    let mut all = vec![0, 1, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1023, 1024];
    all.extend([cols / 2, cols.saturating_sub(2), cols.saturating_sub(1)]);
    all.retain(|&p| p < cols);
    all.sort_unstable();
    all.dedup();
    all
}

/// How many rows [`in_position`] needs to show every value in every position.
pub fn rows_for(cols: usize) -> usize {
    VALUES.len() * positions(cols).len()
}

/// One special value in one position among logits; each third row has none, so that a value that
/// leaks into a neighbour shows.
pub fn in_position(index: usize, row: &mut [f32], random: &mut Random) {
    row.fill_with(|| 6.0 * random.signed());
    let places = positions(row.len());
    let place = places[index / VALUES.len() % places.len()];
    row[place] = f32::from_bits(VALUES[index % VALUES.len()]);
}

/// In turn: clean, a negative NaN last, clean, +inf first, -inf but for the last element.
pub fn in_long_rows(index: usize, row: &mut [f32], random: &mut Random) {
    row.fill_with(|| 6.0 * random.signed());
    let last = row.len() - 1;
    match index % 5 {
        1 => row[last] = f32::from_bits(0xffc0_0000),
        3 => row[0] = f32::INFINITY,
        4 => row[..last].fill(f32::NEG_INFINITY),
        _ => {}
    }
}

/// Small values throughout: zeros, subnormals and 2^-126, of both signs and mixed.
pub fn tiny(index: usize, row: &mut [f32], random: &mut Random) {
    let kinds = &VALUES[8..18];
    row.fill_with(|| f32::from_bits(kinds[random.below(kinds.len())]));
    if index % 3 == 1 {
        row.fill(f32::from_bits(kinds[index % kinds.len()]));
    }
}

/// -inf throughout; in some rows but for one element.
pub fn all_negative_infinity(index: usize, row: &mut [f32], random: &mut Random) {
    row.fill(f32::NEG_INFINITY);
    let other = [0xff80_0000, 0xff80_0000, 0x7fc0_0000, 0xff80_0000, 0x7f80_0000, 0x4000_0000, 0xff7f_ffff];
    let place = random.below(row.len());
    row[place] = f32::from_bits(other[index % other.len()]);
}

/// Logits, and in each fifth row a special value: what a scale meets.
pub fn for_scales(index: usize, row: &mut [f32], random: &mut Random) {
    super::rows::logits(index, row, random);
    if index % 5 == 3 {
        let place = random.below(row.len());
        row[place] = f32::from_bits(VALUES[index / 5 % VALUES.len()]);
    }
    if index % 5 == 2 {
        tiny(index, row, random);
    }
}
