//! Comparison of a result with the CPU's, bit by bit.

use std::fs::File;

use serde::Serialize;
use wgpu_softmax::stream::{Each, ReadAt, Stream};
use wgpu_softmax::{Context, Op, Precision, Shape};

use crate::failure::Failure;
use crate::npy::Elements;
use crate::progress::Progress;

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Check {
    /// Whether the result may be kept: equal bits, or for `fast` equal special values.
    pub passed: bool,
    /// How many results were compared.
    pub compared: u64,
    /// How many differ in a bit.
    pub differing: u64,
    /// How many of those are NaN or infinite on one side only, or infinities of unlike signs.
    pub differing_in_kind: u64,
    /// The largest distance of two numbers, in steps of f32; everything subnormal counts as 0.
    pub max_ulp: u32,
    /// The largest difference of two numbers.
    pub max_difference: f64,
    /// The first difference there is.
    pub first: Option<Difference>,
    #[serde(skip)]
    words_per_row: u64,
}

/// Two results that differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Its row.
    pub row: u64,
    /// Its column; 0 where a row has one result.
    pub column: u64,
    /// What the device gave.
    pub found: Value,
    /// What the CPU gives.
    pub expected: Value,
}

/// A number as text, since JSON has no NaN, and its bits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// Enough digits to tell it from every other f32.
    pub value: String,
    /// Its bits in hexadecimal.
    pub bits: String,
}

impl From<f32> for Value {
    fn from(x: f32) -> Self {
        Self { value: format!("{x:e}"), bits: format!("0x{:08x}", x.to_bits()) }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.value, self.bits)
    }
}

/// Compares results in a file, from byte `offset` on, with what the CPU gives reproducibly for the same
/// rows. `memory` is what it may use.
pub fn check(
    op: Op,
    elements: &mut Elements,
    shape: Shape,
    found: (&File, u64),
    memory: Option<u64>,
    progress: Progress,
) -> Result<Check, Failure> {
    let (file, offset) = found;
    let mut exact = op;
    exact.precision = Precision::Reproducible;
    let words = op.kind.output_words(Shape::rows(1, shape.cols() as usize))?;
    let (mut check, mut found) = (Check::new(words), Vec::new());
    let cpu = Context::cpu("a comparison");
    let mut stream =
        Stream::new(&cpu, exact, shape).progress(move |at| progress.of(at.bytes, at.bytes_in_all));
    if let Some(memory) = memory {
        stream = stream.memory(memory);
    }
    let compared = stream.run_blocking(
        elements.rows_from(0),
        Each(|expected: &[f32]| {
            found.resize(expected.len(), 0.0);
            file.read_exact_at(offset + 4 * check.compared, bytemuck::cast_slice_mut(&mut found))?;
            check.compare(&found, expected);
            Ok(())
        }),
    );
    compared.map_err(|error| elements.failure().unwrap_or_else(|| error.into()))?;
    check.passed = check.differing == 0 || op.precision == Precision::Fast && check.differing_in_kind == 0;
    Ok(check)
}

impl Check {
    /// Of nothing yet; a row has so many results.
    fn new(words_per_row: u64) -> Self {
        Self { words_per_row: words_per_row.max(1), ..Self::default() }
    }

    fn compare(&mut self, found: &[f32], expected: &[f32]) {
        for (i, (&found, &expected)) in (self.compared..).zip(found.iter().zip(expected)) {
            if found.to_bits() != expected.to_bits() {
                self.note((i / self.words_per_row, i % self.words_per_row), found, expected);
            }
        }
        self.compared += expected.len() as u64;
    }

    fn note(&mut self, (row, column): (u64, u64), found: f32, expected: f32) {
        self.differing += 1;
        let difference = || Difference { row, column, found: found.into(), expected: expected.into() };
        self.first.get_or_insert_with(difference);
        if found.is_finite() && expected.is_finite() {
            self.max_ulp = self.max_ulp.max(steps_between(found, expected));
            self.max_difference = self.max_difference.max((f64::from(found) - f64::from(expected)).abs());
        } else if !(found.is_nan() && expected.is_nan()) {
            self.differing_in_kind += 1;
        }
    }
}

/// How many normal numbers lie between two, counting one of them.
fn steps_between(a: f32, b: f32) -> u32 {
    let place = |x: f32| {
        let magnitude = i64::from((x.to_bits() & 0x7fff_ffff).saturating_sub(0x007f_ffff));
        if x.is_sign_negative() { -magnitude } else { magnitude }
    };
    u32::try_from(place(a).abs_diff(place(b))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use wgpu_softmax::{Softmax, cpu};

    fn checked(precision: Precision, change: impl Fn(&mut [f32])) -> Check {
        let x = [4.8, 1.21, 2.385, f32::NAN, 0.0, 0.0];
        let (op, shape) = (Op::from(Softmax::new().precision(precision)), Shape::rows(2, 3));
        let mut y = [0.0; 6];
        let mut exact = op;
        exact.precision = Precision::Reproducible;
        cpu::run(exact, &x, shape, &mut y).unwrap();
        change(&mut y);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"12345678").unwrap();
        file.write_all(bytemuck::cast_slice(&y)).unwrap();
        let mut elements = Elements::in_memory("x.npy".into(), x.to_vec());
        let progress = Progress::new("test", 0, std::time::Instant::now());
        check(op, &mut elements, shape, (&file, 8), None, progress).unwrap()
    }

    #[test]
    fn equal_bits_pass() {
        assert!(checked(Precision::Reproducible, |_| ()).passed);
    }

    #[test]
    fn one_bit_is_found_and_placed() {
        let result = checked(Precision::Reproducible, |y| y[1] = f32::from_bits(y[1].to_bits() + 1));
        assert!(!result.passed && result.differing == 1 && result.max_ulp == 1);
        let first = result.first.unwrap();
        assert_eq!((first.row, first.column), (0, 1));
        assert_ne!(first.found.bits, first.expected.bits);
    }

    #[test]
    fn fast_may_differ_in_bits_and_not_in_kind() {
        assert!(checked(Precision::Fast, |y| y[0] *= 1.001).passed);
        assert!(checked(Precision::Fast, |y| y[3] = -f32::NAN).passed);
        assert!(!checked(Precision::Fast, |y| y[3] = 0.5).passed);
        assert!(!checked(Precision::Fast, |y| y[0] = f32::NAN).passed);
    }

    #[test]
    fn subnormals_count_as_zero() {
        assert_eq!(steps_between(0.0, f32::MIN_POSITIVE), 1);
        assert_eq!(steps_between(f32::from_bits(5), 0.0), 0);
        assert_eq!(steps_between(1.0, 1.0 + f32::EPSILON), 1);
        assert_eq!(steps_between(-f32::MIN_POSITIVE, f32::MIN_POSITIVE), 2);
    }
}
