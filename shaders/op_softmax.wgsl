// Operation softmax: each exponential over the row's sum.

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

fn put_held(out: RowOut, at: u32, held: F) { store(out, at, bitcast<U>(held)); }

fn held_at(out: RowOut, at: u32) -> F { return bitcast<F>(fetch(out, at)); }

fn put_bits(out: RowOut, at: u32, bits: U) { store(out, at, bits); }

fn put(out: RowOut, at: u32, held: F, f: Finish) { store(out, at, result_of(held, f)); }

fn put_row(row: u32, key: i32, f: Finish) {}
