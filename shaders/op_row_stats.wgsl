// Operation row statistics: the maximum's key and the exact sum, eight words per row.

const PER_ELEMENT: bool = false;

// The row's sum; 0 where the maximum is not finite.
struct Finish {
    units: Wide,
}

fn hold(v: F, e: F) -> F { return e; }

fn hold_again(v: F, row: RowRange) -> F { return v; }

fn finish(key: RI, row: RowRange, total: RowTotal) -> Finish {
    let finite = is_finite_key(key);
    let all = total.units;
    let none = RU(0u);
    return Finish(
        Wide(
            select(none, all.x, finite),
            select(none, all.y, finite),
            select(none, all.z, finite),
            select(none, all.w, finite),
        ),
    );
}

fn result_of(held: F, f: Finish) -> U { return U(0u); }

fn put_held(out: RowOut, at: u32, held: F) {}

fn held_at(out: RowOut, at: u32) -> F { return F(0.0); }

fn put_bits(out: RowOut, at: u32, bits: U) {}

fn put(out: RowOut, at: u32, held: F, f: Finish) {}

fn put_row(row: u32, key: RI, f: Finish) {
    let at = params.out_base + rows_at(row) * 8u;
    store_row(at, bitcast<RU>(settle_key(key)));
    for (var i = 1u; i < 4u; i++) { store_row(at + i, RU(0u)); }
    store_row(at + 4u, f.units.x);
    store_row(at + 5u, f.units.y);
    store_row(at + 6u, f.units.z);
    store_row(at + 7u, f.units.w);
}
