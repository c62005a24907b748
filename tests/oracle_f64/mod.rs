//! The functions as textbooks have them, on f64 rows, in pairs of f64 (106 bits) by ways that the
//! library does not take: products by fused operations, the exponential by halving and squaring, the
//! logarithm by Newton's iteration on that. Shares no code with `src`.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number as an unevaluated sum of two f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wide(pub f64, pub f64);

impl Wide {
    /// The exact sum of two f64.
    fn sum(a: f64, b: f64) -> Self {
        let (big, small) = if a.abs() >= b.abs() { (a, b) } else { (b, a) };
        let s = big + small;
        Wide(s, small - (s - big))
    }

    /// The exact product of two f64.
    fn product(a: f64, b: f64) -> Self {
        Wide(a * b, a.mul_add(b, -(a * b)))
    }

    fn times(self, power_of_two: f64) -> Self {
        Wide(self.0 * power_of_two, self.1 * power_of_two)
    }

    /// How far an f64 is from this.
    pub fn distance(self, from: f64) -> f64 {
        ((from - self.0) - self.1).abs()
    }
}

impl From<f64> for Wide {
    fn from(x: f64) -> Self {
        Wide(x, 0.0)
    }
}

impl Add for Wide {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        let (high, low) = (Wide::sum(self.0, b.0), Wide::sum(self.1, b.1));
        let first = Wide::sum(high.0, high.1 + low.0);
        Wide::sum(first.0, first.1 + low.1)
    }
}

impl Neg for Wide {
    type Output = Self;
    fn neg(self) -> Self {
        Wide(-self.0, -self.1)
    }
}

impl Sub for Wide {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        self + -b
    }
}

impl Mul for Wide {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let p = Wide::product(self.0, b.0);
        Wide::sum(p.0, p.1 + (self.0 * b.1 + self.1 * b.0))
    }
}

impl Div for Wide {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let first = self.0 / b.0;
        let rest = self - b * Wide::from(first);
        let second = rest.0 / b.0;
        let rest = rest - b * Wide::from(second);
        Wide::sum(first, second) + Wide::from(rest.0 / b.0)
    }
}

/// ln 2 to 107 bits.
const LN_2: Wide = Wide(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

/// e^x as a number near 1 and a power of two.
fn exp(x: Wide) -> (Wide, i32) {
    let k = (x.0 / LN_2.0).round();
    let r = (x - LN_2 * Wide::from(k)).times(1.0 / 1024.0);
    // e^r - 1 by its series, then (1 + y)^2 - 1 = y (2 + y), ten times.
    let mut y = Wide::from(0.0);
    for n in (1..=14).rev() {
        y = (Wide::from(1.0) + y) * r / Wide::from(f64::from(n));
    }
    for _ in 0..10 {
        y = y * (Wide::from(2.0) + y);
    }
    (Wide::from(1.0) + y, k as i32)
}

/// A power of two down to 2^-1074.
fn power(k: i32) -> f64 {
    2f64.powi(k / 2) * 2f64.powi(k - k / 2)
}

/// log(1 + rest) where the rest may be tiny; `1 + rest` comes as `whole`.
fn log_one_plus(rest: Wide, whole: Wide) -> Wide {
    if rest.0 < 1e-6 {
        let series = (1..=8).rev().fold(Wide::from(0.0), |sum, n| {
            let sign = if n % 2 == 1 { 1.0 } else { -1.0 };
            Wide::from(sign) / Wide::from(f64::from(n)) + sum * rest
        });
        return series * rest;
    }
    // y + (T e^-y - 1): the error of an f64's logarithm, squared.
    let y = Wide::from(rest.0.ln_1p());
    let (e, k) = exp(-y);
    y + (whole * e.times(power(k)) - Wide::from(1.0))
}

/// The maximum of a row of finite elements and -inf (at least one is finite), the sum of exp(x - max)
/// and its logarithm.
pub struct Row {
    pub max: f64,
    sum: Wide,
    pub log_sum: Wide,
}

impl Row {
    pub fn new(x: &[f64]) -> Self {
        let max = x.iter().fold(f64::NEG_INFINITY, |max, &x| max.max(x));
        let mut others = Wide::from(-1.0);
        let mut rest = Wide::from(0.0);
        for &x in x {
            if x == max {
                others = others + Wide::from(1.0);
            } else if x - max > -740.0 {
                let (e, k) = exp(Wide::sum(x, -max));
                rest = rest + e.times(power(k));
            }
        }
        let rest = rest + others;
        let sum = Wide::from(1.0) + rest;
        Self { max, sum, log_sum: log_one_plus(rest, sum) }
    }

    /// exp(x) / sum, as a number near 1 and a power of two.
    pub fn softmax(&self, x: f64) -> (Wide, i32) {
        if x - self.max < -2000.0 {
            return (Wide::from(1.0), -3000);
        }
        let (e, k) = exp(Wide::sum(x, -self.max));
        (e / self.sum, k)
    }

    /// x - log(sum of exp).
    pub fn log_softmax(&self, x: f64) -> Wide {
        Wide::sum(x, -self.max) - self.log_sum
    }

    /// log(sum of exp).
    pub fn logsumexp(&self) -> Wide {
        Wide::from(self.max) + self.log_sum
    }
}

/// One unit of the last place of an f64 near a value; below 2^-1022 that of 2^-1022.
pub fn ulp(value: Wide) -> f64 {
    let mut place = value.0.abs();
    // Just below a power of two the pair's high part is that power.
    if place.to_bits() << 12 == 0 && value.1 != 0.0 && (value.1 < 0.0) == (value.0 > 0.0) {
        place = place.next_down();
    }
    let exponent = ((place.to_bits() >> 52) as i32 - 1023).max(-1022);
    power(exponent - 52)
}

/// The error of a softmax in units of the last place of the exact value, which is at least 2^-1022.
pub fn ulp_error(got: f64, (exact, k): (Wide, i32)) -> f64 {
    // Twice, so that no factor is subnormal or infinite.
    let got = got * 2f64.powi(-k / 2) * 2f64.powi(-k - -k / 2);
    exact.distance(got) / ulp(exact)
}
