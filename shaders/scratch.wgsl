// What a split row's workgroups share: the maximum's key and the sum in digits of 16 bits.
struct RowScratch {
    key: atomic<i32>,
    digits: array<atomic<u32>, 8>,
}

@group(0) @binding(4) var<storage, read_write> scratch: array<RowScratch>;

// Adds a sum: 65536 additions fit a digit.
fn scratch_add(row: u32, total: RowTotal) {
    for (var i = 0u; i < 4u; i++) {
        atomicAdd(&scratch[row].digits[2u * i], total.units[i] & 0xffffu);
        atomicAdd(&scratch[row].digits[2u * i + 1u], total.units[i] >> 16u);
    }
}

// The sum of all that was added.
fn scratch_total(row: u32) -> RowTotal {
    var units = vec4<u32>(0u);
    for (var i = 0u; i < 8u; i++) {
        let digit = vec4<u32>(atomicLoad(&scratch[row].digits[i]), 0u, 0u, 0u);
        units = wide_add(units, wide_shift_left(digit, 16u * i));
    }
    return RowTotal(units);
}
