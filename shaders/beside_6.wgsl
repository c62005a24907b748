// Six buffers beside the input.

@group(0) @binding(5) var<storage, read> beside_0: array<u32>;
@group(0) @binding(6) var<storage, read> beside_1: array<u32>;
@group(0) @binding(7) var<storage, read> beside_2: array<u32>;
@group(0) @binding(8) var<storage, read> beside_3: array<u32>;
@group(0) @binding(9) var<storage, read> beside_4: array<u32>;
@group(0) @binding(10) var<storage, read> beside_5: array<u32>;

// A word of one of them.
fn beside(slot: u32, at: u32) -> u32 {
    if (slot == 0u) { return beside_0[at]; }
    if (slot == 1u) { return beside_1[at]; }
    if (slot == 2u) { return beside_2[at]; }
    if (slot == 3u) { return beside_3[at]; }
    if (slot == 4u) { return beside_4[at]; }
    return beside_5[at];
}
