//! The CPU gives the same bits whether its subnormals are kept or flushed to zero: what lets a
//! device do either, and a host program set the mode for its own reasons.
#![cfg(target_arch = "x86_64")]

#[path = "common/flushing.rs"]
mod flushing;

use flushing::with_flushing;
use wgpu_softmax::verify::{Thoroughness, cases, expected, first_difference};

#[test]
fn the_modes_are_switched_and_restored() {
    let half = |x: f32| std::hint::black_box(x) * std::hint::black_box(0.5);
    assert_eq!(with_flushing(|| half(f32::MIN_POSITIVE)).to_bits(), 0);
    assert_eq!(half(f32::MIN_POSITIVE).to_bits(), 0x0040_0000);
}

#[test]
fn flushing_subnormals_changes_no_bit() {
    for case in cases(Thoroughness::Quick, &[]) {
        let kept = expected(&case);
        let flushed = with_flushing(|| expected(&case));
        if let Some(difference) = first_difference(&case, &kept, &flushed) {
            panic!("{difference}");
        }
    }
}
