//! Lines over a logarithmic axis.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::Color;

use super::Plot;
use super::paint::{COPY, GRID, INK};

/// Width of a chart in the page's pixels, so that a phone shows it nearly unscaled.
pub const WIDTH: u32 = 420;
/// Its height.
const HEIGHT: u32 = 280;
/// Room for the numbers at the left and below.
const LEFT: u32 = 52;
const BELOW: u32 = 42;
/// What a number below needs.
const LABEL: f64 = 50.0;
/// Of all text, as plotters counts: a quarter more than in the page.
pub const TEXT: u32 = 15;

/// A line with its points.
pub struct Line {
    /// Its colour.
    pub color: RGBColor,
    /// Places, from left to right.
    pub points: Vec<(f64, f64)>,
    /// Those of them that stand out.
    pub marked: Vec<(f64, f64)>,
    /// Whether it is something to compare with.
    pub dashed: bool,
}

/// An axis: what it is called, the places that have numbers, and how those read.
pub struct Axis<'a> {
    /// Under or beside it.
    pub name: &'a str,
    /// From the first to the last.
    pub range: (f64, f64),
    /// Where numbers stand.
    pub ticks: Vec<f64>,
    /// A number's text.
    pub text: &'a dyn Fn(&f64) -> String,
}

/// A linear axis whose numbers stand where they are wanted.
struct Scale {
    range: (f64, f64),
    ticks: Vec<f64>,
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let part = (value - self.range.0) / (self.range.1 - self.range.0);
        from + (part * f64::from(to - from)).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, _: H) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.0..self.range.1
    }
}

/// Draws lines; `level` is a place on the upright axis that has a line of its own.
pub fn chart(lines: &[Line], x: &Axis, y: &Axis, level: Option<f64>) -> Plot {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let across = Scale { range: x.range, ticks: sparse(x) };
        let upright = Scale { range: y.range, ticks: y.ticks.clone() };
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(26)
            .x_label_area_size(BELOW)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(across, upright)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .label_style(("sans-serif", TEXT, &INK))
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(GRID.mix(0.0))
            .x_labels(x.ticks.len())
            .y_labels(y.ticks.len())
            .x_label_formatter(x.text)
            .y_label_formatter(y.text)
            .x_desc(x.name)
            .y_desc(y.name)
            .draw()?;
        if let Some(level) = level {
            let ends = [(x.range.0, level), (x.range.1, level)];
            chart.draw_series(LineSeries::new(ends, COPY.stroke_width(2)))?;
        }
        for line in lines {
            let (points, color) = (line.points.iter().copied(), line.color);
            if line.dashed {
                chart.draw_series(DashedLineSeries::new(points, 6, 4, color.stroke_width(2)))?;
                continue;
            }
            chart.draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?;
            chart.draw_series(points.map(|at| Circle::new(at, 2, color.filled())))?;
            chart.draw_series(line.marked.iter().map(|at| Circle::new(*at, 4, color.filled())))?;
        }
        area.present()?;
    }
    Ok(svg)
}

/// As many of an axis's numbers as there is room for.
fn sparse(axis: &Axis) -> Vec<f64> {
    let pixels = f64::from(WIDTH - LEFT) / (axis.range.1 - axis.range.0);
    let mut kept: Vec<f64> = Vec::new();
    for &tick in &axis.ticks {
        if kept.last().is_none_or(|last| (tick - last) * pixels >= LABEL) {
            kept.push(tick);
        }
    }
    kept
}

/// Numbers from 0 to somewhat more than `most`, a few and round.
pub fn round_ticks(most: f64) -> Vec<f64> {
    let rough = most.max(f64::MIN_POSITIVE) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    (0..=(most / step).ceil() as usize).map(|n| n as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_beyond() {
        assert_eq!(round_ticks(21.0), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]);
        assert!(round_ticks(0.7).last().unwrap() >= &0.7);
        assert!(round_ticks(3000.0).len() < 8);
    }

    #[test]
    fn a_chart_shows_its_points_and_only_stand_in_colours() {
        let line = Line {
            color: super::super::paint::series(0),
            points: vec![(0.0, 1.0), (1.0, 3.0)],
            marked: vec![(1.0, 3.0)],
            dashed: false,
        };
        let text = |x: &f64| format!("<{x}>");
        let axis = |name| Axis { name, range: (0.0, 4.0), ticks: vec![0.0, 2.0, 4.0], text: &text };
        let svg = chart(&[line], &axis("across"), &axis("up"), Some(2.0)).unwrap();
        assert!(svg.contains("<polyline") && svg.matches("<circle").count() == 3, "{svg}");
        assert!(svg.contains("across") && svg.contains("&lt;2&gt;"), "{svg}");
        for color in svg.split("=\"#").skip(1) {
            assert!(super::super::paint::rules().contains(&color[..6]), "{}", &color[..6]);
        }
    }
}
