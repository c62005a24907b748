//! The functions as textbooks have them, on f32 rows, in pairs of f64 (about 100 bits where sums
//! are formed, f64's own exponential elsewhere: 2^-29 ulp of an f32). Shares no code with `src`.
#![allow(dead_code, reason = "each test file uses its own part")]

/// exp(x - max) of every element and log of their sum, for a row of finite elements and -inf with at
/// least one finite element.
struct Row {
    max: f64,
    sum: f64,
    log_sum: f64,
}

fn row(x: &[f32]) -> Row {
    let max = f64::from(x.iter().fold(f32::NEG_INFINITY, |max, &x| max.max(x)));
    let count = x.iter().filter(|&&x| f64::from(x) == max).count() as f64;
    let below = x.iter().map(|&x| f64::from(x)).filter(|&x| x < max);
    // Neumaier's sum of all but the maxima, so that nothing is lost where it is tiny.
    let (mut rest, mut lost) = (0.0, 0.0);
    for e in below.map(|x| (x - max).exp()) {
        let s: f64 = rest + e;
        lost += if rest >= e { (rest - s) + e } else { (e - s) + rest };
        rest = s;
    }
    let rest = rest + lost;
    Row { max, sum: count + rest, log_sum: (rest / count).ln_1p() + count.ln() }
}

/// What a row with no maximum among the finite numbers gives: NaN wins, then +inf, then -inf.
pub fn special(x: &[f32]) -> Option<f32> {
    let has = |wanted: f32| x.contains(&wanted);
    if x.iter().any(|x| x.is_nan()) {
        Some(f32::NAN)
    } else if has(f32::INFINITY) {
        Some(f32::INFINITY)
    } else {
        x.iter().all(|&x| x == f32::NEG_INFINITY).then_some(f32::NEG_INFINITY)
    }
}

/// exp(x_i) / sum of exp(x); NaN throughout in a [`special`] row.
pub fn softmax(x: &[f32]) -> Vec<f64> {
    if special(x).is_some() {
        return vec![f64::NAN; x.len()];
    }
    let row = row(x);
    x.iter().map(|&x| (f64::from(x) - row.max).exp() / row.sum).collect()
}

/// x_i - log(sum of exp(x)); NaN throughout in a [`special`] row.
pub fn log_softmax(x: &[f32]) -> Vec<f64> {
    if special(x).is_some() {
        return vec![f64::NAN; x.len()];
    }
    let row = row(x);
    x.iter().map(|&x| (f64::from(x) - row.max) - row.log_sum).collect()
}

/// log(sum of exp(x)).
pub fn logsumexp(x: &[f32]) -> f64 {
    special(x).map_or_else(|| (row(x).max) + row(x).log_sum, f64::from)
}

/// How many floats lie between a result and the exact value: the difference of their places on the
/// line on which neighbouring f32 are 1 apart. Below 2^-126 the spacing goes on.
pub fn steps(got: f32, exact: f64) -> f64 {
    let place = |v: f64| {
        let binade = (((v.abs().to_bits() >> 52) as i32) - 1023).max(-126);
        (f64::from(binade) + v.abs() / 2f64.powi(binade)) * 8_388_608.0 * v.signum()
    };
    if got.is_nan() || exact.is_nan() {
        return if got.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if f64::from(got) == exact { 0.0 } else { (place(f64::from(got)) - place(exact)).abs() }
}

/// The error in units of the last place of the exact value.
pub fn ulp_error(got: f32, exact: f64) -> f64 {
    match (got.is_nan(), exact.is_nan()) {
        (true, true) => 0.0,
        (false, false) if f64::from(got) == exact => 0.0,
        (false, false) => (f64::from(got) - exact).abs() / ulp(exact),
        _ => f64::INFINITY,
    }
}

/// One unit in the last place of an f32 near a value; below 2^-126 it is that of 2^-126.
pub fn ulp(value: f64) -> f64 {
    let exponent = ((value.abs().to_bits() >> 52) as i32 - 1023).max(-126);
    2f64.powi(exponent - 23)
}
