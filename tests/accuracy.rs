//! The CPU against the independent oracle, within the bounds that `docs/numerics.md` derives.
//! `SOFTMAX_FULL=1` runs the complete battery and more of the longest rows.

mod bounds;
mod oracle;

use bounds::{Worst, random, row_of};
use wgpu_softmax::verify::{Thoroughness, cases};
use wgpu_softmax::{LogSoftmax, LogSumExp, Op, OpKind, Shape, Softmax, cpu};

fn full() -> bool {
    std::env::var("SOFTMAX_FULL").is_ok_and(|v| v == "1")
}

/// Checks softmax, log-softmax and logsumexp of a row against the oracle.
fn check(x: &[f32], worst: &mut Worst) {
    let run = |op: Op, results: usize| {
        let mut y = vec![f32::from_bits(0xdead_beef); results];
        cpu::run(op, x, Shape::rows(1, x.len()), &mut y).unwrap();
        y
    };
    worst.softmax(x, &run(Softmax::new().into(), x.len()));
    worst.log_softmax(x, &run(LogSoftmax::new().into(), x.len()));
    worst.logsumexp(x, run(LogSumExp::new().into(), 1)[0]);
}

#[test]
fn the_battery_is_within_the_bounds() {
    let level = if full() { Thoroughness::Full } else { Thoroughness::Quick };
    let mut worst = Worst::default();
    for case in cases(level, &[]) {
        if case.op.kind == OpKind::Softmax && case.op == Op::new(OpKind::Softmax) && case.cols > 0 {
            (0..case.rows.min(500)).for_each(|row| check(case.row(row), &mut worst));
        }
    }
    worst.report("battery");
}

#[test]
fn every_spread_is_within_the_bounds() {
    let mut random = random(1);
    for spread in [0.01, 1.0, 10.0, 40.0, 80.0, 160.0, 3e4] {
        let mut worst = Worst::default();
        for cols in [2, 3, 10, 128, 1000, 4096] {
            for _ in 0..(60_000 / cols).min(if full() { 60_000 } else { 4000 }) {
                check(&row_of(cols, || spread * random()), &mut worst);
            }
        }
        worst.report(&format!("within +-{spread}"));
    }
}

#[test]
fn every_length_up_to_16_million_is_within_the_bounds() {
    let mut random = random(2);
    let mut spreads = [1.0, 10.0, 45.0].into_iter().cycle();
    for cols in [1 << 15, 1 << 17, 1 << 18, (1 << 18) + 1, 1 << 20, 1 << 24] {
        for _ in 0..if full() { 6 } else { 1 } {
            let (spread, mut worst) = (spreads.next().unwrap(), Worst::default());
            check(&row_of(cols, || spread * random()), &mut worst);
            worst.report(&format!("{cols} columns within +-{spread}"));
        }
    }
    // All weight lost to the grid: the most that rows of two bins can lose.
    let mut worst = Worst::default();
    for lost in [-31.191_624, -31.2, -30.5] {
        let mut x = vec![lost; 1 << 18];
        x[77] = 0.0;
        check(&x, &mut worst);
    }
    worst.report("2^18 columns on the grid's edge");
}

/// Found by search: the extremes of the exponential's error, those of one sign in the numerator and
/// those of the other in the sum, then a sum that puts the result where its rounding is worst.
const BAD: &[&[f32]] = &[
    &[26.715569, 5.2001257],
    &[-22_682.867, -22_715.441, -22_688.467, -22_694.832, -22_702.227],
    &[-31_076.895, -31_087.979, -31_081.951, -31_088.549, -31_096.209],
    &[-31_835.854, -31_869.104, -31_839.703, -31_851.502, -31_859.256],
    &[-32_486.725, -32_499.89, -32_492.303, -32_498.68, -32_505.646],
    &[-472.3521, -482.7462, -478.12573, -488.76627],
    &[-461.27118, -482.7462, -465.64243, -476.6603],
    &[-190.25589, -200.65236, -197.50845, -210.2623],
    &[-1686.7522, -1719.3499],
    &[91.169655, 70.35556],
    &[-125.09903, -135.50697, -139.71204],
    &[699.0442, 677.55206, 684.3699],
];

#[test]
fn rows_made_to_be_bad_are_within_the_bounds_and_as_bad_as_recorded() {
    let mut worst = Worst::default();
    BAD.iter().for_each(|x| check(x, &mut worst));
    worst.report("rows made to be bad");
    // The docs record it; another number means that the numerics changed.
    assert!((3.52..3.53).contains(&worst.softmax_ulp), "{}", worst.softmax_ulp);
}

