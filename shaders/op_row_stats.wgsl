// Operation row statistics: the maximum's key and the exact sum, eight words per row.

const PER_ELEMENT: bool = false;

// The row's sum; 0 where the maximum is not finite.
struct Finish {
    units: vec4<u32>,
}

fn hold(v: F, e: F) -> F { return e; }

fn hold_again(v: F, row: RowRange) -> F { return v; }

fn finish(key: i32, row: RowRange, total: RowTotal) -> Finish {
    return Finish(select(vec4<u32>(0u), total.units, is_finite_key(key)));
}

fn result_of(held: F, f: Finish) -> U { return U(0u); }

fn put_held(out: RowOut, at: u32, held: F) {}

fn held_at(out: RowOut, at: u32) -> F { return F(0.0); }

fn put_bits(out: RowOut, at: u32, bits: U) {}

fn put(out: RowOut, at: u32, held: F, f: Finish) {}

fn put_row(row: u32, key: i32, f: Finish) {
    let at = params.out_base + row * 8u;
    store_row(at, bitcast<u32>(settle_key(key)));
    for (var i = 1u; i < 4u; i++) { store_row(at + i, 0u); }
    for (var i = 0u; i < 4u; i++) { store_row(at + 4u + i, f.units[i]); }
}
