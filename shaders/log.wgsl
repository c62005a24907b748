// Stage `log`: the logarithm of a row's sum relative to its maximum, as a pair of floats; see
// `cpu/log.rs` for the method.

struct LogSum {
    high: RF,
    low: RF,
}

// The sum of two floats as a rounded value and its error (Knuth).
fn exact_pair(a: RF, b: RF) -> LogSum {
    let high = seal1(a + b);
    let virtual_b = seal1(high - a);
    let error_a = seal1(a - seal1(high - virtual_b));
    return LogSum(high, seal1(error_a + seal1(b - virtual_b)));
}

// The error of the rounded product p of two floats (Dekker).
fn product_error(a: RF, b: RF, p: RF) -> RF {
    let ah = first_f(upper_half(F(a)));
    let bh = first_f(upper_half(F(b)));
    let al = seal1(a - ah);
    let bl = seal1(b - bh);
    let first = seal1(seal1(ah * bh) - p);
    let second = seal1(first + seal1(ah * bl));
    return seal1(seal1(second + seal1(al * bh)) + seal1(al * bl));
}

// The integer j for which sum / (unit 2^j) lies within [sqrt 1/2, sqrt 2], nearly.
fn log_exponent(sum: Leading, unit: Leading) -> RI {
    let s = sum.lead >> RU(14u);
    let u = unit.lead >> RU(14u);
    let above = RI(s * 181u >= u * 256u);
    let below = RI(s * 256u < u * 181u);
    return sum.top - unit.top + above - below;
}

// (sum - unit) / (sum + unit) as a pair; the difference is not 0.
fn log_quotient(difference: Wide, total: Wide, negative: RB) -> LogSum {
    let n = leading_bits(difference);
    let d = leading_of_large(total);
    let by = reciprocal_of_lead(d.lead);
    let head = bitcast<RF>(RU(0x3f000000u) + (n.lead >> RU(6u)));
    let tail = RF(n.lead & RU(63u)) * UNIT_29;
    let p = seal1(head * by.high);
    let rest = seal1(product_error(head, by.high, p) + seal1(seal1(head * by.low) + seal1(tail * by.high)));
    let top = seal1(p + rest);
    let left = seal1(rest - seal1(top - p));
    let shift = n.top - d.top;
    let sign = select(RU(0u), RU(0x80000000u), negative);
    let high = bitcast<RU>(times_power(top, shift)) ^ sign;
    let low = bitcast<RU>(times_power(left, shift)) ^ sign;
    let tiny = abs(left) < RF(TWO_POW_MINUS_40);
    return LogSum(bitcast<RF>(high), bitcast<RF>(select(low, sign, tiny)));
}

// log(sum of exp(x - max)).
fn log_of_total(total: RowTotal, row: RowRange) -> LogSum {
    var unit = fixed_units(exponential(F(row.max), row));
    let j = log_exponent(total.leading, leading_of_large(unit));
    unit = wide_shift_left(unit, RU(j));
    let power_high = RF(j) * LOG_LN2_HIGH;
    let power_low = seal1(RF(j) * LOG_LN2_LOW);
    let difference = wide_add(total.units, wide_negate(unit));
    let exact = (difference.x | difference.y | difference.z | difference.w) == RU(0u);
    let negative = (difference.w >> RU(31u)) != RU(0u);
    let q = log_quotient(wide_size(difference, negative), wide_add(total.units, unit), negative);
    let z = select(seal1(q.high * q.high), RF(0.0), abs(q.high) < RF(TWO_POW_MINUS_40));
    var series = LOG_7 + seal1(z * LOG_9);
    series = LOG_5 + seal1(z * series);
    series = LOG_3 + seal1(z * series);
    let cube = seal1(q.high * seal1(z * series));
    let main = exact_pair(2.0 * q.high, 2.0 * seal1(q.low + cube));
    let whole = exact_pair(power_high, main.high);
    let sum = exact_pair(whole.high, seal1(whole.low + seal1(main.low + power_low)));
    // There is no quotient of a difference of 0.
    let power = exact_pair(power_high, power_low);
    return LogSum(select(sum.high, power.high, exact), select(sum.low, power.low, exact));
}

// log(exp(v) / sum): the difference from the maximum less the logarithm of the sum.
fn log_probability(v: F, max: RF, log_sum: RF) -> F {
    let below = seal(v - F(max));
    let result = settle_result(bitcast<U>(below - F(log_sum)));
    let far = (bitcast<U>(below) & U(ABS_MASK)) >= U(INF_BITS);
    return bitcast<F>(select(result, U(NEG_INF_BITS), far));
}

// log(sum of exp(x)), as bits.
fn log_sum_exp(max: RF, log_sum: LogSum) -> RU {
    let s = exact_pair(max, log_sum.high);
    let result = bitcast<RU>(s.high + seal1(s.low + log_sum.low));
    return first_u(settle_result(U(result)));
}
