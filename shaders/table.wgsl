// How a tensor lies in memory: of each level of the walk its size and, for each operand, the elements
// from one index to the next; the innermost level first. What seals are made of stands in front.

struct Level {
    size: u32,
    // Input, mask, bias, and the query's position.
    wide: vec4<u32>,
    // Lengths, sinks, scales, slopes: one element per row.
    narrow: vec4<u32>,
}

struct Table {
    zero: u32,
    // Columns of this window, and of the row before it.
    cols: u32,
    first_col: u32,
    // Of the window of a query at 0: its first column, the one behind it; the query's own position.
    window_first: i32,
    window_end: i32,
    own: i32,
    // Columns of the whole row.
    row_cols: i32,
    // Elements of an input of ragged rows.
    total: u32,
    wide: vec4<u32>,
    narrow: vec4<u32>,
    rows: array<Level, 8>,
    columns: array<Level, 8>,
}

@group(0) @binding(3) var<storage, read> table: Table;

// Levels of the rows, and of a row's columns. Neither is gone through by a loop: llvmpipe counts the trips
// of all, and compiles three times as long.
override ROW_LEVELS: u32 = 1u;
override COL_LEVELS: u32 = 1u;

// Elements from a column to the next one of the outermost level, which is the only one of most shapes:
// read once, since a program on the CPU reads what lies in a buffer for each lane by itself.
var<private> column_step: vec4<u32>;

// Reads the seal once, and the step; every entry point begins with it.
fn open_seal() {
    zero = table.zero;
    column_step = table.columns[COL_LEVELS - 1u].wide;
}

struct Row {
    rest: u32,
    wide: vec4<u32>,
    narrow: vec4<u32>,
}

// Takes the innermost level that is left off a row's number.
fn peel_row(r: Row, i: u32) -> Row {
    let level = table.rows[i];
    let index = r.rest % level.size;
    return Row(r.rest / level.size, r.wide + index * level.wide, r.narrow + index * level.narrow);
}

// Where a row begins, of each operand.
fn row_places(row: u32) -> Row {
    var r = Row(row, table.wide, table.narrow);
    if (ROW_LEVELS > 1u) { r = peel_row(r, 0u); }
    if (ROW_LEVELS > 2u) { r = peel_row(r, 1u); }
    if (ROW_LEVELS > 3u) { r = peel_row(r, 2u); }
    if (ROW_LEVELS > 4u) { r = peel_row(r, 3u); }
    if (ROW_LEVELS > 5u) { r = peel_row(r, 4u); }
    if (ROW_LEVELS > 6u) { r = peel_row(r, 5u); }
    if (ROW_LEVELS > 7u) { r = peel_row(r, 6u); }
    let last = table.rows[ROW_LEVELS - 1u];
    return Row(0u, r.wide + r.rest * last.wide, r.narrow + r.rest * last.narrow);
}

struct Column {
    rest: u32,
    place: vec4<u32>,
}

// Takes the innermost level that is left off a column's number.
fn peel(c: Column, i: u32) -> Column {
    let level = table.columns[i];
    return Column(c.rest / level.size, c.place + (c.rest % level.size) * level.wide);
}

// Elements from a row's first column to another one, of each operand.
fn column(col: u32) -> vec4<u32> {
    var c = Column(col, vec4<u32>(0u));
    if (COL_LEVELS > 1u) { c = peel(c, 0u); }
    if (COL_LEVELS > 2u) { c = peel(c, 1u); }
    if (COL_LEVELS > 3u) { c = peel(c, 2u); }
    if (COL_LEVELS > 4u) { c = peel(c, 3u); }
    if (COL_LEVELS > 5u) { c = peel(c, 4u); }
    if (COL_LEVELS > 6u) { c = peel(c, 5u); }
    if (COL_LEVELS > 7u) { c = peel(c, 6u); }
    return c.place + c.rest * column_step;
}
