// The input of f32 rows that lie one after the other.

@group(0) @binding(1) var<storage, read> elements: array<Cell>;

fn input_cell(index: u32) -> Cell { return elements[index]; }
