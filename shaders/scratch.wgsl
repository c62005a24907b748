// What a split row's workgroups share: the maximum's key and the sum in digits of 16 bits.
struct RowScratch {
    key: atomic<i32>,
    digits: array<atomic<u32>, 8>,
}

@group(0) @binding(4) var<storage, read_write> scratch: array<RowScratch>;

// Adds sums, of the rows from the first one on: 65537 additions fit a digit.
fn scratch_add(first: u32, total: RowTotal) {
    for (var i = 0u; i < ROWS; i++) {
        add_limb(first + i, 0u, of_row(total.units.x, i));
        add_limb(first + i, 2u, of_row(total.units.y, i));
        add_limb(first + i, 4u, of_row(total.units.z, i));
        add_limb(first + i, 6u, of_row(total.units.w, i));
    }
}

fn add_limb(row: u32, digit: u32, limb: u32) {
    atomicAdd(&scratch[row].digits[digit], limb & 0xffffu);
    atomicAdd(&scratch[row].digits[digit + 1u], limb >> 16u);
}

// The sums of all that was added.
fn scratch_total(first: u32) -> RowTotal {
    var units = no_units();
    for (var digit = 0u; digit < 8u; digit++) {
        var own = RU(0u);
        for (var i = 0u; i < ROWS; i++) {
            own = with_row(own, i, atomicLoad(&scratch[first + i].digits[digit]));
        }
        let limbs = Wide(own, RU(0u), RU(0u), RU(0u));
        units = wide_add(units, wide_shift_left(limbs, RU(16u * digit)));
    }
    return RowTotal(units, leading_of_large(units));
}
