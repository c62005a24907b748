// What a split row's workgroups share: the maximum's key and the sum, which grows by exchange.
struct RowScratch {
    key: atomic<i32>,
    digits: array<atomic<u32>, 8>,
}

@group(0) @binding(4) var<storage, read_write> scratch: array<RowScratch>;

// Adds a sum of floats: retried until no other workgroup came between.
fn scratch_add(row: u32, total: RowTotal) {
    var seen = atomicLoad(&scratch[row].digits[0]);
    loop {
        let sum = bitcast<u32>(bitcast<f32>(seen) + total.sum);
        let swap = atomicCompareExchangeWeak(&scratch[row].digits[0], seen, sum);
        if (swap.exchanged) { break; }
        seen = swap.old_value;
    }
}

// The sum of all that was added.
fn scratch_total(row: u32) -> RowTotal {
    return RowTotal(bitcast<f32>(atomicLoad(&scratch[row].digits[0])));
}
