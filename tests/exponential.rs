//! The stages `exp` and `reciprocal` alone, against f64: the numbers that the bounds in
//! `docs/numerics.md` are derived from. `SOFTMAX_FULL=1` scans every float (a minute of one core in
//! a release build); otherwise a sample that has the extremes among it.

use wgpu_softmax::cpu::RowRange;
use wgpu_softmax::cpu::exp::exp;
use wgpu_softmax::cpu::reciprocal::{normalise, reciprocal, reciprocal_of_lead};
use wgpu_softmax::numerics::{LOG2_E, ROUND_MAGIC, SUM_SCALE};

/// 2^-24, the unit of relative errors here.
const U: f64 = 1.0 / (1u64 << 24) as f64;
/// The greatest |t| that the stage meets: 32768 + 105.
const GREATEST: f32 = 32_873.0;
/// Where the signed relative error is greatest, by the complete scan.
const EXTREMES: [f32; 4] = [-22_682.867, 31_228.016, 59.289_196, -764.885_74];

/// Steps between the floats that are looked at.
fn stride(sample: u32) -> usize {
    if std::env::var("SOFTMAX_FULL").is_ok_and(|v| v == "1") { 1 } else { sample as usize }
}

/// ln 2 in two parts; products of the first with 16-bit integers are exact.
const LN2: (f64, f64) = (f64::from_bits(0x3fe6_2e42_fee0_0000), f64::from_bits(0x3dea_39ef_3579_3c76));

/// e^r as the stage computes it for t = k ln 2 + r, with the exact r.
fn stage(t: f32) -> (f64, f64) {
    let k_bits = (t * LOG2_E + ROUND_MAGIC).to_bits();
    let k = f64::from(f32::from_bits(k_bits) - ROUND_MAGIC);
    let row = RowRange { max: t, low: t, anchor: 0.0, bias: k_bits };
    (f64::from(exp(t, &row)), (f64::from(t) - k * LN2.0) - k * LN2.1)
}

fn relative_error(t: f32) -> f64 {
    let (e, r) = stage(t);
    e / r.exp() - 1.0
}

/// Every float of [2^-26, 32873] and its negative, or each `stride`-th. Below 2^-26 e is 1.
fn arguments(stride: usize) -> impl Iterator<Item = f32> {
    let (from, to) = (0x3280_0000u32, GREATEST.to_bits());
    (from..=to).step_by(stride).flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)])
}

#[test]
fn the_relative_error_of_the_exponential_stays_in_its_scanned_range() {
    let (mut least, mut greatest, mut widest) = (0.0f64, 0.0f64, 0.0f64);
    for t in arguments(stride(1009)).chain(EXTREMES) {
        let (_, r) = stage(t);
        widest = widest.max(r.abs());
        let error = relative_error(t) / U;
        (least, greatest) = (least.min(error), greatest.max(error));
    }
    println!("error {least:.5} .. {greatest:.5} times 2^-24, |r| <= {widest:.6}");
    assert!((-1.4177..-1.4175).contains(&least), "{least}");
    assert!((1.3952..1.3954).contains(&greatest), "{greatest}");
    assert!(widest <= 0.3487, "the polynomial was fitted up to 0.3487: {widest}");
}

/// What the bound on softmax is derived from: the range of the error for each 512th of e^r, so that
/// the extremes of numerator and sum are taken where they lie. Only the complete scan shows it.
#[test]
fn no_numerator_and_sum_can_err_by_more_than_the_derived_bound() {
    let stride = stride(1009);
    let mut bins = vec![(0.0f64, 0.0f64); 512];
    for t in arguments(stride).chain(EXTREMES) {
        let (e, r) = stage(t);
        let error = (e / r.exp() - 1.0) / U;
        let (least, greatest) = &mut bins[((e - 0.6) * 512.0) as usize];
        (*least, *greatest) = (least.min(error), greatest.max(error));
    }
    let worst = worst_before_rounding(&bins);
    println!("numerator, sum, reciprocal and grid together: {worst:.4} ulp");
    assert!(worst < 2.99, "with a rounding of a ulp, across a power of two, more than 3.99: {worst}");
}

