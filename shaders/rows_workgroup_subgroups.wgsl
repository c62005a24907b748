// Entry: a workgroup per row, reducing by subgroups.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) rank: u32,
    @builtin(subgroup_size) size: u32,
) {
    open_seal();
    lane = rank;
    team = subgroup;
    teams = subgroups;
    let row = group.y * params.grid_x + group.x;
    // Ranks by subgroup, since the order of invocations in a workgroup is the device's choice.
    if (row < params.rows) { run_row(row, true, subgroup * size + rank, WORKGROUP); }
}
