// What a split row's workgroups share: the maximum's key and the sum, which grows by exchange.
struct RowScratch {
    key: atomic<i32>,
    digits: array<atomic<u32>, 8>,
}

@group(0) @binding(4) var<storage, read_write> scratch: array<RowScratch>;

// Adds sums of floats, of the rows from the first one on.
fn scratch_add(first: u32, total: RowTotal) {
    let sums = bitcast<RU>(total.sum);
    for (var i = 0u; i < ROWS; i++) { add_float(first + i, bitcast<f32>(of_row(sums, i))); }
}

// Adds to the sum of a row: retried until no other workgroup came between.
fn add_float(row: u32, own: f32) {
    var seen = atomicLoad(&scratch[row].digits[0]);
    loop {
        let sum = bitcast<u32>(bitcast<f32>(seen) + own);
        let swap = atomicCompareExchangeWeak(&scratch[row].digits[0], seen, sum);
        if (swap.exchanged) { break; }
        seen = swap.old_value;
    }
}

// The sums of all that was added.
fn scratch_total(first: u32) -> RowTotal {
    var sums = RU(0u);
    for (var i = 0u; i < ROWS; i++) {
        sums = with_row(sums, i, atomicLoad(&scratch[first + i].digits[0]));
    }
    return RowTotal(bitcast<RF>(sums));
}
