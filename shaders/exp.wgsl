// Stage `exp`: the exponential of an element relative to the row's maximum, held times 2^64.

// What the exponentials of a row share; see `cpu::RowRange`.
struct RowRange {
    max: RF,
    // The least that is left of an element once the anchor is taken off.
    low: RF,
    anchor: RF,
    bias: RU,
}

struct Reduced {
    r: F,
    // The bits of k + 1.5 * 2^23.
    k: U,
}

// Splits t = k ln 2 + r. The products with the first two parts of ln 2 are exact.
fn reduce_exponent(t: F) -> Reduced {
    let rounded = seal(seal(t * F(LOG2_E)) + F(ROUND_MAGIC));
    let k = rounded - F(ROUND_MAGIC);
    let first = seal(t - k * F(LN2_A));
    let second = seal(first - k * F(LN2_B));
    return Reduced(seal(second - seal(k * F(LN2_C))), bitcast<U>(rounded));
}

// The range below a finite maximum.
fn row_range(max: RF) -> RowRange {
    let anchor = select(max, RF(0.0), abs(max) <= RF(ANCHOR_LIMIT));
    let k_max = first_u(reduce_exponent(seal(F(max) - F(anchor))).k);
    return RowRange(max, (max - anchor) - RANGE, anchor, k_max - RU(HELD_SHIFT));
}

// e^r for |r| <= 0.3487.
fn exp_polynomial(r: F) -> F {
    let square = seal(r * r);
    var q = F(EXP_5) + seal(F(EXP_6) * r);
    q = F(EXP_4) + seal(q * r);
    q = F(EXP_3) + seal(q * r);
    q = F(EXP_2) + seal(q * r);
    return F(1.0) + seal(r + seal(q * square));
}

// e^(v - max) * 2^64. Elements further than 105 below the maximum give about 2^-87: less than
// half a unit of every bin, and as a probability below the normal range, so nothing at all.
fn exponential(v: F, row: RowRange) -> F {
    let reduced = reduce_exponent(max(v - F(row.anchor), F(row.low)));
    let p = bitcast<U>(exp_polynomial(reduced.r));
    return bitcast<F>(p + ((reduced.k - U(row.bias)) << U(23u)));
}
