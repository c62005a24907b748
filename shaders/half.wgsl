// Stage `half`: 16-bit elements to f32 and back, by integers; see `cpu/half.rs`.

// Types of elements, as overrides name them.
const F32: u32 = 0u;
const F16: u32 = 1u;
const BF16: u32 = 2u;

// What the exponents of f32 and f16 differ by.
const F16_BIAS: u32 = 112u;
// The bits of 2^-14 and 2^16: below the one f16 is subnormal, from the other on infinite.
const F16_NORMAL_BITS: u32 = 0x38800000u;
const F16_OVERFLOW_BITS: u32 = 0x47800000u;
const HALF_BITS: u32 = 0x3f000000u;

// Elements from bits of their type, exactly.
fn widened(bits: U, dtype: u32) -> F {
    if (dtype == F32) { return bitcast<F>(bits); }
    if (dtype == BF16) { return bitcast<F>(bits << U(16u)); }
    let size = bits & U(0x7fffu);
    let normal = (size << U(13u)) + U(F16_BIAS << 23u);
    // By a product: a device may take a subnormal for zero, but not an integer.
    let subnormal = bitcast<U>(seal(F(size) * F(UNIT_24)));
    let finite = select(normal, subnormal, size < U(0x0400u));
    let wide = select((size << U(13u)) | U(INF_BITS), finite, size < U(0x7c00u));
    return bitcast<F>(wide | ((bits & U(0x8000u)) << U(16u)));
}

// The bits of the nearest halves, ties to even; a NaN of any kind is the quiet one. Subnormal floats
// do not come up among results.
fn narrowed(bits: U, dtype: u32) -> U {
    let size = bits & U(ABS_MASK);
    let is_nan = size > U(INF_BITS);
    if (dtype == BF16) {
        let rounded = bits + U(0x7fffu) + ((bits >> U(16u)) & U(1u));
        return select(rounded, U(NAN_BITS), is_nan) >> U(16u);
    }
    let rounded = size + U(0x0fffu) + ((size >> U(13u)) & U(1u));
    // In [0.5, 1) an f32 has the unit of f16's subnormals, so the sum rounds to it.
    let subnormal = bitcast<U>(seal(bitcast<F>(size) + F(0.5))) - U(HALF_BITS);
    let normal = (rounded >> U(13u)) - U(F16_BIAS << 10u);
    let finite = select(normal, subnormal, size < U(F16_NORMAL_BITS));
    let sign = (bits >> U(16u)) & U(0x8000u);
    let half = select(U(0x7c00u), finite, rounded < U(F16_OVERFLOW_BITS)) | sign;
    return select(half, U(0x7e00u), is_nan);
}
