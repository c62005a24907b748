//! Rows for the tests of the CPU: random ones of a given spread, special values, lengths; and the ways to
//! compute them.
#![allow(dead_code, reason = "each test file takes what it needs")]

use wgpu_softmax::cpu::{GROUP, HELD_COLS, NARROW_COLS, Options, SHORT_COLS, SimdLevel};

/// Every way to run: each level with one thread, the best one also with more.
pub fn ways() -> Vec<Options> {
    let mut ways: Vec<_> =
        SimdLevel::available().into_iter().map(|l| Options::new().level(l).threads(1)).collect();
    ways.extend([2, 5].map(|threads| Options::new().threads(threads)));
    ways.push(Options::new());
    ways
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [-1, 1).
    pub fn signed(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Nearly normal, deviation 1.
    pub fn normal(&mut self) -> f32 {
        (0..3).map(|_| self.signed()).sum()
    }
}

/// A row with a deviation of `spread`, about a centre that now and then is far from 0.
pub fn spread_row(random: &mut Random, cols: usize, spread: f32) -> Vec<f32> {
    let centre = match random.bits() % 8 {
        0 => 40_000.0,
        1 => -70_000.0,
        2 => -3.0 * spread,
        _ => 0.0,
    };
    (0..cols).map(|_| centre + spread * random.normal()).collect()
}

/// All lengths to test, including each kernel's thresholds -1/0/+1.
pub fn lengths() -> Vec<usize> {
    let mut lengths: Vec<usize> = (0..=1040).filter(|n| full() || *n <= 80 || n % 37 == 0).collect();
    lengths.extend((7..=14).flat_map(|k| [(1 << k) - 1, 1 << k, (1 << k) + 1]));
    for threshold in [NARROW_COLS, SHORT_COLS, GROUP / 16, GROUP, HELD_COLS] {
        lengths.extend([threshold - 1, threshold, threshold + 1]);
    }
    lengths.sort();
    lengths.dedup();
    lengths
}

/// Values that are not plain numbers, or not plain to handle.
pub fn specials() -> [f32; 14] {
    [
        f32::NAN,
        -f32::NAN,
        f32::from_bits(0x7f80_0001),
        f32::from_bits(0xff80_0001),
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        -1e30,
        0.0,
        -0.0,
        1e-45,
        -1e-40,
        f32::MIN_POSITIVE,
    ]
}

/// Whether all of it shall be tested.
pub fn full() -> bool {
    std::env::var("SOFTMAX_FULL").is_ok_and(|v| v == "1")
}
