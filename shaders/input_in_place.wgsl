// The input of a tensor that is overwritten by its results. A lane writes no element that another one
// makes use of: it writes those it has read. Columns that take no part read the first one, for nothing.

fn input_word(index: u32) -> u32 { return result_word(index); }
