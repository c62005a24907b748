// Three buffers beside the input.

@group(0) @binding(5) var<storage, read> beside_0: array<u32>;
@group(0) @binding(6) var<storage, read> beside_1: array<u32>;
@group(0) @binding(7) var<storage, read> beside_2: array<u32>;

// A word of one of them.
fn beside(slot: u32, at: u32) -> u32 {
    if (slot == 0u) { return beside_0[at]; }
    if (slot == 1u) { return beside_1[at]; }
    return beside_2[at];
}
