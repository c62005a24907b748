// The input of a tensor that is overwritten by its results. A lane writes no element that another one
// reads: it writes those it has read.

fn input_word(index: u32) -> u32 { return result_word(index); }
