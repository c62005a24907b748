// A unit of a tensor's row is four elements that lie one after the other: rows begin and end with whole
// units, in input, results, mask and bias alike.

alias B = vec4<bool>;

fn columns(x: RowIn, at: u32) -> U { return U(4u * at) + U(0u, 1u, 2u, 3u); }

fn row_units(x: RowIn) -> u32 { return x.cols / 4u; }

fn odd_start(x: RowIn) -> u32 { return 0u; }

// Columns lie as they are counted. Those that take no part are there too.
fn places(cols: U, part: B) -> Places { return Places(cols, cols, cols); }

// The words that elements lie in, of which 1 << shift make a word.
fn words_beside(slot: u32, at: U, shift: u32) -> U {
    let first = beside(slot, at.x >> shift);
    if (shift >= 2u) { return U(first); }
    if (shift == 1u) { return U(vec2<u32>(first), vec2<u32>(beside(slot, at.z >> 1u))); }
    return U(first, beside(slot, at.y), beside(slot, at.z), beside(slot, at.w));
}

// The bits of a unit's elements.
fn input_bits(x: RowIn, at: u32, place: U) -> U { return input_unit(unit_index(x.input, at)); }

// The index of a unit of the row whose first element this is.
fn unit_index(first: u32, at: u32) -> u32 { return (first >> 2u) + at; }

// The row's sink, to one of its lanes.
fn sink(x: RowIn, rank: u32) -> F {
    var sink = bitcast<U>(minus_infinity());
    if (rank == 0u) { sink.x = bitcast<u32>(x.sink); }
    return bitcast<F>(sink);
}
