// Kernels `split` and `split-columns`: a row over several workgroups, in four dispatches. Each has
// `parts` of `part_units` units, the last one shorter.

struct Part {
    row: u32,
    // Units of the row: from `start` to before `end`.
    start: u32,
    end: u32,
    // The lane's place among those of the part, and how many there are.
    rank: u32,
    size: u32,
    index: u32,
}

// Whether it is the row's first part: the sink and the row's one result belong to it.
fn starts_row(part: Part) -> bool { return part.index == 0u && params.starts_row == 1u; }

// Where the scratch of a part's first row lies.
fn scratch_row(row: u32) -> u32 { return params.scratch_base + ROWS * row; }

// The keys of a part's rows.
fn scratch_key(first: u32) -> RI {
    var keys = RU(0u);
    for (var i = 0u; i < ROWS; i++) {
        keys = with_row(keys, i, bitcast<u32>(atomicLoad(&scratch[first + i].key)));
    }
    return bitcast<RI>(keys);
}

// Dispatch 1: an invocation per row, or per rows of a unit.
@compute @workgroup_size(WORKGROUP)
fn split_clear(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = (group.y * params.grid_x + group.x) * WORKGROUP + index;
    if (row >= params.rows) { return; }
    for (var i = 0u; i < ROWS; i++) {
        let own = scratch_row(row) + i;
        atomicStore(&scratch[own].key, KEY_EMPTY);
        for (var digit = 0u; digit < 8u; digit++) { atomicStore(&scratch[own].digits[digit], 0u); }
    }
}

// Dispatch 2: the row's maximum.
@compute @workgroup_size(WORKGROUP)
fn split_max(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    open_seal();
    if (!has_row(group, index)) { return; }
    let part = part_of(group, index);
    let x = row_in(part.row);
    let end = visible_to(x, part.end);
    var seen = no_extremes();
    for (var at = visible_from(x, part.start) + part.rank; at < end; at += part.size) {
        seen = see(seen, load(x, at));
    }
    if (SINK && starts_row(part)) { seen = see(seen, sink(x, part.rank)); }
    let key = bitcast<RU>(team_max(lane_key(seen)));
    if (part.rank != 0u) { return; }
    for (var i = 0u; i < ROWS; i++) {
        atomicMax(&scratch[scratch_row(part.row) + i].key, bitcast<i32>(of_row(key, i)));
    }
}

// Dispatch 3: the row's sum.
@compute @workgroup_size(WORKGROUP)
fn split_sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    open_seal();
    if (!has_row(group, index)) { return; }
    let part = part_of(group, index);
    let row = scratch_row(part.row);
    let range = row_range(settle_max(scratch_key(row)));
    let x = row_in(part.row);
    let end = visible_to(x, part.end);
    // A part is short enough for one round of bins: the planner sees to it.
    var bins = no_bins();
    var count = 0u;
    for (var at = visible_from(x, part.start) + part.rank; at < end; at += part.size) {
        bins = add_to_bins(bins, exponential(load(x, at), range));
        count++;
    }
    if (SINK && starts_row(part)) {
        bins = add_to_bins(bins, exponential(sink(x, part.rank), range));
        count++;
    }
    let total = sum_over_team(take_bins(no_partial(), bins, count));
    if (part.rank == 0u) { scratch_add(row, total); }
}

// Dispatch 4: the results.
@compute @workgroup_size(WORKGROUP)
fn split_write(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    open_seal();
    if (!has_row(group, index)) { return; }
    let part = part_of(group, index);
    let row = scratch_row(part.row);
    let key = scratch_key(row);
    let range = row_range(settle_max(key));
    let f = finish(key, range, scratch_total(row));
    if (PER_ELEMENT) {
        let x = row_in(part.row);
        let out = row_out(part.row, x);
        let end = min(part.end, row_units(x));
        for (var at = part.start + part.rank; at < end; at += part.size) {
            put(out, at, hold_again(load(x, at), range), f);
        }
    }
    if (part.index == 0u && part.rank == 0u && params.starts_row == 1u) { put_row(part.row, key, f); }
}
