// What a dispatch is told. Elements are counted in units of WIDTH of them where nothing else is said.
struct Params {
    // Rows and units per row in this window; as many rows as a unit has elements of count as one.
    rows: u32,
    units: u32,
    // Units before the first row in the bound input and output; elements where units lie in quarters.
    in_base: u32,
    out_base: u32,
    // Workgroups along x; the grid is two-dimensional.
    grid_x: u32,
    // Multiplies each element where SCALED.
    scale: f32,
    // The bits a row of -inf is filled with.
    empty_fill: u32,
    // Split rows: parts per row, units per part, and the window's first row in the scratch.
    parts: u32,
    part_units: u32,
    scratch_base: u32,
    // Whether this window starts its row, and so writes a row's one result.
    starts_row: u32,
    // Elements per row, however units lie.
    cols: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

// Whether a row has at most FLUSH elements, so that the bins of all its lanes add up in one word.
override SHORT_ROW: bool = false;

// What seals are made of: 0, once `open_seal` has read it.
var<private> zero: u32;
