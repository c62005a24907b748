// Access to f32 rows that lie one after the other, in whole units.

alias Cell = F;

// The units before a row.
alias RowIn = u32;
alias RowOut = u32;
const SINK: bool = false;

fn row_in(row: u32) -> RowIn { return params.in_base + row * params.units; }

fn row_out(row: u32, x: RowIn) -> RowOut { return params.out_base + row * params.units; }

// A unit of a row, scaled.
fn load(x: RowIn, at: u32) -> F { return scaled(input_cell(x + at)); }

// Units of the row, and the part of a range that takes part in it: all.
fn row_units(x: RowIn) -> u32 { return params.units; }

fn visible_from(x: RowIn, start: u32) -> u32 { return start; }

fn visible_to(x: RowIn, end: u32) -> u32 { return end; }

// Never called: there is no sink.
fn sink(x: RowIn, rank: u32) -> F { return F(0.0); }
