// A unit of a tensor is an element of each of four rows that lie side by side: those of the innermost level
// of the walk over rows, whose elements and results lie one after the other.

alias B = vec4<bool>;

fn columns(x: RowIn, at: u32) -> U { return U(at); }

fn row_units(x: RowIn) -> u32 { return x.cols; }

fn odd_start(x: RowIn) -> u32 { return 0u; }

// The four rows' places from the first one's.
fn each_row(at: Row) -> Own {
    let step = table.rows[0];
    let row = RU(0u, 1u, 2u, 3u);
    return Own(
        at.wide.y + row * step.wide.y,
        at.wide.z + row * step.wide.z,
        at.wide.w + row * step.wide.w,
        at.narrow.x + row * step.narrow.x,
        at.narrow.y + row * step.narrow.y,
        at.narrow.z + row * step.narrow.z,
        at.narrow.w + row * step.narrow.w,
    );
}

// The rows' words in a buffer beside the input.
fn beside_row(slot: u32, at: RU) -> RU {
    return RU(beside(slot, at.x), beside(slot, at.y), beside(slot, at.z), beside(slot, at.w));
}

// Where a column lies, which all rows have.
fn places(col: U, part: B) -> Places {
    let at = column(col.x);
    return Places(U(at.x), U(at.y), U(at.z));
}

// The words that elements lie in, of which 1 << shift make a word.
fn words_beside(slot: u32, at: U, shift: u32) -> U { return beside_row(slot, at >> U(shift)); }

// The bits of the elements at a place.
fn input_bits(x: RowIn, at: u32, place: U) -> U { return input_unit((x.input + place.x) >> 2u); }

// The index of a unit of the row whose first element this is.
fn unit_index(first: u32, at: u32) -> u32 { return (first + column(at).x) >> 2u; }

// The rows' sinks, to one of their lanes.
fn sink(x: RowIn, rank: u32) -> F {
    return bitcast<F>(select(bitcast<U>(minus_infinity()), bitcast<U>(x.sink), rank == 0u));
}

// Writes a word of each row's result, or the half that it is rounded to.
fn store_row(index: RU, bits: RU) {
    if (OUTPUT == F32) {
        for (var i = 0u; i < ROWS; i++) { set_word(index[i], bits[i]); }
    } else {
        let halves = narrowed(bits, OUTPUT);
        for (var i = 0u; i < ROWS; i++) { set_half(index[i], halves[i]); }
    }
}
