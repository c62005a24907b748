// One element at a time: rows whose length or offset is not a multiple of 4.
alias F = f32;
alias U = u32;
alias I = i32;
const WIDTH: u32 = 1u;

// The first of the elements.
fn first_f(v: F) -> f32 { return v; }
fn first_u(v: U) -> u32 { return v; }

// The extremes of the elements' integers, and the sums of their integers and floats.
fn fold_max(v: I) -> i32 { return v; }
fn fold_max_u(v: U) -> u32 { return v; }
fn fold_min_u(v: U) -> u32 { return v; }
fn fold_add(v: U) -> u32 { return v; }
fn fold_add_f(v: F) -> f32 { return v; }
