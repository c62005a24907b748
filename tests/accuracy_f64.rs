//! Rows of f64 against an independent oracle of 106 bits, within the bounds that `docs/numerics.md`
//! derives in its section "f64". `SOFTMAX_FULL=1` takes ten times as many rows.

mod oracle_f64;
mod rows_f64;

use oracle_f64::{Row, Wide, ulp, ulp_error};
use rows_f64::{battery, bits, random, row_of};
use wgpu_softmax::OpKind;

const KINDS: [OpKind; 3] = [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp];

/// The bounds: ulp of softmax and of log-softmax, and what the logarithm brings to logsumexp.
const SOFTMAX: f64 = 2.7;
const LOG_SOFTMAX: f64 = 0.9;
const LOG_SUM: f64 = 1.0 / (1u64 << 54) as f64;

/// What the elements left out of the sum can come to.
fn absolute(len: usize) -> f64 {
    len as f64 * 2f64.powi(-865)
}

fn rows(few: usize) -> usize {
    if std::env::var("SOFTMAX_FULL").is_ok_and(|v| v == "1") { 10 * few } else { few }
}

/// The greatest errors so far: softmax and log-softmax in ulp, logsumexp as a share of its bound.
#[derive(Default)]
struct Worst {
    softmax: f64,
    log_softmax: f64,
    logsumexp: f64,
}

impl Worst {
    /// Checks all three operations on a row of finite elements.
    fn check(&mut self, x: &[f64]) {
        let exact = Row::new(x);
        let results = |kind| bits(kind, x).into_iter().map(f64::from_bits);
        for (y, &x) in results(OpKind::Softmax).zip(x) {
            self.softmax(y, exact.softmax(x), x);
        }
        for (y, &z) in results(OpKind::LogSoftmax).zip(x) {
            self.log_softmax(y, exact.log_softmax(z), x);
        }
        self.logsumexp(results(OpKind::LogSumExp).next().unwrap(), &exact, x.len());
    }

    fn softmax(&mut self, y: f64, exact: (Wide, i32), x: f64) {
        // Compared times 2^1022; 1 is the smallest normal number.
        let size = exact.0.0 * 2f64.powi((exact.1 + 1022).clamp(-1000, 1000));
        if size < 1.0 - 1e-15 || y == 0.0 && size < 1.0 + 1e-15 {
            assert_eq!(y.to_bits(), 0, "softmax of {x} is {y:e}, exact {exact:?}");
            return;
        }
        let error = ulp_error(y, exact);
        assert!(error <= SOFTMAX, "softmax of {x} is {y:e}, exact {exact:?}: {error} ulp");
        self.softmax = self.softmax.max(error);
    }

    fn log_softmax(&mut self, y: f64, exact: Wide, row: &[f64]) {
        let absolute = absolute(row.len());
        let error = exact.distance(y);
        let head = &row[..row.len().min(8)];
        assert!(error <= LOG_SOFTMAX * ulp(exact) + absolute, "{head:?}: log-softmax {y:e}, exact {exact:?}");
        if exact.0.abs() > 1e20 * absolute {
            self.log_softmax = self.log_softmax.max(error / ulp(exact));
        }
    }

    fn logsumexp(&mut self, y: f64, exact: &Row, len: usize) {
        let result = exact.logsumexp();
        let half = 0.5 * ulp(result).max(ulp(Wide::from(y)));
        let bound = half + LOG_SUM * exact.log_sum.0.min(1.0) + absolute(len);
        let error = result.distance(y);
        assert!(error <= bound, "logsumexp {y:e}, exact {result:?}: {error:e}, bound {bound:e}");
        self.logsumexp = self.logsumexp.max(error / bound);
    }

    /// Prints a line for the table in the docs.
    fn report(&self, what: &str) {
        println!("| {what} | {:.3} | {:.3} | {:.2} |", self.softmax, self.log_softmax, self.logsumexp);
    }
}

#[test]
fn the_oracle_agrees_with_numbers_computed_elsewhere() {
    // logsumexp and the first element's log-softmax, from mpmath with 2400 bits.
    let known: [(&[f64], Wide, Wide); 4] = [
        (
            &[0.0, -40.0],
            Wide(4.248354255291589e-18, 1.1535045108723066e-34),
            Wide(-4.248354255291589e-18, -1.1535045108723066e-34),
        ),
        (
            &[1.0, 2.0, 3.0],
            Wide(3.40760596444438, 1.7339867533722626e-16),
            Wide(-2.40760596444438, -1.7339867533722626e-16),
        ),
        (
            &[0.5, -590.25],
            Wide(0.5, 2.757622511067937e-257),
            Wide(-2.757622511067937e-257, 1.3888597495411132e-273),
        ),
        (
            &[-100.0, -100.0, -100.5, 7.25],
            Wide(7.25, 6.886200342482688e-47),
            Wide(-107.25, -6.886200342482688e-47),
        ),
    ];
    for (x, logsumexp, first) in known {
        let row = Row::new(x);
        for (found, expected) in [(row.logsumexp(), logsumexp), (row.log_softmax(x[0]), first)] {
            let error = (found - expected).0.abs() / expected.0.abs();
            assert!(error < 2f64.powi(-98), "{x:?}: {found:?}, not {expected:?}");
        }
        // The exponential of that is softmax.
        let (p, k) = row.softmax(x[0]);
        let relative = (p.0.ln() + f64::from(k) * std::f64::consts::LN_2) - first.0;
        assert!(relative.abs() < 1e-13, "{x:?}: {p:?}");
    }
}

