// Operation softmax: each exponential over the row's sum.

@group(0) @binding(2) var<storage, read_write> results: array<F>;

const PER_ELEMENT: bool = true;

// What a row's elements need once its sum is known.
struct Finish {
    by: Reciprocal,
    // Held results up to here become the fill.
    bound: u32,
    fill: u32,
}

// What a lane holds of an element between the sum and the result.
fn hold(v: F, e: F) -> F { return e; }

// The same, when the element is read again.
fn hold_again(v: F, row: RowRange) -> F { return exponential(v, row); }

fn finish(key: i32, row: RowRange, total: RowTotal) -> Finish {
    if (is_finite_key(key)) { return Finish(reciprocal(total), HELD_LEAST - 1u, 0u); }
    let empty = from_key(key) == NEG_INF_BITS;
    return Finish(reciprocal(total), ALWAYS_FILL, select(NAN_BITS, params.empty_fill, empty));
}

// The results of held elements, as bits.
fn result_of(held: F, f: Finish) -> U { return normalise(held, f.by, f.bound, f.fill); }

fn put_held(index: u32, held: F) { results[index] = held; }

fn held_at(index: u32) -> F { return results[index]; }

fn put_bits(index: u32, bits: U) { results[index] = bitcast<F>(bits); }

fn put(index: u32, held: F, f: Finish) { put_bits(index, result_of(held, f)); }

fn put_row(row: u32, key: i32, f: Finish) {}
