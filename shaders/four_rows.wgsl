// An element of each of four rows that lie side by side: one access of 16 bytes where rows lie along an
// axis that is not the last one. What a row shares is a number for each of the four.
alias F = vec4<f32>;
alias U = vec4<u32>;
alias I = vec4<i32>;
// Columns of a unit.
const WIDTH: u32 = 1u;

alias RF = F;
alias RU = U;
alias RI = I;
alias RB = vec4<bool>;
const ROWS: u32 = 4u;

// Integers of 128 bits, or four others, in limbs; see `wide.wgsl`.
struct Wide {
    x: RU,
    y: RU,
    z: RU,
    w: RU,
}

// Limbs added one by one, without carries.
fn limbs_add(a: Wide, b: Wide) -> Wide { return Wide(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }

// The rows of a unit, by the number of the unit's rows.
fn rows_at(row: u32) -> RU { return RU(4u * row) + RU(0u, 1u, 2u, 3u); }

// The least and the greatest of the rows' numbers.
fn least_of(v: RU) -> u32 { return min(min(v.x, v.y), min(v.z, v.w)); }
fn greatest_of(v: RU) -> u32 { return max(max(v.x, v.y), max(v.z, v.w)); }

// The number of one of the rows, and numbers of which one is another.
fn of_row(v: RU, i: u32) -> u32 { return v[i]; }

fn with_row(v: RU, i: u32, own: u32) -> RU {
    var all = v;
    all[i] = own;
    return all;
}
