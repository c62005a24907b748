// The elements of a unit are of one row, so what a row shares is one number.
alias RF = f32;
alias RU = u32;
alias RI = i32;
alias RB = bool;
const ROWS: u32 = 1u;

// Integers of 128 bits, or four others, in limbs; see `wide.wgsl`.
alias Wide = vec4<u32>;

// Limbs added one by one, without carries.
fn limbs_add(a: Wide, b: Wide) -> Wide { return a + b; }

// The rows of a unit, by the number of the unit's rows.
fn rows_at(row: u32) -> RU { return row; }

// The least and the greatest of the rows' numbers.
fn least_of(v: RU) -> u32 { return v; }
fn greatest_of(v: RU) -> u32 { return v; }

// The number of one of the rows, and numbers of which one is another.
fn of_row(v: RU, i: u32) -> u32 { return v; }
fn with_row(v: RU, i: u32, own: u32) -> RU { return own; }
