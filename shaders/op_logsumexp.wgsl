// Operation log-sum-exp: one result per row.

const PER_ELEMENT: bool = false;

// The row's result as bits.
struct Finish {
    bits: RU,
}

fn hold(v: F, e: F) -> F { return e; }

fn hold_again(v: F, row: RowRange) -> F { return v; }

fn finish(key: RI, row: RowRange, total: RowTotal) -> Finish {
    let value = log_sum_exp(row.max, log_of_total(total, row));
    // NaN and either infinity are their own result.
    return Finish(select(from_key(key), value, is_finite_key(key)));
}

fn result_of(held: F, f: Finish) -> U { return U(f.bits); }

fn put_held(out: RowOut, at: u32, held: F) {}

fn held_at(out: RowOut, at: u32) -> F { return F(0.0); }

fn put_bits(out: RowOut, at: u32, bits: U) {}

fn put(out: RowOut, at: u32, held: F, f: Finish) {}

fn put_row(row: u32, key: RI, f: Finish) { store_row(params.out_base + rows_at(row), f.bits); }
