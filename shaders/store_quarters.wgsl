// Results of f32 rows whose units are an element of each of their quarters.

@group(0) @binding(2) var<storage, read_write> results: array<Cell>;

// Writes the bits of a unit.
fn store(out: RowOut, at: u32, bits: U) {
    let v = bitcast<F>(bits);
    let full = is_full(at);
    let own = places(out + at, full);
    results[own.x] = v.x;
    results[own.y] = v.y;
    results[own.z] = v.z;
    if (full) { results[own.w] = v.w; }
}

// Reads what was written, and something else where there is no element.
fn fetch(out: RowOut, at: u32) -> U {
    let own = places(out + at, is_full(at));
    return bitcast<U>(F(results[own.x], results[own.y], results[own.z], results[own.w]));
}
