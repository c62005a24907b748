// Access to f32 rows that lie one after the other and are no whole units of four elements. A unit is an
// element of each quarter of its row: lanes side by side read what lies side by side, wherever a row begins.
// The last quarter may be shorter than the others, which are full: the planner sees to it.

alias Cell = f32;

fn row_in(row: u32) -> RowIn { return params.in_base + row * params.cols; }

fn row_out(row: u32, x: RowIn) -> RowOut { return params.out_base + row * params.cols; }

// Whether the last quarter has an element at this place.
fn is_full(at: u32) -> bool { return at + 3u * params.units < params.cols; }

// The places of a unit's elements, from that of the first one; of the last quarter's that is none, the first's.
fn places(first: u32, full: bool) -> U {
    let places = U(first) + U(0u, 1u, 2u, 3u) * params.units;
    return U(places.xyz, select(first, places.w, full));
}

// A unit of a row, scaled; -inf where there is no element.
fn load(x: RowIn, at: u32) -> F {
    let full = is_full(at);
    let own = places(x + at, full);
    let v = scaled(F(input_cell(own.x), input_cell(own.y), input_cell(own.z), input_cell(own.w)));
    var bits = bitcast<U>(v);
    bits.w = select(bitcast<U>(minus_infinity()).w, bits.w, full);
    return bitcast<F>(bits);
}
