// A workgroup has a part of a split row: its lanes take every WORKGROUP-th unit of it.

fn part_number(group: vec3<u32>) -> u32 { return group.y * params.grid_x + group.x; }

// Whether there is a row for it. Not a member of Part, which is not the same in all lanes: barriers follow, and browsers
// refuse those after a return that they take for some lanes' only.
fn has_row(group: vec3<u32>, index: u32) -> bool { return part_number(group) / params.parts < params.rows; }

fn part_of(group: vec3<u32>, index: u32) -> Part {
    lane = index;
    let part = part_number(group) % params.parts;
    let start = part * params.part_units;
    let row = part_number(group) / params.parts;
    let end = min(start + params.part_units, params.units);
    return Part(row, start, end, index, WORKGROUP, part);
}
