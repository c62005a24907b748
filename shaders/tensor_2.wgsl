// A unit of a tensor's row is a word of its halves: rows lie one after the other, and where they have
// odd lengths the first word or the last one is shared with another row.

// The columns of a unit; those before the row wrap around, so that they are beyond all others.
fn columns(x: RowIn, at: u32) -> U {
    let first = 2u * at - x.odd;
    return U(first, first + 1u);
}

fn row_units(x: RowIn) -> u32 { return (x.cols + x.odd + 1u) / 2u; }

// Words are those of the results where these are halves, else those of the input.
fn odd_start(x: RowIn) -> u32 {
    if (OUTPUT == F32 || !PER_ELEMENT) { return x.input & 1u; }
    return x.result & 1u;
}

// Where columns lie; those that take no part count as the first, which is there.
fn places(cols: U, part: B) -> Places {
    let there = select(U(0u), cols, part);
    let a = column(there.x);
    let b = column(there.y);
    return Places(U(a.x, b.x), U(a.y, b.y), U(a.z, b.z));
}

// The words that elements lie in, of which 1 << shift make a word.
fn words_beside(slot: u32, at: U, shift: u32) -> U {
    return U(beside(slot, at.x >> shift), beside(slot, at.y >> shift));
}

// The bits of the elements at two places, or in one word.
fn input_bits(x: RowIn, at: u32, place: U) -> U {
    if (INPUT == F32) { return U(input_word(x.input + place.x), input_word(x.input + place.y)); }
    let word = input_word((x.input + 2u * at - x.odd) >> 1u);
    return U(word & 0xffffu, word >> 16u);
}

// The row's sink, to one of its lanes.
fn sink(x: RowIn, rank: u32) -> F {
    let none = bitcast<U>(minus_infinity());
    return bitcast<F>(U(select(none.x, bitcast<u32>(x.sink), rank == 0u), none.y));
}

// Writes the bits of those elements of a unit that belong to the row.
fn store(out: RowOut, at: u32, bits: U) {
    let cols = columns(out, at);
    let inside = cols < U(out.cols);
    let index = out.result + cols.x;
    if (OUTPUT == F32) {
        if (inside.x) { set_word(index, bits.x); }
        if (inside.y) { set_word(index + 1u, bits.y); }
        return;
    }
    let halves = narrowed(bits, OUTPUT);
    if (all(inside)) {
        set_word(index >> 1u, halves.x | (halves.y << 16u));
    } else if (inside.x) {
        set_half(index, halves.x);
    } else if (inside.y) {
        set_half(index + 1u, halves.y);
    }
}

// Never called: results are not kept between walks.
fn fetch(out: RowOut, at: u32) -> U { return U(0u); }
