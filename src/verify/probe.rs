//! Operands and results that show whether a device adds, subtracts and multiplies as the contract
//! needs: rounded to nearest, ties to even.

use super::random::Random;

/// What is done with the two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ProbeOp {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b
    Mul,
}

/// One operation on two floats, as bits, with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// The operation.
    pub op: ProbeOp,
    /// The first operand.
    pub a: u32,
    /// The second operand.
    pub b: u32,
    /// The correctly rounded result.
    pub expected: u32,
    /// An operand or the result is subnormal, or its sign is that of a zero: a zero of either sign
    /// will do, since nothing in the contract depends on it.
    pub may_be_zero: bool,
}

impl Probe {
    /// Whether a device's result is good enough for the contract.
    pub fn holds(&self, got: u32) -> bool {
        got == self.expected || self.may_be_zero && got & 0x7fff_ffff == 0
    }
}

const ADD: ProbeOp = ProbeOp::Add;
const SUB: ProbeOp = ProbeOp::Sub;
const MUL: ProbeOp = ProbeOp::Mul;

/// Operation, operands, result; worked out by hand, so that they test this machine too.
const EXACT: &[(ProbeOp, u32, u32, u32)] = &[
    // 1 + 2^-24: a tie, to the even 1; 1 + 2^-23 + 2^-24: a tie, up to the even 1 + 2^-22.
    (ADD, 0x3f80_0000, 0x3380_0000, 0x3f80_0000),
    (ADD, 0x3f80_0001, 0x3380_0000, 0x3f80_0002),
    (ADD, 0xbf80_0000, 0xb380_0000, 0xbf80_0000),
    (ADD, 0xbf80_0001, 0xb380_0000, 0xbf80_0002),
    // The neighbours of a tie.
    (ADD, 0x3f80_0000, 0x3380_0001, 0x3f80_0001),
    (ADD, 0x3f80_0001, 0x337f_ffff, 0x3f80_0001),
    // 1 - 2^-25: a tie below a power of two, to the even 1.
    (SUB, 0x3f80_0000, 0x3300_0000, 0x3f80_0000),
    (SUB, 0x3f80_0000, 0x3300_0001, 0x3f7f_ffff),
    // 1.5 * 2^23 + 0.5, + 1.5, + 2.5: rounds to an integer, to the even one.
    (ADD, 0x4b40_0000, 0x3f00_0000, 0x4b40_0000),
    (ADD, 0x4b40_0000, 0x3fc0_0000, 0x4b40_0002),
    (ADD, 0x4b40_0000, 0x4020_0000, 0x4b40_0002),
    (ADD, 0x4b40_0000, 0xbf00_0000, 0x4b40_0000),
    (ADD, 0x4b40_0000, 0xbfc0_0000, 0x4b3f_fffe),
    // Exact: 3 + 4, 1 - 1.
    (ADD, 0x4040_0000, 0x4080_0000, 0x40e0_0000),
    (SUB, 0x3f80_0001, 0x3f80_0000, 0x3400_0000),
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: a tie, down; 3 * (1 + 2^-23) = 3 + 3 * 2^-23: a tie, up.
    (MUL, 0x3f80_0800, 0x3f80_0800, 0x3f80_1000),
    (MUL, 0x4040_0000, 0x3f80_0001, 0x4040_0002),
    // 3 * (1 + 3 * 2^-23) = 3 + 9 * 2^-23: a tie, to 3 + 8 * 2^-23.
    (MUL, 0x4040_0000, 0x3f80_0003, 0x4040_0004),
    // (1 + 2^-23)(1 - 2^-24) = 1 + 2^-24 - 2^-47: just under a tie.
    (MUL, 0x3f80_0001, 0x3f7f_ffff, 0x3f80_0000),
    // Exact: 1.5 * 1.5, 0.5 * -0.25.
    (MUL, 0x3fc0_0000, 0x3fc0_0000, 0x4010_0000),
    (MUL, 0x3f00_0000, 0xbe80_0000, 0xbe00_0000),
    // 2^65 + 2^41: a tie of the first bin's grid; 2^65 + 2^41 + 2^18: just above it.
    (ADD, 0x6000_0000, 0x5400_0000, 0x6000_0000),
    (ADD, 0x6000_0000, 0x5400_0001, 0x6000_0001),
    (ADD, 0x6000_0001, 0x5400_0000, 0x6000_0002),
];

