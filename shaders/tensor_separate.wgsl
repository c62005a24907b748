// A unit of a tensor's row is four columns, wherever their elements lie: each is read and written by itself.

alias B = vec4<bool>;

fn columns(x: RowIn, at: u32) -> U { return U(4u * at) + U(0u, 1u, 2u, 3u); }

fn row_units(x: RowIn) -> u32 { return (x.cols + 3u) / 4u; }

fn odd_start(x: RowIn) -> u32 { return 0u; }

// Where columns lie; those that take no part count as the first, which is there.
fn places(cols: U, part: B) -> Places {
    let there = select(U(0u), cols, part);
    let a = column(there.x);
    let b = column(there.y);
    let c = column(there.z);
    let d = column(there.w);
    return Places(U(a.x, b.x, c.x, d.x), U(a.y, b.y, c.y, d.y), U(a.z, b.z, c.z, d.z));
}

// The words that elements lie in, of which 1 << shift make a word.
fn words_beside(slot: u32, at: U, shift: u32) -> U {
    let word = at >> U(shift);
    return U(beside(slot, word.x), beside(slot, word.y), beside(slot, word.z), beside(slot, word.w));
}

// The bits of the elements at four places.
fn input_bits(x: RowIn, at: u32, place: U) -> U {
    let index = U(x.input) + place;
    let word = select(index >> U(1u), index, INPUT == F32);
    let bits = U(input_word(word.x), input_word(word.y), input_word(word.z), input_word(word.w));
    if (INPUT == F32) { return bits; }
    return (bits >> ((index & U(1u)) * U(16u))) & U(0xffffu);
}

// The row's sink, to one of its lanes.
fn sink(x: RowIn, rank: u32) -> F {
    var sink = bitcast<U>(minus_infinity());
    if (rank == 0u) { sink.x = bitcast<u32>(x.sink); }
    return bitcast<F>(sink);
}

// Writes the bits of an element.
fn store_one(out: RowOut, col: u32, bits: u32, half: u32) {
    if (col >= out.cols) { return; }
    let index = out.result + column(col).x;
    if (OUTPUT == F32) { set_word(index, bits); } else { set_half(index, half); }
}

// Writes the bits of those elements of a unit that the row has.
fn store(out: RowOut, at: u32, bits: U) {
    let halves = narrowed(bits, OUTPUT);
    store_one(out, 4u * at, bits.x, halves.x);
    store_one(out, 4u * at + 1u, bits.y, halves.y);
    store_one(out, 4u * at + 2u, bits.z, halves.z);
    store_one(out, 4u * at + 3u, bits.w, halves.w);
}

// Never called: results are not kept between walks.
fn fetch(out: RowOut, at: u32) -> U { return U(0u); }
