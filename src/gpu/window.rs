//! Windows: a batch cut into pieces that fit a binding and a grid. Where even one row does not fit,
//! a window is a part of a row, which only split rows allow.

use bytemuck::{Pod, Zeroable};

use super::planner::{Capabilities, Choice, Kernel, MAX_PARTS, Places, QUARTERED_COLS};
use crate::{Error, Shape};

/// Bytes of a split row's scratch: a key and eight digits.
pub(super) const SCRATCH_BYTES: u64 = 36;

/// Columns of the shortest part of a row, and what all but the last are multiples of.
const PART_COLS: u64 = 64;
// A kernel for rows in quarters takes them.
const _: () = assert!(PART_COLS >= QUARTERED_COLS);

/// What a dispatch is told: the same fields as in `shaders/params.wgsl`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Params {
    pub rows: u32,
    pub units: u32,
    pub in_base: u32,
    pub out_base: u32,
    pub grid_x: u32,
    pub scale: f32,
    pub empty_fill: u32,
    pub parts: u32,
    pub part_units: u32,
    pub scratch_base: u32,
    pub starts_row: u32,
    pub cols: u32,
}

/// Workgroups of a stage for so many rows of so many parts each, along both dimensions.
pub(super) fn grid(
    stage: usize,
    choice: &Choice,
    caps: &Capabilities,
    (rows, parts): (u64, u64),
    most_x: u32,
) -> (u32, u32) {
    let groups = match choice.kernel.is_split() {
        true if stage == 0 => rows.div_ceil(u64::from(choice.workgroup)),
        true => rows.div_ceil(choice.rows_per_group(caps)) * parts,
        false => rows.div_ceil(choice.rows_per_group(caps)),
    };
    let x = groups.min(u64::from(most_x));
    (x as u32, groups.div_ceil(x) as u32)
}

/// A range of a buffer that starts where the device allows, and the elements before the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub offset: u64,
    pub size: u64,
    base: u64,
}

impl Span {
    /// `bytes` bytes from `start`, with the start moved down to the device's alignment.
    fn new(start: u64, bytes: u64, alignment: u64) -> Self {
        let offset = start / alignment * alignment;
        Self { offset, size: start - offset + bytes, base: (start - offset) / 4 }
    }
}

/// A piece of the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub input: Span,
    pub output: Span,
    rows: u64,
    cols: u64,
    first_row: u64,
    first_col: u64,
    units: u64,
    /// Elements of what is bound: of a whole unit, or one.
    in_cell: u64,
    out_cell: u64,
    part_units: u64,
    grid_x: u32,
}

impl Window {
    /// Whether it holds the start of its rows.
    pub fn starts_row(&self) -> bool {
        self.first_col == 0
    }

    fn parts(&self) -> u64 {
        self.units.div_ceil(self.part_units)
    }

    /// Workgroups of a stage; see [`Window::params`] for how they find their rows.
    pub fn grid(&self, stage: usize, choice: &Choice, caps: &Capabilities) -> (u32, u32) {
        grid(stage, choice, caps, (self.rows, self.parts()), self.grid_x)
    }

    /// What the shader is told.
    pub fn params(&self, scale: f32, empty_fill: u32) -> Params {
        Params {
            rows: self.rows as u32,
            units: self.units as u32,
            in_base: (self.input.base / self.in_cell) as u32,
            out_base: (self.output.base / self.out_cell) as u32,
            grid_x: self.grid_x,
            scale,
            empty_fill,
            parts: self.parts() as u32,
            part_units: self.part_units as u32,
            scratch_base: self.first_row as u32,
            starts_row: u32::from(self.starts_row()),
            cols: self.cols as u32,
        }
    }
}

/// Elements that a binding holds, less those that alignment may put before the first; indices are u32.
pub(super) fn room(limits: &wgpu::Limits) -> u64 {
    let alignment = u64::from(limits.min_storage_buffer_offset_alignment);
    limits.max_storage_buffer_binding_size.min(1 << 33).saturating_sub(alignment) / 4
}

/// Whether the digits of a row's sum take so many parts.
///
/// # Errors
/// [`Error::Limit`] where they do not.
pub(super) fn check_parts(needed: u64) -> Result<(), Error> {
    if needed <= MAX_PARTS {
        return Ok(());
    }
    let hint = "request a larger max_storage_buffer_binding_size, or use the CPU";
    Err(Error::Limit { what: "parts of one row", needed, limit: MAX_PARTS, hint })
}

