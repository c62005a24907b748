// What f32 rows that lie one after the other have in common, whatever their units are: nothing stands beside
// them, and all of a row takes part in it.

// The elements before a row, or the units where these lie together.
alias RowIn = u32;
alias RowOut = u32;
const SINK: bool = false;

fn row_units(x: RowIn) -> u32 { return params.units; }

// The part of a range of units that takes part.
fn visible_from(x: RowIn, start: u32) -> u32 { return start; }

fn visible_to(x: RowIn, end: u32) -> u32 { return end; }

// Never called: there is no sink.
fn sink(x: RowIn, rank: u32) -> F { return F(0.0); }
