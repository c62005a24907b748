// Kernel `looped`: a team walks over its row three times: maximum, sum, results.

@group(0) @binding(1) var<storage, read> elements: array<F>;

// Lane `rank` of `size` works on units rank, rank + size, ... of the row. `live` is false for a
// team without a row of its own: it works on the last one and writes nothing.
fn run_row(row: u32, live: bool, rank: u32, size: u32) {
    let start = params.in_base + row * params.units;
    let trips = (params.units + size - 1u) / size;
    let last = params.units - 1u;
    var keys = I(KEY_EMPTY);
    for (var i = 0u; i < trips; i++) {
        // Past the end the last unit again: a maximum does not mind.
        keys = max(keys, to_key(scaled(elements[start + min(rank + i * size, last)])));
    }
    let key = team_max(fold_max(keys));
    let range = row_range(settle_max(key));
    var partial = no_partial();
    for (var done = 0u; done < trips; done += FLUSH) {
        var bins = no_bins();
        let until = min(done + FLUSH, trips);
        for (var i = done; i < until; i++) {
            let at = rank + i * size;
            let v = scaled(elements[start + min(at, last)]);
            bins = add_to_bins(bins, select(F(0.0), exponential(v, range), at <= last));
        }
        partial = take_bins(partial, bins, until - done);
    }
    let f = finish(key, range, sum_over_team(partial));
    if (PER_ELEMENT) {
        let out = params.out_base + row * params.units;
        for (var i = 0u; i < trips; i++) {
            let at = rank + i * size;
            let v = hold_again(scaled(elements[start + min(at, last)]), range);
            if (live && at <= last) { put(out + at, v, f); }
        }
    }
    if (live && rank == 0u) { put_row(row, key, f); }
}
