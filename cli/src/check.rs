//! Comparison of a result with the CPU's, bit by bit.

use std::fs::File;

use serde::Serialize;
use wgpu_softmax::stream::{Each, ReadAt, Stream};
use wgpu_softmax::{Context, DType, Op, Precision, bf16, f16};

use crate::failure::Failure;
use crate::files::{Elements, narrow};
use crate::layout::Layout;
use crate::parts::Parts;
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
    /// The largest distance of two numbers, in steps of their type; everything subnormal counts as 0,
    /// but for f16, which has them as results.
    pub max_ulp: u64,
    /// The largest difference of two numbers.
    pub max_difference: f64,
    /// The first difference there is.
    pub first: Option<Difference>,
}

/// Two results that differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Its row, in C order of the axes that are kept.
    pub row: u64,
    /// Its place in the row; 0 where a row has one result.
    pub column: u64,
    /// What the device gave.
    pub found: Value,
    /// What the CPU gives.
    pub expected: Value,
}

/// A number as text, since JSON has no NaN, and its bits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// Enough digits to tell it from every other one of its type.
    pub value: String,
    /// Its bits in hexadecimal.
    pub bits: String,
}

impl Value {
    fn of(dtype: DType, bits: u64) -> Self {
        let value = match dtype {
            DType::F64 => format!("{:e}", f64::from_bits(bits)),
            dtype => format!("{:e}", number(dtype, bits) as f32),
        };
        Self { value, bits: format!("0x{bits:0width$x}", width = 2 * dtype.bytes() as usize) }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.value, self.bits)
    }
}

/// What is compared with what.
pub struct Comparison<'a> {
    /// The operation, as it was computed.
    pub op: Op,
    /// Of which array.
    pub layout: &'a Layout,
    /// The type of the results.
    pub dtype: DType,
    /// The file with the results, and where they begin.
    pub found: (&'a File, u64),
}

impl Comparison<'_> {
    /// Compares results with what the CPU gives reproducibly for the same rows, streamed through
    /// `memory`.
    pub fn stream(
        &self,
        elements: &mut Elements,
        memory: Option<u64>,
        progress: Progress,
    ) -> Result<Check, Failure> {
        let exact = self.op.precision(Precision::Reproducible);
        let (mut check, mut expected) = (Check::default(), Vec::new());
        let cpu = Context::cpu("a comparison");
        let mut stream = Stream::new(&cpu, exact, self.layout.shape.as_rows())
            .progress(move |at| progress.of(at.bytes, at.bytes_in_all));
        if let Some(memory) = memory {
            stream = stream.memory(memory);
        }
        let compared = stream.run_blocking(
            elements.rows_from(0),
            Each(|results: &[f32]| self.compare(&mut check, narrow(self.dtype, results, &mut expected))),
        );
        compared.map_err(|error| elements.failure().unwrap_or_else(|| error.into()))?;
        Ok(self.judged(check))
    }

    /// The same of an array that is computed in parts.
    pub fn parts(
        &self,
        parts: &Parts<'_>,
        elements: &mut Elements,
        progress: &Progress,
    ) -> Result<Check, Failure> {
        let (mut check, cpu) = (Check::default(), Context::cpu("a comparison"));
        let (mut x, mut expected) = parts.rooms()?;
        for (i, range) in parts.ranges(0).enumerate() {
            parts.read(elements, &range, &mut x)?;
            parts.compute(&cpu, parts.exact(), &range, &x, &mut expected)?;
            parts.finish(&mut expected)?;
            let compared = self.compare(&mut check, expected.bytes());
            compared.map_err(|error| Failure::Cannot(format!("reading the results again: {error}")))?;
            progress.of(i as u64 + 1, parts.count() as u64);
        }
        Ok(self.judged(check))
    }

    fn judged(&self, mut check: Check) -> Check {
        let is_fast = self.op.precision == Precision::Fast;
        check.passed = check.differing == 0 || is_fast && check.differing_in_kind == 0;
        check
    }

    /// Compares the results that follow with the bytes they must have.
    fn compare(&self, check: &mut Check, expected: &[u8]) -> std::io::Result<()> {
        let (width, (file, offset)) = (self.dtype.bytes() as usize, self.found);
        let mut found = vec![0; expected.len()];
        file.read_exact_at(offset + width as u64 * check.compared, &mut found)?;
        if found != expected {
            let pairs = found.chunks_exact(width).zip(expected.chunks_exact(width));
            for (i, (found, expected)) in (check.compared..).zip(pairs).filter(|(_, (a, b))| a != b) {
                check.note(self, i, bits(found), bits(expected));
            }
        }
        check.compared += (expected.len() / width) as u64;
        Ok(())
    }
}

