// Stage `sum`: the exact sum of a row's exponentials on a fixed grid, as an integer. The order
// cannot matter, so any team and any reduction gives the same bits.

override THIRD_BIN: bool = false;

// What a lane adds up: at most FLUSH elements, then `take_bins`.
struct Bins {
    a: U,
    b: U,
    c: U,
}

// Sums of halves of bins, of many lanes: (a low, a high, b low, b high), (c low, c high, 0, 0). The
// high halves of b and c are signed.
struct Partial {
    ab: Wide,
    c: Wide,
}

// A row's sum in units of 2^-66, and its leading bits; these only where the sum is a whole row's.
struct RowTotal {
    units: Wide,
    leading: Leading,
}

fn no_bins() -> Bins { return Bins(U(0u), U(0u), U(0u)); }

fn no_units() -> Wide { return Wide(RU(0u), RU(0u), RU(0u), RU(0u)); }

fn no_partial() -> Partial { return Partial(no_units(), no_units()); }

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
    if (SHORT_ROW) {
        return Partial(limbs_add(to.ab, Wide(fold_add(a), RU(0u), fold_add(b), RU(0u))), to.c);
    }
    let low = U(0xffffu);
    let ab = Wide(
        fold_add(a & low),
        fold_add(a >> U(16u)),
        fold_add(b & low),
        fold_add(bitcast<U>(bitcast<I>(b) >> U(16u))),
    );
    var sum = Partial(limbs_add(to.ab, ab), to.c);
    if (THIRD_BIN) {
        let c = bins.c - U(count * BIN_3_BITS);
        let high = fold_add(bitcast<U>(bitcast<I>(c) >> U(16u)));
        sum.c = limbs_add(sum.c, Wide(fold_add(c & low), high, RU(0u), RU(0u)));
    }
    return sum;
}

// A signed integer of 32 bits as one of 128.
fn sign_extended(v: RU) -> Wide {
    let sign = bitcast<RU>(bitcast<RI>(v) >> RU(31u));
    return Wide(v, sign, sign, sign);
}

// The bins of a short row put together: a 2^22 + b in two limbs, then times 2^22. The leading bits come from
// the bins themselves, in half the steps.
fn short_total(a: RU, b: RU) -> RowTotal {
    let low = (a << RU(22u)) + b;
    let carry = RU(low < b) + bitcast<RU>(bitcast<RI>(b) >> RU(31u));
    let high = (a >> RU(10u)) + carry;
    let units = Wide(low << RU(22u), (low >> RU(10u)) | (high << RU(22u)), high >> RU(10u), RU(0u));
    let upper = a + bitcast<RU>(bitcast<RI>(b) >> RU(22u));
    return RowTotal(units, leading_of(upper, b << RU(10u), RI(75)));
}

// The halves put together, in units of 2^-66.
fn total_of(p: Partial) -> RowTotal {
    if (SHORT_ROW) { return short_total(p.ab.x, p.ab.z); }
    // a 2^44 and b 2^22, with halves 16 bits apart.
    let none = RU(0u);
    let a_low = Wide(none, p.ab.x << RU(12u), p.ab.x >> RU(20u), none);
    let a_high = Wide(none, p.ab.y << RU(28u), p.ab.y >> RU(4u), none);
    let b_low = Wide(p.ab.z << RU(22u), p.ab.z >> RU(10u), none, none);
    let b_high = wide_shift_left(sign_extended(p.ab.w), RU(38u));
    var units = wide_add(wide_add(a_low, a_high), wide_add(b_low, b_high));
    if (THIRD_BIN) {
        let c_high = wide_shift_left(sign_extended(p.c.y), RU(16u));
        units = wide_add(units, wide_add(Wide(p.c.x, none, none, none), c_high));
    }
    return RowTotal(units, leading_of_large(units));
}

// Every lane of the team gets the sum of the lanes' halves.
fn sum_over_team(p: Partial) -> RowTotal {
    var sum = Partial(team_add(p.ab), p.c);
    if (THIRD_BIN) { sum.c = team_add(p.c); }
    return total_of(sum);
}

// One exponential in units of 2^-66.
fn fixed_units(e: F) -> Wide {
    let bins = add_to_bins(no_bins(), e);
    let a = first_u(bins.a) - RU(BIN_1_BITS);
    let b = wide_shift_left(sign_extended(first_u(bins.b) - RU(BIN_2_BITS)), RU(22u));
    var units = wide_add(Wide(RU(0u), a << RU(12u), a >> RU(20u), RU(0u)), b);
    if (THIRD_BIN) { units = wide_add(units, sign_extended(first_u(bins.c) - RU(BIN_3_BITS))); }
    return units;
}
