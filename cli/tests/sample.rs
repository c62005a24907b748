//! The sample array in `examples/data`: what it is, and that it is what it is said to be.
//!
//! `SOFTMAX_WRITE_SAMPLE=1 cargo test -p softmax-cli --test sample` writes it again.

mod common;

use common::{bytes, npy};

const IMAGES: usize = 64;
const CLASSES: usize = 1000;

/// SplitMix64: integers alone, so that every machine draws the same.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, exact in f32.
    fn uniform(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 24) as f32
    }

    /// Near enough to a normal distribution of variance 1.
    fn normal(&mut self) -> f32 {
        (0..12).fold(-6.0, |sum, _| sum + self.uniform())
    }
}

/// Logits as an image classifier gives them: a thousand classes that mean little, a handful of kindred
/// ones above them, and one that is mostly clear and sometimes not.
fn logits() -> Vec<f32> {
    let mut random = Random(1000);
    let mut logits: Vec<f32> = (0..IMAGES * CLASSES).map(|_| 1.5 * random.normal() - 0.25).collect();
    for row in logits.chunks_exact_mut(CLASSES) {
        let class = random.bits() as usize % CLASSES;
        for kindred in 0..5 {
            row[(class + 7 * kindred) % CLASSES] += 2.0 + 4.0 * random.uniform();
        }
        row[class] += 2.0 + 8.0 * random.uniform();
    }
    logits
}

#[test]
fn the_sample_is_what_it_is_said_to_be() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/logits.npy");
    let file = npy("<f4", &format!("({IMAGES}, {CLASSES})"), &bytes(&logits()));
    if std::env::var_os("SOFTMAX_WRITE_SAMPLE").is_some() {
        std::fs::write(path, &file).unwrap();
    }
    assert!(file.len() < 300_000);
    assert!(std::fs::read(path).unwrap() == file, "{path} differs from what this test makes");
}
