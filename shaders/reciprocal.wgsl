// Stage `reciprocal`: one over the exact sum, as a pair of floats; see `cpu/reciprocal.rs`.

struct Reciprocal {
    high: f32,
    low: f32,
}

// Multiplies a normal float by 2^shift; the result is normal too.
fn times_power(x: f32, shift: i32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) + (bitcast<u32>(shift) << 23u));
}

// One over s = lead * 2^-29 in [1, 2): the high part is floor(2^53 / lead) * 2^-24, whatever the
// estimate's last bits.
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
    let under = residual >= bitcast<i32>(lead);
    units += u32(under);
    residual -= select(0, bitcast<i32>(lead), under);
    let high = f32(units) * UNIT_24;
    let low = seal1(f32((residual >> 7u) + 1) * UNIT_46 * high);
    return Reciprocal(high, low);
}

// The upper 12 bits of a float.
fn upper_half(x: F) -> F { return bitcast<F>(bitcast<U>(x) & U(0xfffff000u)); }

// One over a row's sum, above 0; the high part has 12 bits.
fn reciprocal(total: RowTotal) -> Reciprocal {
    let leading = leading_bits(total.units);
    let by = reciprocal_of_lead(leading.lead);
    let shift = SUM_SCALE - leading.top;
    let short = first_f(upper_half(F(by.high)));
    let low = seal1(seal1(by.high - short) + by.low);
    return Reciprocal(times_power(short, shift), times_power(low, shift));
}

// Held exponentials times the reciprocal, as bits of probabilities: the power 2^64 is taken off by
// integers. Both products with the high part are exact. Held results of at most `bound` become
// `fill`: +0 where they would be subnormal, or every one in a special row.
fn normalise(e: F, by: Reciprocal, bound: u32, fill: u32) -> U {
    let upper = upper_half(e);
    let rest = seal((e - upper) * F(by.high) + seal(e * F(by.low)));
    let held = bitcast<U>(upper * F(by.high) + rest);
    return select(held - U(HELD_EXPONENT), U(fill), held <= U(bound));
}
