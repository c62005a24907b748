// Kernel `held`: a team reads its row once into registers and writes it once. HELD units a lane.

@group(0) @binding(1) var<storage, read> elements: array<F>;

// Lane `rank` of `size` works on units rank, rank + size, ... of the row. `live` is false for a
// team without a row of its own: it works on the last one and writes nothing.
fn run_row(row: u32, live: bool, rank: u32, size: u32) {
    var held: array<F, HELD>;
    let start = params.in_base + row * params.units;
    var seen = no_extremes();
    for (var i = 0u; i < HELD; i++) {
        let at = rank + i * size;
        var v = minus_infinity();
        if (at < params.units) { v = scaled(elements[start + at]); }
        held[i] = v;
        seen = see(seen, v);
    }
    let key = team_max(lane_key(seen));
    let range = row_range(settle_max(key));
    var bins = no_bins();
    for (var i = 0u; i < HELD; i++) {
        let e = exponential(held[i], range);
        bins = add_to_bins(bins, e);
        held[i] = hold(held[i], e);
    }
    let total = sum_over_team(take_bins(no_partial(), bins, HELD));
    let f = finish(key, range, total);
    if (PER_ELEMENT) {
        let out = params.out_base + row * params.units;
        for (var i = 0u; i < HELD; i++) {
            let at = rank + i * size;
            if (live && at < params.units) { put(out + at, held[i], f); }
        }
    }
    if (live && rank == 0u) { put_row(row, key, f); }
}
