// Kernel `looped`: a team walks over its row three times: maximum, sum, results.

// Whether exponentials are kept in the results between the second walk and the third: less to
// compute and more to write, which pays where the row stays in a cache of the CPU.
override REWRITE: bool = false;

// Lane `rank` of `size` works on units rank, rank + size, ... of the row. `live` is false for a
// team without a row of its own: it works on the last one and writes nothing.
fn run_row(row: u32, live: bool, rank: u32, size: u32) {
    let x = row_in(row);
    let out = row_out(row, x);
    let units = row_units(x);
    let first = visible_from(x, 0u) + rank;
    let last = visible_to(x, units);
    var seen = no_extremes();
    for (var at = first; at < last; at += size) {
        seen = see(seen, load(x, at));
    }
    if (SINK) { seen = see(seen, sink(x, rank)); }
    let key = team_max(lane_key(seen));
    let range = row_range(settle_max(key));
    var partial = no_partial();
    for (var begin = first; begin < last; begin += FLUSH * size) {
        let end = min(begin + FLUSH * size, last);
        var bins = no_bins();
        var count = 0u;
        for (var at = begin; at < end; at += size) {
            let v = load(x, at);
            let e = exponential(v, range);
            bins = add_to_bins(bins, e);
            count++;
            if (REWRITE && live) { put_held(out, at, hold(v, e)); }
        }
        partial = take_bins(partial, bins, count);
    }
    if (SINK) {
        let e = exponential(sink(x, rank), range);
        partial = take_bins(partial, add_to_bins(no_bins(), e), 1u);
    }
    let f = finish(key, range, sum_over_team(partial));
    if (PER_ELEMENT && live) {
        for (var at = rank; at < units; at += size) {
            if (REWRITE) {
                put(out, at, held_at(out, at), f);
            } else {
                put(out, at, hold_again(load(x, at), range), f);
            }
        }
    }
    if (live && rank == 0u) { put_row(row, key, f); }
}
