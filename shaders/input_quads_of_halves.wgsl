// The input of a tensor, four halves at a time.

@group(0) @binding(1) var<storage, read> elements: array<vec2<u32>>;

fn input_unit(index: u32) -> U { return halves_of(elements[index]); }
