// Operation log-softmax: each element less the row's maximum less the logarithm of its sum.

const PER_ELEMENT: bool = true;

// What a row's elements need once its sum is known.
struct Finish {
    max: RF,
    log: RF,
    fill: RU,
    special: RB,
}

// What a lane holds of an element between the sum and the result.
fn hold(v: F, e: F) -> F { return v; }

// The same, when the element is read again.
fn hold_again(v: F, row: RowRange) -> F { return v; }

fn finish(key: RI, row: RowRange, total: RowTotal) -> Finish {
    let empty = from_key(key) == RU(NEG_INF_BITS);
    let fill = select(RU(NAN_BITS), RU(params.empty_fill), empty);
    return Finish(row.max, log_of_total(total, row).high, fill, !is_finite_key(key));
}

// The results of held elements, as bits.
fn result_of(held: F, f: Finish) -> U {
    return select(bitcast<U>(log_probability(held, f.max, f.log)), U(f.fill), f.special);
}

fn put_held(out: RowOut, at: u32, held: F) { store(out, at, bitcast<U>(held)); }

fn held_at(out: RowOut, at: u32) -> F { return bitcast<F>(fetch(out, at)); }

fn put_bits(out: RowOut, at: u32, bits: U) { store(out, at, bits); }

fn put(out: RowOut, at: u32, held: F, f: Finish) { store(out, at, result_of(held, f)); }

fn put_row(row: u32, key: RI, f: Finish) {}
