// The input of a tensor, four words at a time.

@group(0) @binding(1) var<storage, read> elements: array<vec4<u32>>;

fn input_unit(index: u32) -> U { return elements[index]; }
