// Each lane has a part of a row of its own, or of several rows side by side, so that lanes side by side read
// rows side by side: for rows whose elements lie apart. Parts of the same rows are workgroups one after the
// other.

fn part_number(group: vec3<u32>) -> u32 { return group.y * params.grid_x + group.x; }

fn part_row(group: vec3<u32>, index: u32) -> u32 {
    return (part_number(group) / params.parts) * WORKGROUP + index;
}

// Whether there is a row for it.
fn has_row(group: vec3<u32>, index: u32) -> bool { return part_row(group, index) < params.rows; }

fn part_of(group: vec3<u32>, index: u32) -> Part {
    let part = part_number(group) % params.parts;
    let start = part * params.part_units;
    let end = min(start + params.part_units, params.units);
    return Part(part_row(group, index), start, end, 0u, 1u, part);
}
