//! Cases of rows along other axes that lie side by side in whole units of four, which a lane of a kernel may
//! take together, and of what stands beside them: different for each of the four.

use super::beside::{bias, mask};
use super::cases::{array, plain};
use super::{Beside, TensorCase};
use crate::{DType, EmptyRow};

const TYPES: [(DType, DType); 5] = [
    (DType::F32, DType::F32),
    (DType::F16, DType::F16),
    (DType::BF16, DType::F32),
    (DType::F32, DType::F16),
    (DType::BF16, DType::BF16),
];

pub(super) fn side_by_side(full: bool, plans: &mut Vec<TensorCase>) {
    let shapes: &[(&[usize], &[isize])] = &[
        (&[9, 8], &[0]),
        (&[16, 36], &[0]),
        (&[3, 17, 4], &[1]),
        (&[40, 5, 12], &[0]),
        (&[2, 5, 7, 8], &[0, 2]),
        (&[300, 20], &[0]),
        (&[1030, 4], &[0]),
    ];
    for (dims, axes) in shapes {
        for (i, (input, output)) in TYPES.into_iter().enumerate().filter(|(i, _)| full || i % 2 == 0) {
            let case = array(dims, axes).typed(input, output);
            plans.push(case.scaled([1.0, 0.7, -1.5][i % 3]).named("rows side by side"));
        }
    }
    // As long as several lanes share.
    for (input, output) in &TYPES[..if full { 5 } else { 2 }] {
        plans.push(plain(&[20_000, 8]).along(0).typed(*input, *output).named("long rows side by side"));
    }
    if full {
        plans.push(plain(&[(1 << 18) + 1, 4]).along(0).named("the third bin of rows side by side"));
    }
    for (input, output) in &TYPES[..3] {
        for dims in [[2, 7, 12], [2, 50, 8]] {
            with_terms(&plain(&dims).along(1).typed(*input, *output), &dims, plans);
        }
    }
}

/// A case with each of what may stand beside it, and with all.
fn with_terms(case: &TensorCase, dims: &[usize; 3], plans: &mut Vec<TensorCase>) {
    let [batch, cols, rows] = *dims;
    let input = case.data.dtype();
    let each = |f: &dyn Fn(usize) -> f32| (0..batch * rows).map(f).collect::<Vec<_>>();
    let lengths: Vec<u32> = (0..batch * rows).map(|row| (row * 3 % (cols + 1)) as u32).collect();
    let lengths = Beside { data: lengths, dims: vec![batch, rows] };
    let sinks = Beside { data: each(&|row| (row % 5) as f32 - 2.0), dims: vec![batch, rows] };
    let scale = Beside { data: each(&|row| [0.5, -1.0, 2.0, 0.0, 1.0][row % 5]), dims: vec![batch, rows] };
    let per_row = Beside { data: (0..rows).map(|row| row % 3 != 1).collect(), dims: vec![rows] };
    plans.extend([
        case.clone().with(|m| m.mask = Some(mask(dims))).named("a mask side by side"),
        case.clone()
            .with(|m| (m.mask, m.in_bits) = (Some(mask(&[cols, 1])), true))
            .named("a mask of columns side by side"),
        case.clone()
            .with(|m| (m.mask, m.in_bits) = (Some(per_row.clone()), true))
            .empty_row(EmptyRow::Nan)
            .named("a mask of whole rows side by side"),
        case.clone().with(|m| m.bias = Some(bias(dims, input))).named("a bias side by side"),
        case.clone().with(|m| m.lengths = Some(lengths.clone())).named("lengths side by side"),
        case.clone().with(|m| m.sinks = Some(sinks.clone())).named("sinks side by side"),
        case.clone().with(|m| m.row_scale = Some(scale.clone())).named("a scale per row side by side"),
        case.clone()
            .scaled(0.3)
            .with(|m| {
                m.mask = Some(mask(dims));
                m.bias = Some(bias(&[cols, rows], DType::F32));
                (m.lengths, m.sinks, m.row_scale) = (Some(lengths), Some(sinks), Some(scale));
            })
            .named("everything side by side"),
    ]);
}
