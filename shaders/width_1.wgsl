// One element at a time: rows that are no whole units of four, where they are too short to be taken in fours.
alias F = f32;
alias U = u32;
alias I = i32;
const WIDTH: u32 = 1u;