#[test]
fn results_near_zero_keep_their_digits() {
    let mut worst = Worst::default();
    for depth in (1..300).map(|i| -0.1 * i as f32) {
        check(&[0.0, depth], &mut worst);
        check(&[depth, 0.0, depth, depth - 1.0], &mut worst);
        check(&[7.3, 7.3 + depth], &mut worst);
    }
    worst.report("log-softmax near zero");
    // log(exp(-a) + exp(-b)) = 0 where a = log(1 + exp(a - b)): crossings of zero.
    let (mut random, mut worst) = (random(3), Worst::default());
    for _ in 0..5000 {
        let below = 5.0 * (1.0 + random());
        let max = -((-below).exp().ln_1p());
        check(&[max, max - below], &mut worst);
    }
    check(&[-std::f32::consts::LN_2; 2], &mut worst);
    worst.report("logsumexp near zero");
}

#[test]
fn single_elements_are_exactly_one() {
    let mut random = random(4);
    let values = [0.0, -0.0, 1e-45, f32::MAX, -f32::MAX, 32_768.0, -32_768.004, 0.346_57, -0.346_57];
    for x in values.into_iter().chain(row_of(200_000, || 3e4 * random() * random() * random())) {
        let (mut p, mut log, mut lse) = ([f32::NAN], [f32::NAN], [f32::NAN]);
        let one = Shape::rows(1, 1);
        cpu::run(Softmax::new(), &[x], one, &mut p).unwrap();
        cpu::run(LogSoftmax::new(), &[x], one, &mut log).unwrap();
        cpu::run(LogSumExp::new(), &[x], one, &mut lse).unwrap();
        assert_eq!(p[0].to_bits(), 1f32.to_bits(), "{x:e}");
        assert_eq!(log[0].to_bits(), 0, "{x:e}");
        assert_eq!(lse[0], if x.abs() <= f32::MIN_POSITIVE { 0.0 } else { x }, "{x:e}");
    }
}

#[test]
fn rows_sum_to_one() {
    let mut random = random(5);
    for cols in [1, 2, 3, 17, 100, 1000, 10_000] {
        for spread in [0.1, 3.0, 30.0, 500.0] {
            let x = row_of(cols, || spread * random());
            let mut y = vec![0.0; cols];
            cpu::run(Softmax::new(), &x, Shape::rows(1, cols), &mut y).unwrap();
            let sum: f64 = y.iter().map(|&y| f64::from(y)).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{cols} columns within +-{spread}: {sum}");
        }
    }
}

#[test]
fn known_values() {
    let known: [(&[f32], f32, &[f64]); 4] = [
        (&[4.8, 1.21, 2.385], 1.0, &[0.89528266, 0.02470831, 0.08000903]),
        (&[1.0, 2.0, 3.0], 1.0, &[0.09003057, 0.24472847, 0.66524096]),
        (&[1.0, 2.0, 3.0], 0.5, &[0.18632372, 0.30719589, 0.50648039]),
        (&[1000.0, 0.0], 1.0, &[1.0, 0.0]),
    ];
    for (x, scale, values) in known {
        let mut y = vec![f32::NAN; x.len()];
        cpu::run(Softmax::new().scale(scale), x, Shape::rows(1, x.len()), &mut y).unwrap();
        for (y, value) in y.iter().zip(values) {
            // The values are given to 8 decimals.
            assert!(
                (f64::from(*y) - value).abs() <= 3e-8 + 4.0 * f64::from(f32::EPSILON) * value,
                "{x:?}: {y}"
            );
        }
    }
}

#[test]
fn a_scale_is_a_rounded_product() {
    let mut random = random(6);
    let mut worst = Worst::default();
    for scale in [0.5, -1.0, 0.1, 7.3, 1e-3, 300.0] {
        for cols in [1, 4, 33] {
            let x = row_of(cols, || 10.0 * random());
            let product: Vec<f32> = x.iter().map(|x| x * scale).collect();
            let mut y = vec![f32::NAN; cols];
            cpu::run(Softmax::new().scale(scale), &x, Shape::rows(1, cols), &mut y).unwrap();
            worst.softmax(&product, &y);
        }
    }
    worst.report("scaled");
}
