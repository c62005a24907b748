// Entry: TEAM lanes of a subgroup per row. A workgroup has WORKGROUP / TEAM rows, whatever the size of the
// subgroups that the device chooses.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_size) size: u32,
) {
    open_seal();
    let first = (group.y * params.grid_x + group.x) * (WORKGROUP / TEAM);
    let row = first + (subgroup * size + lane) / TEAM;
    let live = row < params.rows;
    run_row(min(row, params.rows - 1u), live, lane % TEAM, TEAM);
}
