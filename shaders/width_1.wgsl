// One element at a time: rows whose length or offset is not a multiple of 4.
alias F = f32;
alias U = u32;
alias I = i32;
const WIDTH: u32 = 1u;
