// Integers of 128 bits in four limbs, the lowest first; all arithmetic wraps.

fn wide_add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let x = a.x + b.x;
    let c0 = u32(x < a.x);
    let y = a.y + b.y;
    let y1 = y + c0;
    let c1 = u32(y < a.y) + u32(y1 < y);
    let z = a.z + b.z;
    let z1 = z + c1;
    let c2 = u32(z < a.z) + u32(z1 < z);
    return vec4<u32>(x, y1, z1, a.w + b.w + c2);
}

fn wide_negate(a: vec4<u32>) -> vec4<u32> {
    return wide_add(~a, vec4<u32>(1u, 0u, 0u, 0u));
}

// Shifts to the left by less than 128 bits.
fn wide_shift_left(a: vec4<u32>, by: u32) -> vec4<u32> {
    var v = a;
    if ((by & 64u) != 0u) { v = vec4<u32>(0u, 0u, v.xy); }
    if ((by & 32u) != 0u) { v = vec4<u32>(0u, v.xyz); }
    let bits = by & 31u;
    // Two steps, since a shift by 32 is not a shift.
    let carried = (vec4<u32>(0u, v.xyz) >> vec4<u32>(1u)) >> vec4<u32>(31u - bits);
    return (v << vec4<u32>(bits)) | carried;
}

// The power of two of the leading bit, and the leading 30 bits (truncated), of a number above 0.
struct Leading {
    top: i32,
    lead: u32,
}

fn leading_bits(a: vec4<u32>) -> Leading {
    // The two highest limbs in use, found without branches.
    let three = a.w != 0u;
    let two = a.z != 0u;
    let one = a.y != 0u;
    let high = select(select(select(a.x, a.y, one), a.z, two), a.w, three);
    let next = select(select(select(0u, a.x, one), a.y, two), a.z, three);
    let top = select(select(select(31, 63, one), 95, two), 127, three);
    let zeros = countLeadingZeros(high);
    let lead = (high << zeros) | ((next >> 1u) >> (31u - zeros));
    return Leading(top - i32(zeros), lead >> 2u);
}
