// Stage `reciprocal`: one over the exact sum, as a pair of floats; see `cpu/reciprocal.rs`.

struct Reciprocal {
    high: f32,
    low: f32,
}

// Multiplies a normal float by 2^shift; the result is normal too.
fn times_power(x: f32, shift: i32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) + (bitcast<u32>(shift) << 23u));
}

// One over s = lead * 2^-29 in [1, 2). The high part does not exceed the exact value.
fn reciprocal_of_lead(lead: u32) -> Reciprocal {
    let s = bitcast<f32>(0x3f000000u + ((lead + 32u) >> 6u));
    var y = RECIPROCAL_A - seal1(RECIPROCAL_B * s);
    for (var step = 0u; step < 3u; step++) {
        let e = seal1(1.0 - seal1(s * y));
        y = seal1(y + seal1(y * e));
    }
    y = select(y, 0.5, y < 0.5);
    var units = u32(y * 16777216.0);
    var residual = bitcast<i32>(0u - lead * units);
    for (var step = 0u; step < 2u; step++) {
        let over = residual < 0;
        units -= u32(over);
        residual += select(0, bitcast<i32>(lead), over);
    }
    let high = f32(units) * UNIT_24;
    let low = seal1(f32((residual >> 7u) + 1) * UNIT_46 * high);
    return Reciprocal(high, low);
}

// One over a row's sum, above 0.
fn reciprocal(total: RowTotal) -> Reciprocal {
    let leading = leading_bits(total.units);
    let by = reciprocal_of_lead(leading.lead);
    let shift = SUM_SCALE - leading.top;
    return Reciprocal(times_power(by.high, shift), times_power(by.low, shift));
}

// Held exponentials times the reciprocal, as probabilities: the power 2^64 is taken off by
// integers, and what would be subnormal is +0.
fn normalise(e: F, by: Reciprocal) -> F {
    let held = bitcast<U>(seal(e * F(by.high)) + seal(e * F(by.low)));
    return bitcast<F>(select(held - U(HELD_EXPONENT), U(0u), held < U(HELD_LEAST)));
}
