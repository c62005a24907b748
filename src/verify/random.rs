//! The battery's own random numbers: the same on every machine and in every version.

/// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
pub struct Random {
    state: u64,
}

impl Random {
    /// A sequence that depends on a name and two numbers only, so that a new case leaves the data
    /// of every other as they were.
    pub fn of(name: &str, rows: usize, cols: usize) -> Self {
        let start = ((rows as u64) << 32) ^ cols as u64;
        let hash = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self { state: name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ start, hash) }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer below a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        (((self.bits() >> 32) * limit as u64) >> 32) as usize
    }

    /// A number of [-1, 1).
    pub fn signed(&mut self) -> f32 {
        ((self.bits() >> 40) as f32 - 8_388_608.0) * (1.0 / 8_388_608.0)
    }
}