/// The greatest error in ulp over numerators e^r of each bin, maxima of each bin and sums T. A sum
/// is the maximum and others at the worst error of all; the grid adds 2^18 * 2^-45 / T and the
/// reciprocal 2^-29. A relative error of 2^-24 is m / 2 ulp of a result with the mantissa m.
fn worst_before_rounding(bins: &[(f64, f64)]) -> f64 {
    let place = |i: usize| 0.6 + i as f64 / 512.0;
    let used: Vec<usize> = (0..bins.len()).filter(|&i| bins[i] != (0.0, 0.0)).collect();
    let least = used.iter().map(|&i| bins[i].0).fold(0.0, f64::min);
    let greatest = used.iter().map(|&i| bins[i].1).fold(0.0, f64::max);
    let mut worst = 0.0f64;
    for &maximum in &used {
        for total in (0..600).map(|i| place(maximum) + f64::from(i) / 256.0) {
            let share = place(maximum) / total;
            let low = share * bins[maximum].0 + (1.0 - share) * least;
            let high = share * bins[maximum].1 + (1.0 - share) * greatest;
            let grid = 0.125 / total;
            for &i in &used {
                let above = bins[i].1 - low + grid + 1.0 / 32.0;
                let below = high - bins[i].0 + grid;
                worst = worst.max(above.max(below) * half_mantissa(place(i) / total, 1.0 / 512.0 / total));
            }
        }
    }
    worst
}

/// Half the greatest mantissa of the numbers from `x` to `x + width`.
fn half_mantissa(x: f64, width: f64) -> f64 {
    let power = |x: f64| 2f64.powi(x.log2().floor() as i32);
    if power(x) == power(x + width) { (x + width) / power(x) / 2.0 } else { 1.0 }
}

/// Leads of 30 bits: the first and the last thousand, and each `stride`-th between.
fn leads() -> impl Iterator<Item = u32> {
    let (first, end) = (1u32 << 29, 1u32 << 30);
    let between = (first..end).step_by(stride(4001));
    (first..first + 1000).chain(between).chain(end - 1000..end)
}

#[test]
fn the_reciprocal_is_never_high_and_close_enough() {
    let (mut worst, mut worst_low) = (0.0f64, 0.0f64);
    for lead in leads() {
        let by = reciprocal_of_lead(lead);
        // 2^53 - lead * high * 2^24, in integers: what the high part leaves over.
        let units = (f64::from(by.high) * 16_777_216.0) as u64;
        let left = (1i64 << 53) - (u64::from(lead) * units) as i64;
        assert!(left >= 0, "the high part for {lead:#x} exceeds the exact value");
        assert!(by.low > 0.0, "{lead:#x}");
        let exact = f64::from(1 << 29) / f64::from(lead);
        let error = (f64::from(by.high) + f64::from(by.low)) / exact - 1.0;
        (worst, worst_low) = (worst.max(error.abs()), worst_low.max(f64::from(by.low) / f64::from(by.high)));
    }
    println!(
        "reciprocal: error 2^{:.2}, low part to 2^{:.2} of the high one",
        worst.log2(),
        worst_low.log2()
    );
    // The lead itself is truncated, by 2^-29 at most.
    assert!(worst + 2f64.powi(-29) < 2f64.powf(-28.9), "2^{}", worst.log2());
    assert!(worst_low <= 2f64.powf(-22.8), "2^{}", worst_low.log2());
}

#[test]
fn an_exponential_over_itself_is_exactly_one() {
    for mantissa in (0..1u32 << 23).step_by(stride(37)).chain((1 << 23) - 500..1 << 23) {
        for field in [127 + 64, 127 + 63] {
            let e = f32::from_bits(field << 23 | mantissa);
            // Held times 2^64; the sum counts in 2^-66 of the true value.
            let units = (f64::from(e) * 2f64.powi(SUM_SCALE as i32 - 64)) as u128;
            assert_eq!(normalise(e, &reciprocal(units)), 1.0, "{e:e}");
        }
    }
}