#[test]
fn every_spread_is_within_the_bounds() {
    let mut random = random(11);
    for spread in [1e-3, 0.1, 1.0, 10.0, 40.0, 100.0, 400.0, 1e3, 1e5] {
        let mut worst = Worst::default();
        for cols in [1, 2, 3, 4, 10, 100, 1000, 5000] {
            for _ in 0..rows(4000 / cols + 1) {
                worst.check(&row_of(cols, || spread * random()));
            }
        }
        worst.report(&format!("within +-{spread}"));
    }
}

#[test]
fn elements_far_from_zero_lose_nothing_to_the_difference() {
    // x - max rounds, by up to 2^-44 of the result, unless its error is kept.
    let (mut random, mut worst) = (random(12), Worst::default());
    for _ in 0..rows(2000) {
        let at = 700.0 * random();
        worst.check(&row_of(5, || at + 300.0 * random() * random()));
        worst.check(&[1e-9 * random(), -600.0 * random().abs(), -1.0 + 1e-13 * random()]);
    }
    worst.report("differences that round");
}

#[test]
fn ties_are_within_the_bounds() {
    let (mut random, mut worst) = (random(13), Worst::default());
    for cols in [1, 2, 3, 7, 64, 1000, 4999] {
        worst.check(&vec![10.0 * random(); cols]);
        for _ in 0..rows(20) {
            worst.check(&row_of(cols, || (4.0 * random()).round() * 3.7));
        }
    }
    worst.report("ties");
}

#[test]
fn results_near_zero_keep_their_digits() {
    let mut worst = Worst::default();
    for below in [8.0, 17.0, 40.0, 100.0, 590.0] {
        worst.check(&[0.0, -below]);
    }
    for below in (1..rows(2000)).map(|i| 0.3 * i as f64).take_while(|&below| below < 599.0) {
        worst.check(&[0.0, -below]);
        worst.check(&[-below, 0.0, -below, -below - 1.0]);
        worst.check(&[7.3, 7.3 - below]);
    }
    worst.report("log-softmax near zero");
    // log(exp(-a) + exp(-b)) = 0 where a = log(1 + exp(a - b)): crossings of zero.
    let (mut random, mut worst) = (random(14), Worst::default());
    for _ in 0..rows(5000) {
        let below = 20.0 * (1.0 + random());
        let max = -((-below).exp().ln_1p());
        worst.check(&[max, max - below]);
    }
    worst.check(&[-std::f64::consts::LN_2; 2]);
    worst.report("logsumexp near zero");
}

#[test]
fn one_element_with_a_long_tail_is_within_the_bounds() {
    let (mut random, mut worst) = (random(15), Worst::default());
    for depth in [1.0, 5.0, 20.0, 36.0, 60.0, 200.0, 550.0] {
        let mut x = row_of(5000, || random() - depth);
        x[1234] = 0.25;
        worst.check(&x);
    }
    worst.report("one element with a long tail");
}

#[test]
fn finite_rows_of_the_battery_are_within_the_bounds() {
    let mut worst = Worst::default();
    let is_plain = |x: &f64| *x == 0.0 || x.is_normal() && x.abs() > f64::MIN_POSITIVE && x.abs() < 1e306;
    for row in battery().iter().filter(|row| !row.is_empty() && row.iter().all(is_plain)) {
        worst.check(row);
    }
    worst.report("the battery");
}

#[test]
fn the_order_of_the_elements_changes_no_bit() {
    let mut random = random(16);
    for row in battery().into_iter().chain([row_of(5000, || 20.0 * random())]) {
        let mut order: Vec<usize> = (0..row.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, ((0.5 + 0.5 * random()) * (i + 1) as f64) as usize);
        }
        let shuffled: Vec<f64> = order.iter().map(|&i| row[i]).collect();
        for kind in KINDS {
            let (plain, found) = (bits(kind, &row), bits(kind, &shuffled));
            let is_same = |(at, &i): (usize, &usize)| found[at] == plain[i];
            let same =
                if kind.is_elementwise() { order.iter().enumerate().all(is_same) } else { found == plain };
            assert!(same, "{kind:?} of {:?}", &row[..row.len().min(8)]);
        }
    }
}

#[test]
fn single_elements_are_exactly_one() {
    let mut random = random(17);
    let values = [0.0, -0.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN];
    for x in values.into_iter().chain(row_of(10_000, || 1e5 * random() * random() * random())) {
        assert_eq!(bits(OpKind::Softmax, &[x]), [1f64.to_bits()], "{x:e}");
        assert_eq!(bits(OpKind::LogSoftmax, &[x]), [0], "{x:e}");
        let settled = if x.abs() <= f64::MIN_POSITIVE { 0.0 } else { x };
        assert_eq!(bits(OpKind::LogSumExp, &[x]), [settled.to_bits()], "{x:e}");
    }
}

#[test]
fn equal_elements_have_equal_shares() {
    for n in 1..3000usize {
        assert_eq!(bits(OpKind::Softmax, &vec![-3.5; n]), vec![(1.0 / n as f64).to_bits(); n]);
    }
}

/// FNV-1a over every result of the battery, byte by byte.
#[test]
fn the_battery_has_the_bits_it_always_had() {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for row in battery() {
        for word in KINDS.iter().flat_map(|&kind| bits(kind, &row)) {
            for byte in word.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    assert_eq!(format!("{hash:016x}"), "dbaa2b469876f184");
}
