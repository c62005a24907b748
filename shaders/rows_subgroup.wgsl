// Entry: a subgroup per row, several rows per workgroup. The grid is laid out for the largest
// subgroups the device may choose; with smaller ones, surplus teams find no row of their own.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(subgroup_id) team: u32,
    @builtin(num_subgroups) teams: u32,
    @builtin(subgroup_invocation_id) rank: u32,
    @builtin(subgroup_size) size: u32,
) {
    open_seal();
    let row = (group.y * params.grid_x + group.x) * teams + team;
    let live = row < params.rows;
    run_row(min(row, params.rows - 1u), live, rank, size);
}
