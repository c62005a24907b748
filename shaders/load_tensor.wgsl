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

// What the elements of a row share; of several rows side by side, the first one's place in input and results.
struct RowIn {
    // The first column in input, results, mask and bias.
    input: u32,
    result: u32,
    mask: RU,
    bias: RU,
    // Elements before the row in its first word, where a unit is a word of two.
    odd: u32,
    // Columns, and which of them take part.
    cols: u32,
    first: RU,
    end: RU,
    scale: RF,
    slope: RF,
    // The row's position among the columns.
    own: RI,
    sink: RF,
}

alias RowOut = RowIn;

fn row_in(row: u32) -> RowIn {
    let places = row_places(ROWS * row);
    let own = each_row(places);
    var x: RowIn;
    x.input = places.wide.x;
    x.cols = table.cols;
    if (RAGGED) {
        let start = min(beside(LENGTHS_SLOT, places.narrow.x), table.total);
        let end = min(beside(LENGTHS_SLOT, places.narrow.x + 1u), table.total);
        x.input += start;
        x.cols = min(end - min(start, end), table.cols);
    }
    x.result = params.out_base + (x.input - table.wide.x);
    x.mask = own.mask;
    x.bias = own.bias;
    x.odd = odd_start(x);
    x.own = RI(own.query) + RI(table.own);
    let visible = visible_columns(own.query, own.lengths);
    let before = RU(table.first_col);
    x.end = min(visible.end - min(visible.end, before), RU(x.cols));
    x.first = min(visible.first - min(visible.first, before), x.end);
    if (SINK) { x.sink = bitcast<RF>(beside_row(SINKS_SLOT, own.sinks)); }
    if (ROW_SCALE) { x.scale = row_scale(bitcast<RF>(beside_row(SCALES_SLOT, own.scales))); }
    if (ALIBI) { x.slope = bitcast<RF>(beside_row(SLOPES_SLOT, own.slopes)); }
    return x;
}

// What a row has in each operand beside the input.
struct Own {
    mask: RU,
    bias: RU,
    query: RU,
    lengths: RU,
    sinks: RU,
    scales: RU,
    slopes: RU,
}

// Of the columns the first one, and the one behind the last.
struct Visible {
    first: RU,
    end: RU,
}

// The columns of a whole row that its window and length leave.
fn visible_columns(query: RU, row: RU) -> Visible {
    let cols = RI(table.row_cols);
    var first = RI(0i);
    var end = cols;
    if (WINDOW) {
        first = clamp(RI(query) + RI(table.window_first), RI(0i), cols);
        end = clamp(RI(query) + RI(table.window_end), RI(0i), cols);
    }
    var visible = Visible(RU(first), RU(end));
    if (LENGTHS) { visible.end = min(visible.end, beside_row(LENGTHS_SLOT, row)); }
    return visible;
}

fn row_out(row: u32, x: RowIn) -> RowOut { return x; }

// The part of a range of units that takes part in the row, or in any of several.
fn visible_from(x: RowIn, start: u32) -> u32 { return max(start, (least_of(x.first) + x.odd) / WIDTH); }

fn visible_to(x: RowIn, end: u32) -> u32 {
    return min(end, (greatest_of(x.end) + x.odd + (WIDTH - 1u)) / WIDTH);
}

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
