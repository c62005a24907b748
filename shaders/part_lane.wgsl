// Each lane has a part of a row of its own, or of several rows side by side, so that lanes side by side read
// rows side by side: for rows whose elements lie apart. Parts of the same rows are workgroups one after the
// other.
fn part_of(group: vec3<u32>, index: u32) -> Part {
    let number = group.y * params.grid_x + group.x;
    let part = number % params.parts;
    let start = part * params.part_units;
    let row = (number / params.parts) * WORKGROUP + index;
    let end = min(start + params.part_units, params.units);
    return Part(row, start, end, 0u, 1u, part, row < params.rows);
}
