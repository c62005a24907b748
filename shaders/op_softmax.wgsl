// Operation softmax: each exponential over the row's sum.

const PER_ELEMENT: bool = true;

// What a row's elements need once its sum is known.
struct Finish {
    by: Reciprocal,
    // Held results up to here become the fill.
    bound: RU,
    fill: RU,
}

// What a lane holds of an element between the sum and the result.
fn hold(v: F, e: F) -> F { return e; }

// The same, when the element is read again.
fn hold_again(v: F, row: RowRange) -> F { return exponential(v, row); }

fn finish(key: RI, row: RowRange, total: RowTotal) -> Finish {
    let finite = is_finite_key(key);
    let empty = from_key(key) == RU(NEG_INF_BITS);
    let fill = select(RU(NAN_BITS), RU(params.empty_fill), empty);
    return Finish(
        reciprocal(total),
        select(RU(ALWAYS_FILL), RU(HELD_LEAST - 1u), finite),
        select(fill, RU(0u), finite),
    );
}

// The results of held elements, as bits.
fn result_of(held: F, f: Finish) -> U { return normalise(held, f.by, f.bound, f.fill); }

fn put_held(out: RowOut, at: u32, held: F) { store(out, at, bitcast<U>(held)); }

fn held_at(out: RowOut, at: u32) -> F { return bitcast<F>(fetch(out, at)); }

fn put_bits(out: RowOut, at: u32, bits: U) { store(out, at, bits); }

fn put(out: RowOut, at: u32, held: F, f: Finish) { store(out, at, result_of(held, f)); }

fn put_row(row: u32, key: RI, f: Finish) {}
