// Kernel `looped`: a team walks over its row three times: maximum, sum, results.

@group(0) @binding(1) var<storage, read> elements: array<F>;

// Whether exponentials are kept in the results between the second walk and the third: less to
// compute and more to write, which pays where the row stays in a cache of the CPU.
override REWRITE: bool = false;

// Lane `rank` of `size` works on units rank, rank + size, ... of the row. `live` is false for a
// team without a row of its own: it works on the last one and writes nothing.
fn run_row(row: u32, live: bool, rank: u32, size: u32) {
    let start = params.in_base + row * params.units;
    let trips = (params.units + size - 1u) / size;
    let last = params.units - 1u;
    var seen = no_extremes();
    for (var i = 0u; i < trips; i++) {
        // Past the end the last unit again: a maximum does not mind.
        seen = see(seen, scaled(elements[start + min(rank + i * size, last)]));
    }
    let key = team_max(lane_key(seen));
    let range = row_range(settle_max(key));
    let out = params.out_base + row * params.units;
    var partial = no_partial();
    for (var done = 0u; done < trips; done += FLUSH) {
        var bins = no_bins();
        let until = min(done + FLUSH, trips);
        for (var i = done; i < until; i++) {
            let at = rank + i * size;
            let v = scaled(elements[start + min(at, last)]);
            let e = select(F(0.0), exponential(v, range), at <= last);
            bins = add_to_bins(bins, e);
            if (REWRITE && live && at <= last) { put_held(out + at, hold(v, e)); }
        }
        partial = take_bins(partial, bins, until - done);
    }
    let f = finish(key, range, sum_over_team(partial));
    if (PER_ELEMENT) {
        for (var i = 0u; i < trips; i++) {
            let at = rank + i * size;
            if (live && at <= last) {
                if (REWRITE) {
                    put(out + at, held_at(out + at), f);
                } else {
                    put(out + at, hold_again(scaled(elements[start + at]), range), f);
                }
            }
        }
    }
    if (live && rank == 0u) { put_row(row, key, f); }
}
