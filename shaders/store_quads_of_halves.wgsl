// Results of a tensor, four halves at a time.

@group(0) @binding(2) var<storage, read_write> results: array<vec2<u32>>;

fn result_unit(index: u32) -> U { return halves_of(results[index]); }

// Writes the halves of a unit's elements.
fn store(out: RowOut, at: u32, bits: U) {
    let halves = narrowed(bits, OUTPUT);
    results[unit_index(out.result, at)] = halves.xz | (halves.yw << vec2<u32>(16u));
}

// Never called: results are not kept between walks.
fn fetch(out: RowOut, at: u32) -> U { return U(0u); }

// Never called: no result is less than a unit.
fn set_word(index: u32, bits: u32) {}
fn set_half(index: u32, bits: u32) {}
