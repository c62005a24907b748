// Kernel `held`: a team reads its row once into registers and writes it once. HELD units a lane.

// Lane `rank` of `size` works on units rank, rank + size, ... of the row. `live` is false for a
// team without a row of its own: it works on the last one and writes nothing.
fn run_row(row: u32, live: bool, rank: u32, size: u32) {
    var held: array<F, HELD>;
    let x = row_in(row);
    let units = row_units(x);
    var seen = no_extremes();
    for (var i = 0u; i < HELD; i++) {
        let at = rank + i * size;
        var v = minus_infinity();
        if (at < units) { v = load(x, at); }
        held[i] = v;
        seen = see(seen, v);
    }
    if (SINK) { seen = see(seen, sink(x, rank)); }
    let key = team_max(lane_key(seen));
    let range = row_range(settle_max(key));
    var bins = no_bins();
    for (var i = 0u; i < HELD; i++) {
        let e = exponential(held[i], range);
        bins = add_to_bins(bins, e);
        held[i] = hold(held[i], e);
    }
    if (SINK) { bins = add_to_bins(bins, exponential(sink(x, rank), range)); }
    let total = sum_over_team(take_bins(no_partial(), bins, HELD + u32(SINK)));
    let f = finish(key, range, total);
    if (PER_ELEMENT) {
        let out = row_out(row, x);
        for (var i = 0u; i < HELD; i++) {
            let at = rank + i * size;
            if (live && at < units) { put(out, at, held[i], f); }
        }
    }
    if (live && rank == 0u) { put_row(row, key, f); }
}
