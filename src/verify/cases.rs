//! The list of cases. Rows of one length are batched, so that a device spends its time on them and
//! not on dispatches.

use super::random::Random;
use super::{Case, Thoroughness, rows, special};
use crate::{EmptyRow, Op, OpKind};

/// Fills the row of an index.
type Fill = fn(usize, &mut [f32], &mut Random);

/// Data without a kind of operation.
#[derive(Clone)]
struct Plan {
    name: &'static str,
    rows: usize,
    cols: usize,
    fill: Fill,
    scale: f32,
    empty_row: EmptyRow,
}

/// Few lengths that stand for all: around the widths of vectors, subgroups and workgroups.
const LENGTHS: [usize; 45] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 23, 24, 31, 32, 33, 47, 48, 63, 64, 65, 96,
    100, 127, 128, 129, 200, 255, 256, 257, 384, 511, 512, 513, 768, 1000, 1023, 1024, 1025,
];

/// Plain factors, negative and zero ones, ones that overflow, and ones whose products vanish.
const SCALES: [f32; 12] = [0.5, -1.0, 0.1, 0.0, -0.0, 3e38, -3e38, 2.0, 1e-20, 1.2e-38, 1e-40, -0.7];

/// Every case of the battery, made as it is asked for: each set of data for each kind of operation.
/// `extra` are lengths to be tried besides, such as those at which a planner changes kernels.
pub fn cases(level: Thoroughness, extra: &[usize]) -> impl Iterator<Item = Case> + use<> {
    let mut plans = Vec::new();
    lengths(level, &mut plans);
    edges(level, &mut plans);
    specials(level, &mut plans);
    scales(level, &mut plans);
    shapes(level, &mut plans);
    plans.extend(extra.iter().map(|&cols| batch("lengths asked for", cols, rows::logits, 4096, 3)));
    plans.into_iter().flat_map(|plan| OpKind::ALL.map(|kind| plan.clone().case(kind)))
}

/// So many rows that they hold about `elements`, but at least `least` and at most 300.
fn batch(name: &'static str, cols: usize, fill: Fill, elements: usize, least: usize) -> Plan {
    plan(name, (elements / cols.max(1)).clamp(least, 301.max(least)), cols, fill)
}

fn plan(name: &'static str, rows: usize, cols: usize, fill: Fill) -> Plan {
    Plan { name, rows, cols, fill, scale: 1.0, empty_row: EmptyRow::Nan }
}

fn lengths(level: Thoroughness, plans: &mut Vec<Plan>) {
    let full = level == Thoroughness::Full;
    let short: Vec<usize> = if full { (0..=1040).collect() } else { LENGTHS.to_vec() };
    plans.extend(short.iter().map(|&cols| batch("every length", cols, rows::logits, 4096, 5)));
    for power in 11..=if full { 20 } else { 14 } {
        for cols in [(1 << power) - 1, 1 << power, (1 << power) + 1] {
            plans.push(batch("around powers of two", cols, rows::logits, 1 << 14, 1));
        }
    }
    for cols in [1 << 18, (1 << 18) + 1] {
        plans.push(plan("the third bin begins beyond 2^18 columns", 1, cols, rows::tail));
    }
    if full {
        plans.push(plan("a row over several workgroups", 2, 3 * (1 << 20) + 5, rows::tail));
    }
}

fn edges(level: Thoroughness, plans: &mut Vec<Plan>) {
    let long = if level == Thoroughness::Full { 4097 } else { 1025 };
    for cols in [2, 3, 4, 5, 33, 129, long] {
        plans.push(plan("named rows", 3 * rows::NAMED_ROWS, cols, rows::named));
    }
    for cols in [1, 3, 8, 65, 700] {
        plans.push(batch("maximum around 32768", cols, rows::near_anchor, 8000, 9));
        plans.push(batch("results around 2^-126", cols, rows::near_subnormal, 8000, 7));
        plans.push(batch("equal maxima", cols, rows::ties, 8000, 7));
        plans.push(batch("a long tail", cols, rows::tail, 8000, 8));
    }
    for cols in [7, 256, 1000, 5000] {
        plans.push(batch("equal elements: bins at their fullest", cols, rows::flat, 8, 8));
    }
    let widest = if level == Thoroughness::Full { 1030 } else { 260 };
    for cols in [6, 40, 100, widest] {
        plans.push(plan("the maximum in every position", cols, cols, rows::moving_maximum));
    }
}

fn specials(level: Thoroughness, plans: &mut Vec<Plan>) {
    let full = level == Thoroughness::Full;
    let lengths: &[usize] =
        if full { &[1, 2, 4, 5, 33, 129, 300, 1000, 4097] } else { &[1, 5, 33, 129, 300] };
    for &cols in lengths {
        plans.push(plan(
            "special values in every position",
            special::rows_for(cols),
            cols,
            special::in_position,
        ));
    }
    for cols in [1, 3, 33, 200] {
        plans.push(plan("zeros and subnormals", 31, cols, special::tiny));
    }
    let long = if full { (1 << 20) + 3 } else { 16_387 };
    plans.push(plan("special values in long rows", 5, long, special::in_long_rows));
    for cols in [1, 2, 4, 33, 1000] {
        for empty_row in [EmptyRow::Nan, EmptyRow::Zero] {
            let all = plan("rows of -inf", 14, cols, special::all_negative_infinity);
            plans.push(Plan { empty_row, ..all });
        }
    }
}

fn scales(level: Thoroughness, plans: &mut Vec<Plan>) {
    let lengths: &[usize] = if level == Thoroughness::Full { &[2, 33, 1000] } else { &[3, 33] };
    for &cols in lengths {
        for scale in SCALES {
            let fill = special::for_scales;
            plans.push(Plan { scale, ..plan("scaled elements", 101, cols, fill) });
        }
    }
}

fn shapes(level: Thoroughness, plans: &mut Vec<Plan>) {
    plans.push(plan("no rows", 0, 7, rows::logits));
    plans.push(plan("more rows than one dimension of a grid", 70_000, 3, rows::logits));
    plans.push(plan("rows of one element", 66_000, 1, rows::logits));
    if level == Thoroughness::Full {
        plans.push(plan("a million rows", 1_000_003, 3, rows::logits));
        plans.push(plan("many short rows", 140_000, 8, rows::logits));
        plans.push(plan("many rows of a subgroup", 70_001, 33, rows::logits));
    }
}

impl Plan {
    fn case(self, kind: OpKind) -> Case {
        let mut random = Random::of(self.name, self.rows, self.cols);
        let mut data = vec![0.0; self.rows * self.cols];
        if self.cols > 0 {
            for (index, row) in data.chunks_exact_mut(self.cols).enumerate() {
                (self.fill)(index, row, &mut random);
            }
        }
        let mut op = Op::new(kind);
        (op.scale, op.empty_row) = (self.scale, self.empty_row);
        let Self { rows, cols, scale, .. } = self;
        let mut name = format!("{} ({rows} x {cols})", self.name);
        if scale != 1.0 {
            name += &format!(" times {scale:e}");
        }
        if self.empty_row == EmptyRow::Zero {
            name += ", empty rows zero";
        }
        Case { name, op, rows, cols, data }
    }
}
