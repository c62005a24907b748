// Kernel `tile`: an invocation per row, rows of at most 32 elements. A workgroup reads and writes
// its rows in the order of memory, through a padded tile, so that short rows are coalesced too.

// One word more than HELD where that is even: neighbouring rows fall into different banks.
const PITCH: u32 = HELD | 1u;
var<workgroup> tile: array<u32, WORKGROUP * PITCH>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    open_seal();
    let first = (group.y * params.grid_x + group.x) * WORKGROUP;
    if (first >= params.rows) { return; }
    let rows = min(params.rows - first, WORKGROUP);
    // All of the workgroup's rows as if they were one.
    let x = row_in(first);
    for (var i = lane; i < rows * HELD; i += WORKGROUP) {
        tile[(i / HELD) * PITCH + i % HELD] = bitcast<u32>(load(x, i));
    }
    workgroupBarrier();
    let row = min(lane, rows - 1u);
    var held: array<F, HELD>;
    var seen = no_extremes();
    for (var i = 0u; i < HELD; i++) {
        held[i] = bitcast<f32>(tile[row * PITCH + i]);
        seen = see(seen, held[i]);
    }
    let key = lane_key(seen);
    let range = row_range(settle_max(key));
    var bins = no_bins();
    for (var i = 0u; i < HELD; i++) {
        let e = exponential(held[i], range);
        bins = add_to_bins(bins, e);
        held[i] = hold(held[i], e);
    }
    let f = finish(key, range, sum_over_team(take_bins(no_partial(), bins, HELD)));
    if (lane < rows) { put_row(first + row, key, f); }
    if (!PER_ELEMENT) { return; }
    workgroupBarrier();
    if (lane < rows) {
        for (var i = 0u; i < HELD; i++) { tile[row * PITCH + i] = result_of(held[i], f); }
    }
    workgroupBarrier();
    let out = row_out(first, x);
    for (var i = lane; i < rows * HELD; i += WORKGROUP) {
        put_bits(out, i, tile[(i / HELD) * PITCH + i % HELD]);
    }
}