/// The same for results and operands that may be zero on a device: subnormals, zeros, 2^-126.
const MAY_BE_ZERO: &[(ProbeOp, u32, u32, u32)] = &[
    (ADD, 0x0000_0001, 0x0000_0001, 0x0000_0002),
    (SUB, 0x0080_0001, 0x0080_0000, 0x0000_0001),
    (ADD, 0x0000_0001, 0x0000_0000, 0x0000_0001),
    (MUL, 0x0080_0000, 0x3f00_0000, 0x0040_0000),
    (MUL, 0x1f80_0000, 0x1f80_0000, 0x0020_0000),
    (MUL, 0x0000_0001, 0x7e80_0000, 0x3400_0000),
    // (1 - 2^-24) * 2^-126 rounds up to 2^-126: zero where a device looks before it rounds.
    (MUL, 0x3f7f_ffff, 0x0080_0000, 0x0080_0000),
    (MUL, 0x8000_0000, 0x3f80_0000, 0x8000_0000),
    (MUL, 0x0000_0000, 0xbf80_0000, 0x8000_0000),
    (ADD, 0x0000_0000, 0x8000_0000, 0x0000_0000),
    (ADD, 0x8000_0000, 0x8000_0000, 0x8000_0000),
    (SUB, 0x3f80_0000, 0x3f80_0000, 0x0000_0000),
    (SUB, 0xbf80_0000, 0xbf80_0000, 0x0000_0000),
];

/// Pairs of operands with the bits a device must give: ties both ways, exact results, signed zeros,
/// subnormals, then random ones of which a third are ties.
pub fn arithmetic_probe() -> Vec<Probe> {
    let by_hand = |table: &[(ProbeOp, u32, u32, u32)], may_be_zero| {
        let probe = move |&(op, a, b, expected)| Probe { op, a, b, expected, may_be_zero };
        table.iter().map(probe).collect::<Vec<_>>()
    };
    let mut probes = by_hand(EXACT, false);
    probes.extend(by_hand(MAY_BE_ZERO, true));
    let mut random = Random::of("arithmetic", 0, 0);
    probes.extend((0..3000).map(|i| by_machine(i, &mut random)));
    probes
}

/// Random operands of exponents within 2^12 of each other; each third product or sum has so few
/// bits that it is exact or a tie.
fn by_machine(index: usize, random: &mut Random) -> Probe {
    let op = [ADD, SUB, MUL][index % 3];
    let mut operand = |mask: u32| {
        let bits = random.bits() as u32;
        let exponent = 121 + random.below(12) as u32;
        f32::from_bits((bits & 0x8000_0000) | exponent << 23 | (bits & 0x007f_ffff & mask))
    };
    let short = (index / 3).is_multiple_of(3);
    // 12 and 13 bits have a product of 25 at most; sums of close exponents are short as they are.
    let (a, b) = match (op, short) {
        (MUL, true) => (operand(!0 << 12), operand(!0 << 11)),
        _ => (operand(!0), operand(!0)),
    };
    let value = match op {
        ProbeOp::Add => a + b,
        ProbeOp::Sub => a - b,
        ProbeOp::Mul => a * b,
    };
    Probe { op, a: a.to_bits(), b: b.to_bits(), expected: value.to_bits(), may_be_zero: value == 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_holds_every_probe() {
        for probe in arithmetic_probe() {
            let [a, b] = [probe.a, probe.b].map(f32::from_bits).map(std::hint::black_box);
            let got = match probe.op {
                ProbeOp::Add => a + b,
                ProbeOp::Sub => a - b,
                ProbeOp::Mul => a * b,
            };
            assert!(probe.holds(got.to_bits()), "{probe:x?} gave {:x}", got.to_bits());
        }
    }

    /// The exact value of a random probe; their exponents are close enough for an f64 to hold it.
    fn exact(probe: &Probe) -> f64 {
        let [a, b] = [probe.a, probe.b].map(|bits| f64::from(f32::from_bits(bits)));
        match probe.op {
            ProbeOp::Add => a + b,
            ProbeOp::Sub => a - b,
            ProbeOp::Mul => a * b,
        }
    }

    #[test]
    fn devices_that_round_otherwise_are_found_out() {
        let (mut to_zero, mut ties_away) = ([0; 3], [0; 3]);
        for probe in arithmetic_probe().iter().filter(|p| !p.may_be_zero) {
            let (exact, nearest) = (exact(probe).abs(), f64::from(f32::from_bits(probe.expected).abs()));
            let above = f64::from(f32::from_bits(probe.expected + 1).abs());
            to_zero[probe.op as usize] += u32::from(nearest > exact && !probe.holds(probe.expected - 1));
            let tie = exact - nearest == above - exact;
            ties_away[probe.op as usize] += u32::from(tie && !probe.holds(probe.expected + 1));
        }
        assert!(to_zero.iter().all(|n| *n > 100), "{to_zero:?}");
        assert!(ties_away.iter().all(|n| *n > 20), "{ties_away:?}");
    }
}
