// Results of a tensor in halves, of which two invocations may share a word.

@group(0) @binding(2) var<storage, read_write> results: array<atomic<u32>>;

fn result_word(index: u32) -> u32 { return atomicLoad(&results[index]); }

fn set_word(index: u32, bits: u32) { atomicStore(&results[index], bits); }

// Writes one half by flipping the bits that differ: no other invocation changes these, and whatever
// becomes of the other half at the same time is left alone. A read and one atomic operation.
fn set_half(index: u32, bits: u32) {
    let shift = (index & 1u) * 16u;
    let differs = (atomicLoad(&results[index >> 1u]) >> shift) ^ bits;
    atomicXor(&results[index >> 1u], (differs & 0xffffu) << shift);
}
