// Results of a tensor in whole words, each written by one invocation.

@group(0) @binding(2) var<storage, read_write> results: array<u32>;

fn result_word(index: u32) -> u32 { return results[index]; }

fn set_word(index: u32, bits: u32) { results[index] = bits; }

// Never called: no half lies in a word of its own.
fn set_half(index: u32, bits: u32) {}
