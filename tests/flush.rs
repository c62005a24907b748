//! The CPU gives the same bits whether its subnormals are kept or flushed to zero: what lets a
//! device do either, and a host program set the mode for its own reasons.
#![cfg(target_arch = "x86_64")]

use std::arch::asm;

use wgpu_softmax::verify::{Thoroughness, cases, expected, first_difference};

/// Results that would be subnormal become zero.
const FLUSH_TO_ZERO: u32 = 1 << 15;
/// Operands that are subnormal count as zero.
const DENORMALS_ARE_ZERO: u32 = 1 << 6;

fn control() -> u32 {
    let mut word = 0u32;
    // SAFETY: stores the control word to a local of its size.
    unsafe { asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack)) };
    word
}

fn set_control(word: u32) {
    // SAFETY: only the two flush bits differ from the word the thread started with; they change
    // what arithmetic on subnormals gives, which `with_flushing` keeps to the function it calls.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &word, options(nostack)) };
}

/// Calls a function with both modes on, on this thread alone.
fn with_flushing<T>(f: impl FnOnce() -> T) -> T {
    struct Restore(u32);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_control(self.0);
        }
    }
    let restore = Restore(control());
    set_control(restore.0 | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    f()
}

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
