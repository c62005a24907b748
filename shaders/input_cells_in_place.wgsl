// The same where results overwrite it. A lane writes no element that another one reads: it writes those
// it has read.

fn input_cell(index: u32) -> Cell { return results[index]; }
