// Four elements at a time: one access of 16 bytes where they lie together.
alias F = vec4<f32>;
alias U = vec4<u32>;
alias I = vec4<i32>;
const WIDTH: u32 = 4u;

// The first of the elements.
fn first_f(v: F) -> f32 { return v.x; }
fn first_u(v: U) -> u32 { return v.x; }

// The extremes of the elements' integers, and the sums of their integers and floats.
fn fold_max(v: I) -> i32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn fold_max_u(v: U) -> u32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn fold_min_u(v: U) -> u32 { return min(min(v.x, v.y), min(v.z, v.w)); }
fn fold_add(v: U) -> u32 { return (v.x + v.y) + (v.z + v.w); }
fn fold_add_f(v: F) -> f32 { return (v.x + v.y) + (v.z + v.w); }
