// Entry: TEAM lanes of a subgroup per row. However large the subgroups are that the device chooses, a
// workgroup has as many rows.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_size) size: u32,
) {
    open_seal();
    let first = ((group.y * params.grid_x + group.x) * subgroups + subgroup) * (size / TEAM);
    let row = first + lane / TEAM;
    let live = row < params.rows;
    run_row(min(row, params.rows - 1u), live, lane % TEAM, TEAM);
}
