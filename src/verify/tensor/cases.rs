//! The list of cases.

use super::{Beside, Elements, OwnedMasking, TensorCase};
use crate::verify::random::Random;
use crate::verify::{Thoroughness, rows, special};
use crate::{DType, EmptyRow, Op, OpKind, Window, alibi_slopes};

fn seed() -> Random {
    Random::of("tensors", 0, 0)
}

/// Every case of the battery, each for every kind of operation.
pub fn tensor_cases(level: Thoroughness) -> Vec<TensorCase> {
    let full = level == Thoroughness::Full;
    let mut plans = Vec::new();
    axes(full, &mut plans);
    types(full, &mut plans);
    masks(full, &mut plans);
    windows(full, &mut plans);
    per_row(full, &mut plans);
    together(&mut plans);
    let kinds = plans.into_iter().flat_map(|case| OpKind::ALL.map(|kind| case.clone().of_kind(kind)));
    kinds.filter(|case| case.op.kind != OpKind::RowStats || case.output == DType::F32).collect()
}

impl TensorCase {
    fn of_kind(mut self, kind: OpKind) -> Self {
        self.op.kind = kind;
        self
    }

    fn named(mut self, name: &str) -> Self {
        self.name = format!("{name}, {} to {}", self.data.dtype(), self.output);
        self
    }

    fn typed(mut self, input: DType, output: DType) -> Self {
        let count = self.dims.iter().product();
        let numbers: Vec<f32> = (0..count).map(|i| self.data.get(i)).collect();
        self.data = Elements::of(input, &numbers);
        self.output = output;
        self
    }

    fn with(mut self, change: impl FnOnce(&mut OwnedMasking)) -> Self {
        change(&mut self.masking);
        self
    }

    fn empty_row(mut self, empty_row: EmptyRow) -> Self {
        self.op.empty_row = empty_row;
        self
    }

    fn along(mut self, axis: isize) -> Self {
        self.axes = vec![axis];
        self
    }

    fn scaled(mut self, scale: f32) -> Self {
        self.op.scale = scale;
        self
    }
}

