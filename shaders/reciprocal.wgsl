// Stage `reciprocal`: one over the exact sum, as a pair of floats; see `cpu/reciprocal.rs`.

struct Reciprocal {
    high: RF,
    low: RF,
}

// Multiplies a normal float by 2^shift; the result is normal too.
fn times_power(x: RF, shift: RI) -> RF {
    return bitcast<RF>(bitcast<RU>(x) + (bitcast<RU>(shift) << RU(23u)));
}

// One over s = lead * 2^-29 in [1, 2): the high part is floor(2^53 / lead) * 2^-24, whatever the
// estimate's last bits.
fn reciprocal_of_lead(lead: RU) -> Reciprocal {
    let s = bitcast<RF>(RU(0x3f000000u) + ((lead + RU(32u)) >> RU(6u)));
    var y = RF(RECIPROCAL_A) - seal1(RECIPROCAL_B * s);
    for (var step = 0u; step < 3u; step++) {
        let e = seal1(1.0 - seal1(s * y));
        y = seal1(y + seal1(y * e));
    }
    y = select(y, RF(0.5), y < RF(0.5));
    var units = RU(y * 16777216.0);
    var residual = bitcast<RI>(RU(0u) - lead * units);
    for (var step = 0u; step < 2u; step++) {
        let over = residual < RI(0);
        units -= RU(over);
        residual += select(RI(0), bitcast<RI>(lead), over);
    }
    let under = residual >= bitcast<RI>(lead);
    units += RU(under);
    residual -= select(RI(0), bitcast<RI>(lead), under);
    let high = RF(units) * UNIT_24;
    let low = seal1(RF((residual >> RU(7u)) + RI(1)) * UNIT_46 * high);
    return Reciprocal(high, low);
}

// The upper 12 bits of a float.
fn upper_half(x: F) -> F { return bitcast<F>(bitcast<U>(x) & U(0xfffff000u)); }

// One over a row's sum, above 0; the high part has 12 bits.
fn reciprocal(total: RowTotal) -> Reciprocal {
    let by = reciprocal_of_lead(total.leading.lead);
    let shift = RI(SUM_SCALE) - total.leading.top;
    let short = first_f(upper_half(F(by.high)));
    let low = seal1(seal1(by.high - short) + by.low);
    return Reciprocal(times_power(short, shift), times_power(low, shift));
}

// Held exponentials times the reciprocal, as bits of probabilities: the power 2^64 is taken off by
// integers. Both products with the high part are exact. Held results of at most `bound` become
// `fill`: +0 where they would be subnormal, or every one in a special row.
fn normalise(e: F, by: Reciprocal, bound: RU, fill: RU) -> U {
    let upper = upper_half(e);
    let rest = seal((e - upper) * F(by.high) + seal(e * F(by.low)));
    let held = bitcast<U>(upper * F(by.high) + rest);
    return select(held - U(HELD_EXPONENT), U(fill), held <= U(bound));
}
