// Results of f32 rows that lie one after the other, one per element.

@group(0) @binding(2) var<storage, read_write> results: array<Cell>;

// Writes the bits of a unit.
fn store(out: RowOut, at: u32, bits: U) { results[out + at] = bitcast<F>(bits); }

// Reads what was written.
fn fetch(out: RowOut, at: u32) -> U { return bitcast<U>(results[out + at]); }
