// Kernel `split`: a row over several workgroups, in four dispatches. Each workgroup has a part of
// one row: `parts` per row, `part_units` each, the last one shorter.

@group(0) @binding(1) var<storage, read> elements: array<F>;

struct Part {
    row: u32,
    // Units of the row: from `start` to before `end`.
    start: u32,
    end: u32,
    index: u32,
    // Whether the workgroup has a part at all.
    live: bool,
}

fn part_of(group: vec3<u32>) -> Part {
    let index = group.y * params.grid_x + group.x;
    let part = index % params.parts;
    let start = part * params.part_units;
    let row = index / params.parts;
    return Part(row, start, min(start + params.part_units, params.units), part, row < params.rows);
}

// Dispatch 1: an invocation per row of the scratch.
@compute @workgroup_size(WORKGROUP)
fn split_clear(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = (group.y * params.grid_x + group.x) * WORKGROUP + index;
    if (row >= params.rows) { return; }
    atomicStore(&scratch[params.scratch_base + row].key, KEY_EMPTY);
    for (var i = 0u; i < 8u; i++) { atomicStore(&scratch[params.scratch_base + row].digits[i], 0u); }
}

// Dispatch 2: the row's maximum.
@compute @workgroup_size(WORKGROUP)
fn split_max(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    open_seal();
    lane = index;
    let part = part_of(group);
    if (!part.live) { return; }
    let base = params.in_base + part.row * params.units;
    var seen = no_extremes();
    for (var at = part.start + index; at < part.end; at += WORKGROUP) {
        seen = see(seen, scaled(elements[base + at]));
    }
    let key = team_max(lane_key(seen));
    if (index == 0u) { atomicMax(&scratch[params.scratch_base + part.row].key, key); }
}

// Dispatch 3: the row's sum.
@compute @workgroup_size(WORKGROUP)
fn split_sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    open_seal();
    lane = index;
    let part = part_of(group);
    if (!part.live) { return; }
    let row = params.scratch_base + part.row;
    let range = row_range(settle_max(atomicLoad(&scratch[row].key)));
    let base = params.in_base + part.row * params.units;
    // A part is short enough for one round of bins: the planner sees to it.
    var bins = no_bins();
    var count = 0u;
    for (var at = part.start + index; at < part.end; at += WORKGROUP) {
        bins = add_to_bins(bins, exponential(scaled(elements[base + at]), range));
        count++;
    }
    let total = sum_over_team(take_bins(no_partial(), bins, count));
    if (index == 0u) { scratch_add(row, total); }
}

// Dispatch 4: the results.
@compute @workgroup_size(WORKGROUP)
fn split_write(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    open_seal();
    let part = part_of(group);
    if (!part.live) { return; }
    let row = params.scratch_base + part.row;
    let key = atomicLoad(&scratch[row].key);
    let range = row_range(settle_max(key));
    let f = finish(key, range, scratch_total(row));
    if (PER_ELEMENT) {
        let base = part.row * params.units;
        for (var at = part.start + index; at < part.end; at += WORKGROUP) {
            let v = hold_again(scaled(elements[params.in_base + base + at]), range);
            put(params.out_base + base + at, v, f);
        }
    }
    if (part.index == 0u && index == 0u && params.starts_row == 1u) { put_row(part.row, key, f); }
}
