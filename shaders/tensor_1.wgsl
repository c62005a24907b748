// A unit of a tensor's row is an element.

alias B = bool;

fn columns(x: RowIn, at: u32) -> U { return at; }

fn row_units(x: RowIn) -> u32 { return x.cols; }

fn odd_start(x: RowIn) -> u32 { return 0u; }

// Where a column lies; one that takes no part counts as the first, which is there.
fn places(col: U, part: B) -> Places {
    let at = column(select(0u, col, part));
    return Places(at.x, at.y, at.z);
}

// The words that elements lie in, of which 1 << shift make a word.
fn words_beside(slot: u32, at: U, shift: u32) -> U { return beside(slot, at >> shift); }

// The bits of the element at a place.
fn input_bits(x: RowIn, at: u32, place: U) -> U {
    let index = x.input + place;
    if (INPUT == F32) { return input_word(index); }
    return (input_word(index >> 1u) >> ((index & 1u) * 16u)) & 0xffffu;
}

// The row's sink, to one of its lanes.
fn sink(x: RowIn, rank: u32) -> F {
    return bitcast<f32>(select(bitcast<u32>(minus_infinity()), bitcast<u32>(x.sink), rank == 0u));
}

// Writes the bits of an element.
fn store(out: RowOut, at: u32, bits: U) {
    let index = out.result + column(at).x;
    if (OUTPUT == F32) { set_word(index, bits); } else { set_half(index, narrowed(bits, OUTPUT)); }
}

// Never called: results are not kept between walks.
fn fetch(out: RowOut, at: u32) -> U { return 0u; }
