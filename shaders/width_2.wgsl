// Two elements at a time: the halves of a word, of rows that may begin and end in the middle of one.
alias F = vec2<f32>;
alias U = vec2<u32>;
alias I = vec2<i32>;
alias B = vec2<bool>;
const WIDTH: u32 = 2u;

// The first of the elements.
fn first_f(v: F) -> f32 { return v.x; }
fn first_u(v: U) -> u32 { return v.x; }

// The extremes of the elements' integers, and the sums of their integers and floats.
fn fold_max(v: I) -> i32 { return max(v.x, v.y); }
fn fold_max_u(v: U) -> u32 { return max(v.x, v.y); }
fn fold_min_u(v: U) -> u32 { return min(v.x, v.y); }
fn fold_add(v: U) -> u32 { return v.x + v.y; }
fn fold_add_f(v: F) -> f32 { return v.x + v.y; }