/// An array of logits of f32, of which some are special.
fn array(dims: &[usize], axes: &[isize]) -> TensorCase {
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
fn plain(dims: &[usize]) -> TensorCase {
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

const TYPES: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

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

/// A mask of about two thirds, and rows without any.
fn mask(dims: &[usize]) -> Beside<Vec<bool>> {
    let mut random = seed();
    let row = dims.last().copied().unwrap_or(1).max(1);
    let count: usize = dims.iter().product();
    let data = (0..count).map(|i| i / row % 5 != 4 && random.below(3) > 0).collect();
    Beside { data, dims: dims.to_vec() }
}

fn bias(dims: &[usize], dtype: DType) -> Beside<Elements> {
    let mut random = seed();
    let count: usize = dims.iter().product();
    let numbers: Vec<f32> = (0..count)
        .map(|_| match random.below(8) {
            0 => f32::NEG_INFINITY,
            1 => 0.0,
            _ => 4.0 * random.signed(),
        })
        .collect();
    Beside { data: Elements::of(dtype, &numbers), dims: dims.to_vec() }
}

/// NaN and infinities where a mask hides them.
fn poisoned(mut case: TensorCase) -> TensorCase {
    let (Some(mask), Elements::F32(data)) = (&case.masking.mask, &mut case.data) else { return case };
    assert_eq!(mask.data.len(), data.len(), "a mask of the array's own shape");
    let poison = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN];
    for (i, (x, part)) in data.iter_mut().zip(&mask.data).enumerate() {
        *x = if *part { *x } else { poison[i % 4] };
    }
    case
}

fn masks(full: bool, plans: &mut Vec<TensorCase>) {
    let cols: &[usize] = if full { &[1, 3, 8, 33, 100, 513, 1000, 5000] } else { &[1, 3, 33, 100, 1000] };
    for &cols in cols {
        let dims = [2, 3, 5, cols];
        for in_bits in [false, true] {
            let with = |dims: &[usize]| {
                plain(&[2, 3, 5, cols]).with(|m| (m.mask, m.in_bits) = (Some(mask(dims)), in_bits))
            };
            plans.push(poisoned(with(&dims)).named("a mask over NaN and infinities"));
            plans.push(with(&[2, 1, 1, cols]).named("a mask per batch"));
            plans.push(with(&[5, cols]).empty_row(EmptyRow::Nan).named("a mask per query, empty rows NaN"));
            plans.push(with(&[3, 1, 1]).empty_row(EmptyRow::Zero).named("a mask of whole rows"));
        }
        for dtype in TYPES {
            let with = |dims: &[usize]| plain(&[2, 3, 5, cols]).with(|m| m.bias = Some(bias(dims, dtype)));
            plans.push(with(&dims).named("a bias"));
            plans.push(with(&[5, cols]).typed(dtype, dtype).scaled(0.125).named("a bias per query, scaled"));
        }
    }
    let special = array(&[11, 40], &[-1]).with(|m| m.bias = Some(bias(&[11, 40], DType::F32)));
    plans.push(special.named("a bias on special values"));
    let column = |axes: &[isize]| array(&[24, 18], axes);
    plans.push(column(&[0]).with(|m| m.mask = Some(mask(&[24, 18]))).named("a mask along the first axis"));
    plans.push(
        column(&[0]).with(|m| m.bias = Some(bias(&[24, 1], DType::F32))).named("a bias along the first axis"),
    );
    plans.push(column(&[0, 1]).with(|m| m.mask = Some(mask(&[18]))).named("a mask over all axes"));
}

fn windows(full: bool, plans: &mut Vec<TensorCase>) {
    let shapes: &[[usize; 3]] = if full {
        &[[2, 7, 7], [1, 40, 40], [2, 3, 100], [1, 130, 257], [2, 9, 3], [1, 3, 5000]]
    } else {
        &[[2, 7, 7], [1, 40, 40], [2, 3, 100], [1, 5, 600], [2, 9, 3]]
    };
    for dims in shapes {
        let end = dims[2] as i64 - dims[1] as i64;
        let windows = [
            Window::causal(),
            Window::causal().offset(end),
            Window::causal().offset(-4),
            Window::sliding(5),
            Window::sliding(1).offset(3),
            Window::around(Some(2), Some(3)),
            Window::around(None, None),
            Window::around(Some(0), None),
        ];
        for window in windows {
            plans.push(plain(dims).with(|m| m.window = Some(window)).named("a window"));
        }
        let mut poisoned = plain(dims).with(|m| m.window = Some(Window::sliding(3)));
        if let Elements::F32(data) = &mut poisoned.data {
            // Keys that the first queries do not see.
            data[dims[2] - 1] = f32::NAN;
            data[dims[2].min(5) - 1] = f32::INFINITY;
        }
        plans.push(poisoned.named("a window over NaN and infinities"));
        let typed = plain(dims).typed(DType::F16, DType::F16);
        plans.push(typed.with(|m| m.window = Some(Window::causal())).scaled(0.7).named("causal, scaled"));
    }
}

fn per_row(full: bool, plans: &mut Vec<TensorCase>) {
    for cols in if full { vec![1, 2, 9, 33, 64, 1000, 3000] } else { vec![1, 9, 33, 1000] } {
        let lengths: Vec<u32> = [0, 1, cols as u32 / 2, cols as u32, cols as u32 - 1, 1].into();
        let lengths = Beside { data: lengths, dims: vec![2, 3] };
        let case = plain(&[2, 3, cols]);
        plans.push(case.clone().with(|m| m.lengths = Some(lengths.clone())).named("lengths"));
        let typed = case.clone().typed(DType::BF16, DType::BF16);
        plans.push(typed.with(|m| m.lengths = Some(lengths.clone())).named("lengths"));
        let shared = Beside { data: vec![1.min(cols as u32), cols as u32], dims: vec![2, 1] };
        plans.push(
            case.clone()
                .with(|m| m.lengths = Some(shared))
                .empty_row(EmptyRow::Nan)
                .named("lengths per batch"),
        );
        let sinks = Beside { data: vec![0.0, 3.0, f32::NEG_INFINITY], dims: vec![3] };
        plans.push(case.clone().with(|m| m.sinks = Some(sinks.clone())).named("sinks"));
        let hidden = case.clone().with(|m| (m.sinks, m.lengths) = (Some(sinks), Some(lengths)));
        plans.push(hidden.scaled(0.5).named("sinks and lengths"));
        let odd = [f32::NAN, f32::INFINITY, 0.0, -0.0, 40.0, 1e-40];
        let sinks = Beside { data: odd.to_vec(), dims: vec![2, 3] };
        plans.push(case.clone().with(|m| m.sinks = Some(sinks)).named("odd sinks"));
        let scale = Beside { data: vec![0.5, -1.0, 2.0, 0.0, f32::NAN, 1e30], dims: vec![2, 3] };
        plans.push(case.clone().with(|m| m.row_scale = Some(scale.clone())).named("a scale per row"));
        plans.push(
            array(&[2, 3, cols], &[-1]).with(|m| m.row_scale = Some(scale)).scaled(-1.1).named("two scales"),
        );
        let slopes = alibi_slopes(2);
        let heads = plain(&[2, 3, cols]).with(|m| m.alibi = Some(slopes.clone()));
        plans.push(heads.clone().named("ALiBi"));
        plans.push(
            heads.with(|m| m.window = Some(Window::causal().offset(5))).scaled(0.3).named("ALiBi, causal"),
        );
    }
    let columns = array(&[20, 6], &[0]);
    let scale = Beside { data: vec![0.5, 1.0, -2.0, 3.0, 0.1, 1.0], dims: vec![6] };
    plans.push(columns.clone().with(|m| m.row_scale = Some(scale)).named("a scale per column"));
    let lengths = Beside { data: vec![0, 1, 5, 20, 19, 3], dims: vec![6] };
    plans.push(columns.with(|m| m.lengths = Some(lengths)).named("lengths of columns"));
}

fn together(plans: &mut Vec<TensorCase>) {
    for (input, output) in [(DType::F32, DType::F32), (DType::F16, DType::F16), (DType::BF16, DType::F32)] {
        for cols in [7, 64, 300] {
            let case = plain(&[2, 2, 6, cols]).typed(input, output).scaled(0.353_553_4);
            let all = case.with(|m| {
                m.mask = Some(mask(&[2, 1, 1, cols]));
                m.bias = Some(bias(&[6, cols], input));
                m.window = Some(Window::sliding(cols as u64 / 2 + 1).offset(cols as i64 - 6));
                m.lengths = Some(Beside { data: vec![cols as u32, cols as u32 - 2], dims: vec![2, 1, 1] });
                m.sinks = Some(Beside { data: vec![0.25, -1.0], dims: vec![2, 1] });
                m.row_scale = Some(Beside { data: vec![1.0, 0.5, 2.0, 1.5, 0.75, 1.25], dims: vec![6] });
                m.alibi = Some(alibi_slopes(2));
            });
            plans.push(all.named("everything together"));
        }
    }
}
