//! The heat map of shares: columns across, sizes of batches or numbers of rows up.

use std::collections::BTreeSet;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::{TEXT, WIDTH};
use super::paint::{HEAT, INK, NONE, ON_HIGH, ON_LOW, heat};
use super::{Plot, Size};
use crate::bench::report::Cell;

/// Room for the names of rows, and for the numbers and the name below.
const LEFT: u32 = 96;
const BELOW: u32 = 44;
/// A field's height, and the least width that has room for its number.
const TALL: u32 = 34;
const LEAST: u32 = 46;

/// Draws the shares of cells that differ in shape only, and says how wide the drawing is.
pub fn heat_map(cells: &[&Cell], size: Size) -> Result<(String, u32), Box<dyn std::error::Error>> {
    let columns: Vec<u64> = cells.iter().map(|cell| cell.cols).collect::<BTreeSet<_>>().into_iter().collect();
    let sizes: Vec<u64> =
        cells.iter().map(|cell| size.of(cell)).collect::<BTreeSet<_>>().into_iter().rev().collect();
    let wide = ((WIDTH - LEFT - 8) / columns.len().max(1) as u32).clamp(LEAST, 90);
    let width = (LEFT + 8 + wide * columns.len() as u32).max(WIDTH);
    let height = BELOW + 8 + TALL * sizes.len() as u32;
    let svg = draw(cells, size, (&columns, &sizes), wide, (width, height))?;
    Ok((svg, width))
}

fn draw(cells: &[&Cell], size: Size, axes: (&[u64], &[u64]), wide: u32, whole: (u32, u32)) -> Plot {
    let (columns, sizes) = axes;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, whole).into_drawing_area();
        let corner = |x: usize, y: usize| ((LEFT + wide * x as u32) as i32, (4 + TALL * y as u32) as i32);
        for (y, &of_size) in sizes.iter().enumerate() {
            let (left, top) = corner(0, y);
            write(&area, size.text(of_size, cells), (left - 8, top + TALL as i32 / 2), HPos::Right, INK)?;
            for (x, &cols) in columns.iter().enumerate() {
                let cell = cells.iter().find(|cell| cell.cols == cols && size.of(cell) == of_size);
                field(&area, cell.copied(), corner(x, y), corner(x + 1, y + 1))?;
            }
        }
        let bottom = corner(0, sizes.len()).1;
        for (x, cols) in columns.iter().enumerate() {
            write(
                &area,
                cols.to_string(),
                (corner(x, 0).0 + wide as i32 / 2, bottom + 12),
                HPos::Center,
                INK,
            )?;
        }
        write(&area, "columns".to_owned(), (whole.0 as i32 / 2, bottom + 32), HPos::Center, INK)?;
        area.present()?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// One shape: a field of its colour with the share in percent.
fn field(
    area: &Area,
    cell: Option<&Cell>,
    from: (i32, i32),
    to: (i32, i32),
) -> Result<(), Box<dyn std::error::Error>> {
    let Some(cell) = cell else { return Ok(()) };
    let inner = [(from.0 + 1, from.1 + 1), (to.0 - 1, to.1 - 1)];
    let middle = ((from.0 + to.0) / 2, (from.1 + to.1) / 2);
    let Some(share) = cell.share_of_copy else {
        area.draw(&Rectangle::new(inner, NONE.filled()))?;
        return write(area, "none".to_owned(), middle, HPos::Center, INK);
    };
    let step = (share * f64::from(HEAT)).clamp(0.0, f64::from(HEAT - 1)) as u8;
    area.draw(&Rectangle::new(inner, heat(step).filled()))?;
    let on = if step < HEAT / 2 { ON_LOW } else { ON_HIGH };
    write(area, format!("{:.0}%", share * 100.0), middle, HPos::Center, on)
}

fn write(
    area: &Area,
    text: String,
    at: (i32, i32),
    side: HPos,
    color: RGBColor,
) -> Result<(), Box<dyn std::error::Error>> {
    let style =
        TextStyle::from(("sans-serif", TEXT).into_font()).color(&color).pos(Pos::new(side, VPos::Center));
    Ok(area.draw(&Text::new(text, at, style))?)
}
