//! Colours. The plots are drawn in stand-ins, which the page's style sheet replaces by variables: so
//! one drawing reads well in light and dark.

use std::fmt::Write;

use plotters::style::RGBColor;

/// Text and axes.
pub const INK: RGBColor = RGBColor(0, 0, 1);
/// Lines of a grid.
pub const GRID: RGBColor = RGBColor(0, 0, 2);
/// The copy, and other lines to compare with.
pub const COPY: RGBColor = RGBColor(0, 0, 3);
/// Where there is no measurement.
pub const NONE: RGBColor = RGBColor(0, 0, 4);
/// Text on the lower half of the heat scale.
pub const ON_LOW: RGBColor = RGBColor(0, 0, 5);
/// Text on the upper half.
pub const ON_HIGH: RGBColor = RGBColor(0, 0, 6);
/// Steps of the heat scale.
pub const HEAT: u8 = 10;
/// Lines that can be told apart.
pub const SERIES: u8 = 9;

/// A step of the heat scale.
pub fn heat(step: u8) -> RGBColor {
    RGBColor(1, 0, step.min(HEAT - 1))
}

/// The colour of a line; they repeat where there are more.
pub fn series(index: usize) -> RGBColor {
    RGBColor(2, 0, (index % usize::from(SERIES)) as u8)
}

/// The variable behind a line's colour.
pub fn series_variable(index: usize) -> String {
    format!("--series-{}", index % usize::from(SERIES))
}

/// The rules that replace the stand-ins.
pub fn rules() -> String {
    let named = [
        ("ink", INK),
        ("grid", GRID),
        ("copy", COPY),
        ("none", NONE),
        ("on-low", ON_LOW),
        ("on-high", ON_HIGH),
    ];
    let mut css = String::new();
    for (name, color) in named {
        rule(&mut css, &format!("--{name}"), color);
    }
    (0..HEAT).for_each(|step| rule(&mut css, &format!("--heat-{step}"), heat(step)));
    (0..SERIES).for_each(|index| rule(&mut css, &series_variable(index.into()), series(index.into())));
    css
}

fn rule(css: &mut String, variable: &str, RGBColor(r, g, b): RGBColor) {
    for property in ["fill", "stroke"] {
        let color = format!("#{r:02X}{g:02X}{b:02X}");
        let _ = writeln!(css, "svg [{property}=\"{color}\"] {{ {property}: var({variable}) }}");
    }
}
