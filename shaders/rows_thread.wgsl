// Entry: an invocation per row.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    open_seal();
    let row = (group.y * params.grid_x + group.x) * WORKGROUP + lane;
    if (row < params.rows) { run_row(row, true, 0u, 1u); }
}
