// Access to f32 rows that lie one after the other, in whole units.

alias Cell = F;

fn row_in(row: u32) -> RowIn { return params.in_base + row * params.units; }

fn row_out(row: u32, x: RowIn) -> RowOut { return params.out_base + row * params.units; }

// A unit of a row, scaled.
fn load(x: RowIn, at: u32) -> F { return scaled(input_cell(x + at)); }
