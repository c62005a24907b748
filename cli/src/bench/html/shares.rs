//! The section with the share of the copy's bandwidth by shape.

use super::heat::heat_map;
use super::paint::HEAT;
use super::{Plot, Size, figure, groups};
use crate::bench::report::{COPY, Report};

/// A heat map for each device, operation and precision; nothing where no copy was measured.
pub fn section(report: &Report) -> Plot {
    let cells = report.cells.iter().filter(|cell| cell.op != COPY && cell.planned);
    let mut figures = String::new();
    for ((device, op, precision), cells) in groups(cells, |cell| (cell.device, cell.op, cell.precision())) {
        if cells.iter().all(|cell| cell.share_of_copy.is_none()) {
            continue;
        }
        let (svg, width) = heat_map(&cells, Size::for_cells(&cells))?;
        let title = format!("{}: {op}, {precision}", report.devices[device].name);
        figures += &figure(&title, &svg, "").replacen("<figure>", &place(width), 1);
    }
    if figures.is_empty() {
        return Ok(figures);
    }
    let scale: String =
        (0..HEAT).map(|step| format!("<span style=\"background: var(--heat-{step})\"></span>")).collect();
    Ok(format!(
        "<h2>Share of the copy's bandwidth</h2>\n<p>Bytes read and written in a second, over those of a copy of the \
         same batch on the same device in this run; by the planner's kernel. 100% is as fast as the memory lets \
         anything be. A small batch takes most of its time to start; its times are in the table.</p>\n\
         <p class=\"scale\">0% {scale} 90% and more</p>\n<div class=\"figures\">\n{figures}</div>\n"
    ))
}

/// Where a drawing of this width stands: one that is wide has the page's width to itself.
fn place(width: u32) -> String {
    if width <= super::chart::WIDTH {
        return "<figure>".to_owned();
    }
    format!("<figure class=\"wide\" style=\"--width: {width}px\">")
}