impl Check {
    fn note(&mut self, of: &Comparison<'_>, index: u64, found: u64, expected: u64) {
        self.differing += 1;
        let dtype = of.dtype;
        self.first.get_or_insert_with(|| {
            let (row, column) = of.layout.row_and_column(index);
            Difference { row, column, found: Value::of(dtype, found), expected: Value::of(dtype, expected) }
        });
        let (a, b) = (number(dtype, found), number(dtype, expected));
        if a.is_finite() && b.is_finite() {
            self.max_ulp = self.max_ulp.max(steps_between(dtype, found, expected));
            self.max_difference = self.max_difference.max((a - b).abs());
        } else if !(a.is_nan() && b.is_nan()) {
            self.differing_in_kind += 1;
        }
    }
}

/// The bits of a number in a file, which is little-endian.
fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
}

fn number(dtype: DType, bits: u64) -> f64 {
    match dtype {
        DType::F16 => f16::from_bits(bits as u16).to_f64(),
        DType::BF16 => bf16::from_bits(bits as u16).to_f64(),
        DType::F64 => f64::from_bits(bits),
        _ => f64::from(f32::from_bits(bits as u32)),
    }
}

/// How many numbers of a type lie between two, counting one of them.
fn steps_between(dtype: DType, a: u64, b: u64) -> u64 {
    // The largest that counts as 0.
    let zero = match dtype {
        DType::F16 => 0,
        DType::BF16 => 0x7f,
        DType::F64 => (1 << 52) - 1,
        _ => 0x007f_ffff,
    };
    let sign = 1u64 << (8 * dtype.bytes() - 1);
    let place = |bits: u64| {
        let magnitude = i128::from((bits & (sign - 1)).saturating_sub(zero));
        if bits & sign != 0 { -magnitude } else { magnitude }
    };
    u64::try_from(place(a).abs_diff(place(b))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Name, Source, header_bytes};
    use crate::layout::Orders;
    use std::io::Write;
    use wgpu_softmax::{Shape, Softmax, cpu};

    fn checked(precision: Precision, change: impl Fn(&mut [f32])) -> Check {
        let x = [4.8f32, 1.21, 2.385, f32::NAN, 0.0, 0.0];
        let op = Op::from(Softmax::new().precision(precision)).checked().unwrap();
        let mut y = [0.0; 6];
        cpu::run(op.precision(Precision::Reproducible), &x, Shape::rows(2, 3), &mut y).unwrap();
        change(&mut y);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"12345678").unwrap();
        file.write_all(bytemuck::cast_slice(&y)).unwrap();
        let mut input = tempfile::NamedTempFile::new().unwrap();
        input.write_all(&header_bytes(&[2, 3], false, DType::F32).unwrap()).unwrap();
        input.write_all(bytemuck::cast_slice(&x)).unwrap();
        let source = Source::open(&Name::of(input.path())).unwrap();
        let mut elements = source.into_elements().unwrap();
        let progress = Progress::new("test", 0, std::time::Instant::now());
        let orders = Orders { fortran: false, beside: false, may_be_fortran: true };
        let layout = Layout::new(&[2, 3], None, orders, &op).unwrap();
        let comparison = Comparison { op, layout: &layout, dtype: DType::F32, found: (&file, 8) };
        comparison.stream(&mut elements, None, progress).unwrap()
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
        let steps = |a: f32, b: f32| steps_between(DType::F32, a.to_bits().into(), b.to_bits().into());
        assert_eq!(steps(0.0, f32::MIN_POSITIVE), 1);
        assert_eq!(steps(f32::from_bits(5), 0.0), 0);
        assert_eq!(steps(1.0, 1.0 + f32::EPSILON), 1);
        assert_eq!(steps(-f32::MIN_POSITIVE, f32::MIN_POSITIVE), 2);
        assert_eq!(steps_between(DType::F16, 0, 3), 3);
        assert_eq!(steps_between(DType::F64, 1f64.to_bits(), 1f64.to_bits() + 7), 7);
    }

    #[test]
    fn values_are_told_by_their_type() {
        assert_eq!(Value::of(DType::F16, 0x3c00).to_string(), "1e0 (0x3c00)");
        assert_eq!(Value::of(DType::BF16, 0x3f80).to_string(), "1e0 (0x3f80)");
        assert_eq!(Value::of(DType::F64, 0.1f64.to_bits()).to_string(), "1e-1 (0x3fb999999999999a)");
    }
}
