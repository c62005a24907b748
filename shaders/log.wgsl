// Stage `log`: the logarithm of a row's sum relative to its maximum, as a pair of floats; see
// `cpu/log.rs` for the method.

struct LogSum {
    high: f32,
    low: f32,
}

// The sum of two floats as a rounded value and its error (Knuth).
fn exact_pair(a: f32, b: f32) -> LogSum {
    let high = seal1(a + b);
    let virtual_b = seal1(high - a);
    let error_a = seal1(a - seal1(high - virtual_b));
    return LogSum(high, seal1(error_a + seal1(b - virtual_b)));
}

// The error of the rounded product p of two floats (Dekker).
fn product_error(a: f32, b: f32, p: f32) -> f32 {
    let ah = first_f(upper_half(F(a)));
    let bh = first_f(upper_half(F(b)));
    let al = seal1(a - ah);
    let bl = seal1(b - bh);
    let first = seal1(seal1(ah * bh) - p);
    let second = seal1(first + seal1(ah * bl));
    return seal1(seal1(second + seal1(al * bh)) + seal1(al * bl));
}

// The integer j for which sum / (unit 2^j) lies within [sqrt 1/2, sqrt 2], nearly.
fn log_exponent(sum: Leading, unit: Leading) -> i32 {
    let s = sum.lead >> 14u;
    let u = unit.lead >> 14u;
    return sum.top - unit.top + i32(s * 181u >= u * 256u) - i32(s * 256u < u * 181u);
}

// (sum - unit) / (sum + unit) as a pair; the difference is not 0.
fn log_quotient(difference: vec4<u32>, total: vec4<u32>, negative: bool) -> LogSum {
    let n = leading_bits(difference);
    let d = leading_bits(total);
    let by = reciprocal_of_lead(d.lead);
    let head = bitcast<f32>(0x3f000000u + (n.lead >> 6u));
    let tail = f32(n.lead & 63u) * UNIT_29;
    let p = seal1(head * by.high);
    let rest = seal1(product_error(head, by.high, p) + seal1(seal1(head * by.low) + seal1(tail * by.high)));
    let top = seal1(p + rest);
    let left = seal1(rest - seal1(top - p));
    let shift = n.top - d.top;
    let sign = select(0u, 0x80000000u, negative);
    let high = bitcast<u32>(times_power(top, shift)) ^ sign;
    let low = bitcast<u32>(times_power(left, shift)) ^ sign;
    return LogSum(bitcast<f32>(high), bitcast<f32>(select(low, sign, abs(left) < TWO_POW_MINUS_40)));
}

// log(sum of exp(x - max)).
fn log_of_total(total: RowTotal, row: RowRange) -> LogSum {
    var unit = fixed_units(exponential(F(row.max), row));
    let j = log_exponent(leading_bits(total.units), leading_bits(unit));
    unit = wide_shift_left(unit, u32(j));
    let power_high = f32(j) * LOG_LN2_HIGH;
    let power_low = seal1(f32(j) * LOG_LN2_LOW);
    let difference = wide_add(total.units, wide_negate(unit));
    if (all(difference == vec4<u32>(0u))) { return exact_pair(power_high, power_low); }
    let negative = (difference.w >> 31u) != 0u;
    var size = difference;
    if (negative) { size = wide_negate(difference); }
    let q = log_quotient(size, wide_add(total.units, unit), negative);
    let z = select(seal1(q.high * q.high), 0.0, abs(q.high) < TWO_POW_MINUS_40);
    var series = LOG_7 + seal1(z * LOG_9);
    series = LOG_5 + seal1(z * series);
    series = LOG_3 + seal1(z * series);
    let cube = seal1(q.high * seal1(z * series));
    let main = exact_pair(2.0 * q.high, 2.0 * seal1(q.low + cube));
    let whole = exact_pair(power_high, main.high);
    return exact_pair(whole.high, seal1(whole.low + seal1(main.low + power_low)));
}

// log(exp(v) / sum): the difference from the maximum less the logarithm of the sum.
fn log_probability(v: F, max: f32, log_sum: f32) -> F {
    let below = seal(v - F(max));
    let result = settle_result(bitcast<U>(below - F(log_sum)));
    let far = (bitcast<U>(below) & U(ABS_MASK)) >= U(INF_BITS);
    return bitcast<F>(select(result, U(NEG_INF_BITS), far));
}

// log(sum of exp(x)), as bits.
fn log_sum_exp(max: f32, log_sum: LogSum) -> u32 {
    let s = exact_pair(max, log_sum.high);
    let result = bitcast<u32>(s.high + seal1(s.low + log_sum.low));
    return first_u(settle_result(U(result)));
}
