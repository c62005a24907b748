// Access to tensors: any axes, types of 16 bits, and what stands beside the elements.

override INPUT: u32 = 0u;
override OUTPUT: u32 = 0u;
// 0 for none, 1 for bytes, 2 for bits; and 0 for none, or the type of its elements plus 1.
override MASK: u32 = 0u;
override BIAS: u32 = 0u;
override WINDOW: bool = false;
override LENGTHS: bool = false;
override SINK: bool = false;
override ROW_SCALE: bool = false;
override ALIBI: bool = false;
// Whether rows lie one after the other, each of its own length, between the offsets in LENGTHS_SLOT.
override RAGGED: bool = false;
// Which buffer beside the input holds an operand.
override MASK_SLOT: u32 = 0u;
override BIAS_SLOT: u32 = 0u;
override LENGTHS_SLOT: u32 = 0u;
override SINKS_SLOT: u32 = 0u;
override SCALES_SLOT: u32 = 0u;
override SLOPES_SLOT: u32 = 0u;

// What the elements of a row share.
struct RowIn {
    // The first column in input, results, mask and bias.
    input: u32,
    result: u32,
    mask: u32,
    bias: u32,
    // Elements before the row in its first word, where a unit is a word of two.
    odd: u32,
    // Columns, and which of them take part.
    cols: u32,
    first: u32,
    end: u32,
    scale: f32,
    slope: f32,
    // The row's position among the columns.
    own: i32,
    sink: f32,
}

alias RowOut = RowIn;

fn row_in(row: u32) -> RowIn {
    let places = row_places(row);
    var wide = places.wide;
    let narrow = places.narrow;
    var x: RowIn;
    x.cols = table.cols;
    if (RAGGED) {
        let start = min(beside(LENGTHS_SLOT, narrow.x), table.total);
        let end = min(beside(LENGTHS_SLOT, narrow.x + 1u), table.total);
        wide.x += start;
        x.cols = min(end - min(start, end), table.cols);
    }
    x.input = wide.x;
    x.result = params.out_base + (wide.x - table.wide.x);
    x.mask = wide.y;
    x.bias = wide.z;
    x.odd = odd_start(x);
    x.own = i32(wide.w) + table.own;
    let visible = visible_columns(wide.w, narrow.x);
    x.end = min(visible.y - min(visible.y, table.first_col), x.cols);
    x.first = min(visible.x - min(visible.x, table.first_col), x.end);
    if (SINK) { x.sink = bitcast<f32>(beside(SINKS_SLOT, narrow.y)); }
    if (ROW_SCALE) { x.scale = row_scale(bitcast<f32>(beside(SCALES_SLOT, narrow.z))); }
    if (ALIBI) { x.slope = bitcast<f32>(beside(SLOPES_SLOT, narrow.w)); }
    return x;
}

// The columns of a whole row that its window and length leave: the first, and the one behind the last.
fn visible_columns(query: u32, row: u32) -> vec2<u32> {
    var first = 0i;
    var end = table.row_cols;
    if (WINDOW) {
        first = clamp(i32(query) + table.window_first, 0i, table.row_cols);
        end = clamp(i32(query) + table.window_end, 0i, table.row_cols);
    }
    var visible = vec2<u32>(u32(first), u32(end));
    if (LENGTHS) { visible.y = min(visible.y, beside(LENGTHS_SLOT, row)); }
    return visible;
}

fn row_out(row: u32, x: RowIn) -> RowOut { return x; }

// The part of a range of units that takes part in the row.
fn visible_from(x: RowIn, start: u32) -> u32 { return max(start, (x.first + x.odd) / WIDTH); }

fn visible_to(x: RowIn, end: u32) -> u32 { return min(end, (x.end + x.odd + (WIDTH - 1u)) / WIDTH); }

// Elements from the row's first column, of each operand.
struct Places {
    input: U,
    mask: U,
    bias: U,
}

// A unit of a row as it is computed with; -inf where an element does not take part, or is none.
fn load(x: RowIn, at: u32) -> F {
    let own = columns(x, at);
    var part = (own >= U(x.first)) & (own < U(x.end));
    let place = places(own, part);
    if (MASK != 0u) { part = part & masked_in(place.mask + U(x.mask)); }
    if (!any(part)) { return minus_infinity(); }
    var v = widened(input_bits(x, at, place.input), INPUT);
    if (ROW_SCALE) { v = scaled_by_row(v, x.scale); } else { v = scaled(v); }
    if (BIAS != 0u) { v = biased(v, bias_at(place.bias + U(x.bias))); }
    if (ALIBI) {
        let distance = I(x.own) - bitcast<I>(own + U(table.first_col));
        v = biased(v, alibi(x.slope, bitcast<U>(abs(distance))));
    }
    return bitcast<F>(select(bitcast<U>(minus_infinity()), bitcast<U>(v), part));
}

// Whether a mask has elements take part.
fn masked_in(at: U) -> B {
    if (MASK == 1u) {
        let bytes = words_beside(MASK_SLOT, at, 2u) >> ((at & U(3u)) * U(8u));
        return (bytes & U(0xffu)) != U(0u);
    }
    let bits = words_beside(MASK_SLOT, at, 5u) >> (at & U(31u));
    return (bits & U(1u)) != U(0u);
}

fn bias_at(at: U) -> F {
    if (BIAS == 1u) { return bitcast<F>(words_beside(BIAS_SLOT, at, 0u)); }
    let bits = words_beside(BIAS_SLOT, at, 1u) >> ((at & U(1u)) * U(16u));
    return widened(bits & U(0xffffu), select(F16, BF16, BIAS == 3u));
}

// Writes a word of a row's result, or the half that it is rounded to.
fn store_row(index: u32, bits: u32) {
    if (OUTPUT == F32) {
        set_word(index, bits);
    } else {
        set_half(index, first_u(narrowed(U(bits), OUTPUT)));
    }
}
