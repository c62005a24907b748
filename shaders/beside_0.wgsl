// No buffers beside the input.

// A word of one of them; never called.
fn beside(slot: u32, at: u32) -> u32 { return 0u; }
