//! The processor's modes that take subnormal numbers as zero.

use std::arch::asm;

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
pub fn with_flushing<T>(f: impl FnOnce() -> T) -> T {
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
