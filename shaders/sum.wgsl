// Stage `sum`: the exact sum of a row's exponentials on a fixed grid, as an integer. The order
// cannot matter, so any team and any reduction gives the same bits.

override THIRD_BIN: bool = false;
// Whether a row has at most FLUSH elements, so that the bins of all its lanes add up in one word.
override SHORT_ROW: bool = false;

// What a lane adds up: at most FLUSH elements, then `take_bins`.
struct Bins {
    a: U,
    b: U,
    c: U,
}

// Sums of halves of bins, of many lanes: (a low, a high, b low, b high), (c low, c high, 0, 0). The
// high halves of b and c are signed.
struct Partial {
    ab: vec4<u32>,
    c: vec4<u32>,
}

// A row's sum in units of 2^-66.
struct RowTotal {
    units: vec4<u32>,
}

fn no_bins() -> Bins { return Bins(U(0u), U(0u), U(0u)); }

fn no_partial() -> Partial { return Partial(vec4<u32>(0u), vec4<u32>(0u)); }

// Adds a held exponential, split on the grids of 2^-22, 2^-44 and with a third bin 2^-66.
fn add_to_bins(bins: Bins, e: F) -> Bins {
    let coarse = seal(e + F(BIN_1));
    let rest = seal(e - seal(coarse - F(BIN_1)));
    let fine = rest + F(BIN_2);
    var sum = Bins(bins.a + bitcast<U>(coarse), bins.b + bitcast<U>(fine), bins.c);
    if (THIRD_BIN) {
        let last = seal(rest - seal(seal(fine) - F(BIN_2))) + F(BIN_3);
        sum.c += bitcast<U>(last);
    }
    return sum;
}

// Adds a lane's bins, which took `count` elements each, to its halves.
fn take_bins(to: Partial, bins: Bins, count: u32) -> Partial {
    let a = bins.a - U(count * BIN_1_BITS);
    let b = bins.b - U(count * BIN_2_BITS);
    if (SHORT_ROW) { return Partial(to.ab + vec4<u32>(fold_add(a), 0u, fold_add(b), 0u), to.c); }
    let low = U(0xffffu);
    let ab = vec4<u32>(
        fold_add(a & low),
        fold_add(a >> U(16u)),
        fold_add(b & low),
        fold_add(bitcast<U>(bitcast<I>(b) >> U(16u))),
    );
    var sum = Partial(to.ab + ab, to.c);
    if (THIRD_BIN) {
        let c = bins.c - U(count * BIN_3_BITS);
        let high = fold_add(bitcast<U>(bitcast<I>(c) >> U(16u)));
        sum.c += vec4<u32>(fold_add(c & low), high, 0u, 0u);
    }
    return sum;
}

// A signed integer of 32 bits as one of 128.
fn sign_extended(v: u32) -> vec4<u32> {
    let sign = bitcast<u32>(bitcast<i32>(v) >> 31u);
    return vec4<u32>(v, sign, sign, sign);
}

// The bins of a short row put together: a 2^22 + b in two limbs, then times 2^22.
fn short_total(a: u32, b: u32) -> RowTotal {
    let low = (a << 22u) + b;
    let carry = u32(low < b) + bitcast<u32>(bitcast<i32>(b) >> 31u);
    let high = (a >> 10u) + carry;
    return RowTotal(vec4<u32>(low << 22u, (low >> 10u) | (high << 22u), high >> 10u, 0u));
}

// The halves put together, in units of 2^-66.
fn total_of(p: Partial) -> RowTotal {
    if (SHORT_ROW) { return short_total(p.ab.x, p.ab.z); }
    // a 2^44 and b 2^22, with halves 16 bits apart.
    let a_low = vec4<u32>(0u, p.ab.x << 12u, p.ab.x >> 20u, 0u);
    let a_high = vec4<u32>(0u, p.ab.y << 28u, p.ab.y >> 4u, 0u);
    let b_low = vec4<u32>(p.ab.z << 22u, p.ab.z >> 10u, 0u, 0u);
    let b_high = wide_shift_left(sign_extended(p.ab.w), 38u);
    var units = wide_add(wide_add(a_low, a_high), wide_add(b_low, b_high));
    if (THIRD_BIN) {
        let c_high = wide_shift_left(sign_extended(p.c.y), 16u);
        units = wide_add(units, wide_add(vec4<u32>(p.c.x, 0u, 0u, 0u), c_high));
    }
    return RowTotal(units);
}

// Every lane of the team gets the sum of the lanes' halves.
fn sum_over_team(p: Partial) -> RowTotal {
    var sum = Partial(team_add(p.ab), p.c);
    if (THIRD_BIN) { sum.c = team_add(p.c); }
    return total_of(sum);
}

// One exponential in units of 2^-66.
fn fixed_units(e: F) -> vec4<u32> {
    let bins = add_to_bins(no_bins(), e);
    let a = first_u(bins.a) - BIN_1_BITS;
    let b = wide_shift_left(sign_extended(first_u(bins.b) - BIN_2_BITS), 22u);
    var units = wide_add(vec4<u32>(0u, a << 12u, a >> 20u, 0u), b);
    if (THIRD_BIN) { units = wide_add(units, sign_extended(first_u(bins.c) - BIN_3_BITS)); }
    return units;
}
