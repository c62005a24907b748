// The input of a tensor, as words.

@group(0) @binding(1) var<storage, read> elements: array<u32>;

fn input_word(index: u32) -> u32 { return elements[index]; }
