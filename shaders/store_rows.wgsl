// Results of one or more words per row.

@group(0) @binding(2) var<storage, read_write> results: array<u32>;

// Writes a word of a row's result.
fn store_row(index: u32, bits: u32) { results[index] = bits; }
