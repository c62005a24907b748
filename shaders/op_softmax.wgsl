// Operation softmax: each exponential over the row's sum.

@group(0) @binding(2) var<storage, read_write> results: array<F>;

const PER_ELEMENT: bool = true;

// What a row's elements need once its sum is known.
struct Finish {
    by: Reciprocal,
    fill: u32,
    special: bool,
}

// What a lane holds of an element between the sum and the result.
fn hold(v: F, e: F) -> F { return e; }

// The same, when the element is read again.
fn hold_again(v: F, row: RowRange) -> F { return exponential(v, row); }

fn finish(key: i32, row: RowRange, total: RowTotal) -> Finish {
    let empty = from_key(key) == NEG_INF_BITS;
    return Finish(reciprocal(total), select(NAN_BITS, params.empty_fill, empty), !is_finite_key(key));
}

// The results of held elements, as bits.
fn result_of(held: F, f: Finish) -> U {
    return select(bitcast<U>(normalise(held, f.by)), U(f.fill), f.special);
}

fn put_held(index: u32, held: F) { results[index] = held; }

fn held_at(index: u32) -> F { return results[index]; }

fn put_bits(index: u32, bits: U) { results[index] = bitcast<F>(bits); }

fn put(index: u32, held: F, f: Finish) { put_bits(index, result_of(held, f)); }

fn put_row(row: u32, key: i32, f: Finish) {}
