//! Cases of what stands beside an input.

use super::cases::{TYPES, array, plain};
use super::{Beside, Elements, TensorCase};
use crate::verify::random::Random;
use crate::{DType, EmptyRow, Window, alibi_slopes};

fn seed() -> Random {
    Random::of("tensors", 0, 0)
}

/// A mask of about two thirds, and rows without any.
pub(super) fn mask(dims: &[usize]) -> Beside<Vec<bool>> {
    let mut random = seed();
    let row = dims.last().copied().unwrap_or(1).max(1);
    let count: usize = dims.iter().product();
    let data = (0..count).map(|i| i / row % 5 != 4 && random.below(3) > 0).collect();
    Beside { data, dims: dims.to_vec() }
}

pub(super) fn bias(dims: &[usize], dtype: DType) -> Beside<Elements> {
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

pub(super) fn masks(full: bool, plans: &mut Vec<TensorCase>) {
    let cols: &[usize] =
        if full { &[1, 3, 8, 33, 50, 100, 513, 1000, 1001, 5000] } else { &[1, 3, 33, 50, 100, 1001] };
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
    // Far more rows than go together.
    for (input, in_bits) in [(DType::F32, false), (DType::F32, true), (DType::F16, false)] {
        let all = plain(&[1500, 9]).typed(input, input);
        let all = all.with(|m| (m.mask, m.in_bits) = (Some(mask(&[9])), in_bits));
        plans.push(all.clone().named("one mask for all rows"));
        plans
            .push(all.scaled(0.3).with(|m| m.bias = Some(bias(&[1500, 9], input))).named("one mask, a bias"));
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

pub(super) fn windows(full: bool, plans: &mut Vec<TensorCase>) {
    let shapes: &[[usize; 3]] = if full {
        &[
            [2, 7, 7],
            [1, 40, 40],
            [2, 39, 41],
            [2, 3, 100],
            [1, 130, 257],
            [2, 9, 3],
            [1, 3, 5000],
            [2, 50, 700],
        ]
    } else {
        &[[2, 7, 7], [1, 40, 40], [2, 39, 41], [2, 3, 100], [1, 5, 602], [2, 9, 3], [1, 20, 300]]
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

pub(super) fn per_row(full: bool, plans: &mut Vec<TensorCase>) {
    for cols in if full { vec![1, 2, 9, 33, 64, 1000, 1001, 3000] } else { vec![1, 9, 33, 1001] } {
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

pub(super) fn together(plans: &mut Vec<TensorCase>) {
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
