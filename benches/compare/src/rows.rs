//! The rows that all contestants are given.

/// Numbers in [0, 1) from a small generator: the same rows in every run.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Uniform logits in [-8, 8).
pub fn uniform(count: usize) -> Vec<f32> {
    let mut uniform = Uniform(0x9e37_79b9_7f4a_7c15);
    (0..count).map(|_| (uniform.next() * 16.0 - 8.0) as f32).collect()
}

/// Normally distributed logits with a standard deviation.
pub fn normal(count: usize, deviation: f64) -> Vec<f32> {
    let mut uniform = Uniform(0xd1b5_4a32_d192_ed03);
    let mut next = || {
        let radius = (-2.0 * (1.0 - uniform.next()).ln()).sqrt();
        (deviation * radius * (std::f64::consts::TAU * uniform.next()).cos()) as f32
    };
    (0..count).map(|_| next()).collect()
}
