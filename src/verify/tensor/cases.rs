//! The list of cases.

use super::{Elements, OwnedMasking, TensorCase};
use super::{beside, side};
use crate::verify::random::Random;
use crate::verify::{Thoroughness, rows, special};
use crate::{DType, EmptyRow, Op, OpKind};

/// Every case of the battery, each for every kind of operation.
pub fn tensor_cases(level: Thoroughness) -> Vec<TensorCase> {
    let full = level == Thoroughness::Full;
    let mut plans = Vec::new();
    axes(full, &mut plans);
    types(full, &mut plans);
    beside::masks(full, &mut plans);
    beside::windows(full, &mut plans);
    beside::per_row(full, &mut plans);
    beside::together(&mut plans);
    side::side_by_side(full, &mut plans);
    let kinds = plans.into_iter().flat_map(|case| OpKind::ALL.map(|kind| case.clone().of_kind(kind)));
    kinds.filter(|case| case.op.kind != OpKind::RowStats || case.output == DType::F32).collect()
}

impl TensorCase {
    fn of_kind(mut self, kind: OpKind) -> Self {
        self.op.kind = kind;
        self
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = format!("{name}, {} to {}", self.data.dtype(), self.output);
        self
    }

    pub(super) fn typed(mut self, input: DType, output: DType) -> Self {
        let count = self.dims.iter().product();
        let numbers: Vec<f32> = (0..count).map(|i| self.data.get(i)).collect();
        self.data = Elements::of(input, &numbers);
        self.output = output;
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut OwnedMasking)) -> Self {
        change(&mut self.masking);
        self
    }

    pub(super) fn empty_row(mut self, empty_row: EmptyRow) -> Self {
        self.op.empty_row = empty_row;
        self
    }

    pub(super) fn along(mut self, axis: isize) -> Self {
        self.axes = vec![axis];
        self
    }

    pub(super) fn scaled(mut self, scale: f32) -> Self {
        self.op.scale = scale;
        self
    }
}

/// An array of logits of f32, of which some are special.
pub(super) fn array(dims: &[usize], axes: &[isize]) -> TensorCase {
    let count: usize = dims.iter().product();
    let mut random = Random::of("tensor", dims.iter().sum(), count);
    let mut data = vec![0.0; count];
    // So that short arrays have special values too, and no row has so many that it is always NaN.
    let piece = if count < 1000 { 13 } else { 97.max(count / 40) };
    for (index, piece) in data.chunks_mut(piece).enumerate() {
        rows::logits(index % 5, piece, &mut random);
        if index % 7 == 3 {
            let place = random.below(piece.len());
            piece[place] = f32::from_bits(special::VALUES[index / 7 % special::VALUES.len()]);
        }
    }
    TensorCase {
        name: String::new(),
        op: Op::new(OpKind::Softmax),
        dims: dims.to_vec(),
        axes: axes.to_vec(),
        data: Elements::F32(data),
        output: DType::F32,
        masking: OwnedMasking::default(),
    }
}

/// Logits that f16 holds, and no special ones: so that a mask's effect is not hidden by NaN.
pub(super) fn plain(dims: &[usize]) -> TensorCase {
    let mut random = Random::of("plain tensor", dims.iter().sum(), dims.len());
    let count: usize = dims.iter().product();
    let data = (0..count).map(|_| 8.0 * random.signed()).collect();
    TensorCase { data: Elements::F32(data), ..array(dims, &[-1]) }
}

fn axes(full: bool, plans: &mut Vec<TensorCase>) {
    let list: &[(&[usize], &[isize])] = &[
        (&[3, 3], &[0]),
        (&[3, 3], &[0, 1]),
        (&[7, 33], &[0]),
        (&[1, 40, 1], &[1]),
        (&[33, 70], &[0]),
        (&[5, 100, 17], &[1]),
        (&[4, 30, 5], &[0, 2]),
        (&[2, 3, 4, 5], &[0, 2]),
        (&[2, 3, 4, 5], &[1, 3]),
        (&[2, 3, 4, 5], &[0, 3]),
        (&[2, 3, 4, 5], &[]),
        (&[3, 2, 3, 2, 3], &[0, 2, 4]),
        (&[1000, 9], &[0]),
        (&[300, 4, 3], &[0]),
        (&[2, 1025, 2], &[1]),
        (&[0, 4], &[0]),
        (&[4, 0], &[0]),
        (&[70_000, 3], &[1]),
        (&[3, 70_000], &[0]),
    ];
    plans.extend(list.iter().map(|(dims, axes)| array(dims, axes).named("any axis")));
    plans.push(array(&[37, 21], &[0]).scaled(-1.5).named("any axis, scaled"));
    plans.push(
        plain(&[(1 << 18) + 1, 1])
            .along(0)
            .typed(DType::F16, DType::F32)
            .named("the third bin along an axis"),
    );
    plans.push(plain(&[40_000, 2]).along(0).named("a long first axis"));
    if full {
        plans.push(plain(&[(1 << 18) + 1, 2]).along(0).named("the third bin along the first axis"));
        plans.push(plain(&[1 << 18, 2]).along(0).named("two bins along the first axis"));
        plans.push(array(&[129, 5000], &[0]).named("any axis"));
        plans.push(array(&[5000, 129], &[0]).named("any axis"));
    }
}

pub(super) const TYPES: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

fn types(full: bool, plans: &mut Vec<TensorCase>) {
    let lengths: &[usize] =
        if full { &[1, 2, 3, 5, 8, 33, 128, 129, 1000, 4097, 20_000] } else { &[1, 3, 33, 128, 1001] };
    for input in TYPES {
        for output in TYPES {
            for &cols in lengths {
                let rows = (3000 / cols).clamp(3, 60) | 1;
                plans.push(array(&[rows, cols], &[-1]).typed(input, output).named("types"));
            }
            plans.push(array(&[31, 20], &[0]).typed(input, output).named("types along the first axis"));
            plans.push(array(&[3, 17, 5], &[1]).typed(input, output).scaled(0.3).named("types, scaled"));
            plans.push(array(&[2, 45, 3], &[1]).typed(input, output).named("types along a middle axis"));
        }
    }
    // Every f16, and results over the whole of its range.
    let every: Vec<f32> = (0..=u16::MAX).map(crate::cpu::half::from_f16).collect();
    let all = TensorCase { data: Elements::F32(every), ..array(&[256, 256], &[0]) };
    plans.push(all.typed(DType::F16, DType::F16).named("every f16"));
    let falling = (0..4096).map(|i| -0.005 * i as f32).collect();
    let small = TensorCase { data: Elements::F32(falling), ..array(&[4, 1024], &[-1]) };
    plans.push(small.clone().typed(DType::F32, DType::F16).named("small results"));
    plans.push(small.typed(DType::BF16, DType::F16).scaled(3.0).named("small results"));
}
