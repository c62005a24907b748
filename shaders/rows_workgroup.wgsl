// Entry: a workgroup per row.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    open_seal();
    lane = index;
    let row = group.y * params.grid_x + group.x;
    if (row < params.rows) { run_row(row, true, index, WORKGROUP); }
}