/// Where parts of a row begin, and their columns: none has fewer than [`PART_COLS`] where there are several, so
/// that the kernel for the row takes them all.
fn parts(cols: u64, most: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let left = cols - start;
        let cut = if (1..PART_COLS).contains(&left.saturating_sub(most)) { most - PART_COLS } else { most };
        let part = (start, cut.min(left));
        start += part.1;
        (part.1 > 0).then_some(part)
    })
}

/// Cuts a batch. `words_per_row` is `None` for one result per element; `offsets` are those of input
/// and output, in bytes.
///
/// # Errors
/// [`Error::Limit`] where a row fits no binding and the kernel cannot split it.
pub(super) fn windows(
    shape: Shape,
    words_per_row: Option<u64>,
    offsets: (u64, u64),
    choice: &Choice,
    caps: &Capabilities,
    limits: &wgpu::Limits,
) -> Result<Vec<Window>, Error> {
    let alignment = u64::from(limits.min_storage_buffer_offset_alignment);
    let room = room(limits);
    let (rows, cols) = (shape.row_count(), shape.cols());
    let cell = if choice.places == Places::Quarters { 1 } else { u64::from(choice.width) };
    let per_dimension = limits.max_compute_workgroups_per_dimension;
    let part_units = choice.part_units(choice.units(cols));
    let (window_rows, window_cols) = if cols <= room {
        let parts = if choice.kernel == Kernel::Split { choice.units(cols).div_ceil(part_units) } else { 1 };
        let groups = u64::from(per_dimension).pow(2).min(1 << 31);
        let by_grid = groups / parts * choice.rows_per_group(caps);
        // A team's row index must not pass 2^32 even where its row does not exist.
        ((room / cols.max(words_per_row.unwrap_or(1))).min(by_grid).clamp(1, 1 << 31), cols)
    } else if choice.kernel == Kernel::Split {
        (1, room / PART_COLS * PART_COLS)
    } else {
        let hint = "leave the kernel to the planner, which splits such rows";
        return Err(Error::Limit {
            what: "elements of a row in one binding",
            needed: cols,
            limit: room,
            hint,
        });
    };
    if window_cols < cols && room < 2 * PART_COLS {
        let hint = "request a larger max_storage_buffer_binding_size";
        return Err(Error::Limit { what: "elements of a binding", needed: 2 * PART_COLS, limit: room, hint });
    }
    if choice.kernel == Kernel::Split {
        check_parts(parts(cols, window_cols).map(|(_, part)| choice.units(part).div_ceil(part_units)).sum())?;
    }
    let mut found = Vec::new();
    for first_row in (0..rows).step_by(window_rows as usize) {
        let rows = window_rows.min(rows - first_row);
        for (first_col, part) in parts(cols, window_cols) {
            let start = first_row * cols + first_col;
            let (out_start, out_words) = match words_per_row {
                None => (start, rows * part),
                Some(words) => (first_row * words, rows * words),
            };
            found.push(Window {
                input: Span::new(offsets.0 + start * 4, rows * part * 4, alignment),
                output: Span::new(offsets.1 + out_start * 4, out_words * 4, alignment),
                rows,
                cols: part,
                first_row,
                first_col,
                units: choice.units(part),
                in_cell: cell,
                out_cell: if words_per_row.is_none() { cell } else { 1 },
                part_units,
                grid_x: per_dimension,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_row_are_all_of_it_and_none_is_short() {
        for most in [128, 192, 16_320] {
            for cols in (1..=most + 70).chain(2 * most..2 * most + 70).chain([7 * most + 1]) {
                let found: Vec<_> = parts(cols, most).collect();
                let mut next = 0;
                for (start, part) in &found {
                    assert_eq!(*start, next, "{cols} by {most}");
                    assert!(*part <= most && (found.len() == 1 || *part >= PART_COLS), "{cols} by {most}");
                    assert!(start.is_multiple_of(PART_COLS), "{cols} by {most}");
                    next += part;
                }
                assert_eq!(next, cols);
            }
        }
    }
}
