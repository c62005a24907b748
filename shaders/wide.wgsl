// Integers of 128 bits in four limbs, the lowest first; all arithmetic wraps.

fn wide_add(a: Wide, b: Wide) -> Wide {
    let x = a.x + b.x;
    let c0 = RU(x < a.x);
    let y = a.y + b.y;
    let y1 = y + c0;
    let c1 = RU(y < a.y) + RU(y1 < y);
    let z = a.z + b.z;
    let z1 = z + c1;
    let c2 = RU(z < a.z) + RU(z1 < z);
    return Wide(x, y1, z1, a.w + b.w + c2);
}

fn wide_negate(a: Wide) -> Wide {
    return wide_add(Wide(~a.x, ~a.y, ~a.z, ~a.w), Wide(RU(1u), RU(0u), RU(0u), RU(0u)));
}

// A number without its sign.
fn wide_size(a: Wide, negative: RB) -> Wide {
    let size = wide_negate(a);
    return Wide(
        select(a.x, size.x, negative),
        select(a.y, size.y, negative),
        select(a.z, size.z, negative),
        select(a.w, size.w, negative),
    );
}

// Shifts to the left by less than 128 bits.
fn wide_shift_left(a: Wide, by: RU) -> Wide {
    let none = RU(0u);
    let two = (by & RU(64u)) != none;
    let far_x = select(a.x, none, two);
    let far_y = select(a.y, none, two);
    let far_z = select(a.z, a.x, two);
    let far_w = select(a.w, a.y, two);
    let one = (by & RU(32u)) != none;
    let x = select(far_x, none, one);
    let y = select(far_y, far_x, one);
    let z = select(far_z, far_y, one);
    let w = select(far_w, far_z, one);
    let bits = by & RU(31u);
    // Two steps, since a shift by 32 is not a shift.
    let back = RU(31u) - bits;
    return Wide(
        x << bits,
        (y << bits) | ((x >> RU(1u)) >> back),
        (z << bits) | ((y >> RU(1u)) >> back),
        (w << bits) | ((z >> RU(1u)) >> back),
    );
}

// The power of two of the leading bit, and the leading 30 bits (truncated), of a number above 0.
struct Leading {
    top: RI,
    lead: RU,
}

fn leading_bits(a: Wide) -> Leading {
    // The two highest limbs in use, found without branches.
    let three = a.w != RU(0u);
    let two = a.z != RU(0u);
    let one = a.y != RU(0u);
    let high = select(select(select(a.x, a.y, one), a.z, two), a.w, three);
    let next = select(select(select(RU(0u), a.x, one), a.y, two), a.z, three);
    let top = select(select(select(RI(31), RI(63), one), RI(95), two), RI(127), three);
    return leading_of(high, next, top);
}

// The same of a number from 2^64 on, as the sum of a row with a finite maximum is: that element's exponential
// alone is above 2^65.
fn leading_of_large(a: Wide) -> Leading {
    let three = a.w != RU(0u);
    let high = select(a.z, a.w, three);
    let next = select(a.y, a.z, three);
    return leading_of(high, next, select(RI(95), RI(127), three));
}

// The leading bits of two limbs, the higher one not 0, whose first bit has this power of two.
fn leading_of(high: RU, next: RU, top: RI) -> Leading {
    let zeros = countLeadingZeros(high);
    let lead = (high << zeros) | ((next >> RU(1u)) >> (RU(31u) - zeros));
    return Leading(top - RI(zeros), lead >> RU(2u));
}
