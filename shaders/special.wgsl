// Stage `special`: which elements are finite, and the order they stand in. All tests are on
// integers: compilers may assume that NaN and infinities do not occur.

override SCALED: bool = false;
// Whether a product may overflow or turn subnormal elements into normal ones: a scale of 0, or of a
// magnitude above 1.
override CAREFUL_SCALE: bool = false;

// A bound that no bits exceed: every result of the row becomes its fill.
const ALWAYS_FILL: u32 = 0xffffffffu;

// Minus infinity, for padding: never a constant, which a compiler might reject or fold.
fn minus_infinity() -> F { return bitcast<F>(U(NEG_INF_BITS) ^ U(zero)); }

// Each element times the scale; subnormal elements count as 0. Infinities keep the sign the product
// has; a NaN, an infinity times zero and a finite product that overflows are the quiet NaN.
fn scaled(v: F) -> F {
    if (!SCALED) { return v; }
    // Infinities and NaN stay what they are, and what is tiny stays tiny.
    if (!CAREFUL_SCALE) { return seal(v * F(params.scale)); }
    return scaled_by(v, RF(params.scale));
}

// The same with any finite factor.
fn scaled_by(v: F, by: RF) -> F {
    let factor = U(bitcast<RU>(by));
    let bits = bitcast<U>(v);
    let size = bits & U(ABS_MASK);
    let known = bitcast<F>(select(bits, U(0u), size < U(TINY_BITS)));
    let product = bitcast<U>(seal(known * F(by)));
    let finite = select(product, U(NAN_BITS), (product & U(ABS_MASK)) >= U(INF_BITS));
    let signed_infinity = ((bits ^ factor) & U(~ABS_MASK)) | U(INF_BITS);
    let undefined = (size > U(INF_BITS)) | ((factor & U(ABS_MASK)) == U(0u));
    let special = select(signed_infinity, U(NAN_BITS), undefined);
    return bitcast<F>(select(finite, special, size >= U(INF_BITS)));
}

// The extremes of the bits a lane has seen: they tell the maximum, and a NaN of either sign, for
// three instructions an element.
struct Extremes {
    greatest_signed: I,
    least: U,
    greatest: U,
}

fn no_extremes() -> Extremes {
    return Extremes(I(i32(NEG_INF_BITS)), U(NEG_INF_BITS), U(NEG_INF_BITS));
}

// Takes elements in.
fn see(seen: Extremes, v: F) -> Extremes {
    let bits = bitcast<U>(v);
    let signed = max(seen.greatest_signed, bitcast<I>(bits));
    return Extremes(signed, min(seen.least, bits), max(seen.greatest, bits));
}

// The key of a lane's maximum: an integer of the same order as the floats, -inf lowest, +inf above
// all finite ones, a NaN of either sign on top.
fn lane_key(seen: Extremes) -> RI {
    let greatest = fold_max(seen.greatest_signed);
    let nan = (fold_max_u(seen.greatest) > RU(NEG_INF_BITS)) | (greatest > RI(i32(INF_BITS)));
    // Among negative numbers the least pattern is the greatest number.
    let key = select(greatest, bitcast<RI>(fold_min_u(seen.least) ^ RU(ABS_MASK)), greatest < RI(0));
    return select(key, RI(i32(NAN_BITS)), nan);
}

// The bits of the float with this key.
fn from_key(key: RI) -> RU { return bitcast<RU>(key ^ ((key >> RU(31u)) & RI(i32(ABS_MASK)))); }

// Whether a row's maximum is finite; elsewhere the row is filled with one value.
fn is_finite_key(key: RI) -> RB { return (from_key(key) & RU(ABS_MASK)) < RU(INF_BITS); }

// The maximum as later stages take it: 0 for magnitudes of 2^-126 and less, and for special rows.
fn settle_max(key: RI) -> RF {
    let bits = from_key(key);
    let size = bits & RU(ABS_MASK);
    return bitcast<RF>(select(bits, RU(0u), (size <= RU(TINY_BITS)) | (size >= RU(INF_BITS))));
}

// The key of a maximum that later stages take as +0, or the key itself.
fn settle_key(key: RI) -> RI {
    return select(key, RI(0), (from_key(key) & RU(ABS_MASK)) <= RU(TINY_BITS));
}

// Results of magnitude 2^-126 and less are +0.
fn settle_result(bits: U) -> U {
    return select(bits, U(0u), (bits & U(ABS_MASK)) <= U(TINY_BITS));
}
