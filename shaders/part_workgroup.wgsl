// A workgroup has a part of a split row: its lanes take every WORKGROUP-th unit of it.
fn part_of(group: vec3<u32>, index: u32) -> Part {
    lane = index;
    let number = group.y * params.grid_x + group.x;
    let part = number % params.parts;
    let start = part * params.part_units;
    let row = number / params.parts;
    let end = min(start + params.part_units, params.units);
    return Part(row, start, end, index, WORKGROUP, part, row < params.rows);
}
