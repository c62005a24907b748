// Stage `masking`: an element with what stands beside it; see `cpu/masking.rs`.

// Distances of ALiBi beyond this count as this.
const MAX_DISTANCE: u32 = 0x1000000u;

// A row's scale: the operation's times the row's own, rounded; NaN where that is not finite.
fn row_scale(own: RF) -> RF {
    let product = bitcast<U>(scaled(F(own)));
    let special = (product & U(ABS_MASK)) >= U(INF_BITS);
    return bitcast<RF>(first_u(select(settle_result(product), U(NAN_BITS), special)));
}

// Elements times the scale of their row, which is finite or NaN.
fn scaled_by_row(v: F, scale: RF) -> F {
    let is_nan = (bitcast<RU>(scale) & RU(ABS_MASK)) > RU(INF_BITS);
    return bitcast<F>(select(bitcast<U>(scaled_by(v, scale)), U(NAN_BITS), is_nan));
}

// Scaled elements plus a bias, rounded. A bias of -inf masks an element, whatever it is; a sum that
// overflows is infinite.
fn biased(v: F, bias: F) -> F {
    let v_bits = bitcast<U>(v);
    let bias_bits = bitcast<U>(bias);
    let v_size = v_bits & U(ABS_MASK);
    let bias_size = bias_bits & U(ABS_MASK);
    let inf = U(INF_BITS);
    let sum = bitcast<U>(seal(bitcast<F>(settle_result(v_bits)) + bitcast<F>(settle_result(bias_bits))));
    // Both operands of a sum that overflows have its sign.
    let infinite = (v_bits & U(~ABS_MASK)) | inf;
    let finite = select(sum, infinite, (sum & U(ABS_MASK)) >= inf);
    let opposite = (v_bits != bias_bits) & (bias_size == inf);
    let of_v = select(finite, select(v_bits, U(NAN_BITS), opposite), v_size == inf);
    let of_bias = select(of_v, bias_bits, (bias_size == inf) & (v_size < inf));
    let number = select(of_bias, U(NAN_BITS), (v_size > inf) | (bias_size > inf));
    return bitcast<F>(select(number, U(NEG_INF_BITS), bias_bits == U(NEG_INF_BITS)));
}

// The ALiBi terms of keys so many positions from their query.
fn alibi(slope: RF, distance: U) -> F {
    let falling = first_u(settle_result(U(bitcast<RU>(slope) ^ RU(~ABS_MASK))));
    let term = bitcast<U>(scaled_by(F(min(distance, U(MAX_DISTANCE))), bitcast<RF>(falling)));
    let special = (falling & RU(ABS_MASK)) >= RU(INF_BITS);
    return bitcast<F>(select(term, U(NAN_BITS), special));
}
