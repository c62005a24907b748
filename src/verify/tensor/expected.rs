//! What a case must give.

use super::{Elements, TensorCase};
use crate::cpu::{half, masking as stage, reference};
use crate::{DType, OpKind};

/// One index for each axis.
type Index = Vec<usize>;

/// The element of an array of these axes that an index of others falls on, with broadcasting.
fn place(dims: &[usize], index: &[usize]) -> usize {
    let own = &index[index.len() - dims.len()..];
    dims.iter().zip(own).fold(0, |place, (&dim, &i)| place * dim + if dim == 1 { 0 } else { i })
}

/// The indices of some axes in C order.
fn indices(dims: &[usize]) -> impl Iterator<Item = Index> + use<'_> {
    let count: usize = dims.iter().product();
    (0..count).map(move |mut i| {
        let mut index = vec![0; dims.len()];
        for (place, &dim) in index.iter_mut().zip(dims).rev() {
            (*place, i) = (i % dim, i / dim);
        }
        index
    })
}

/// The bits of a case's results: of an element of each row, of a row, or eight words per row; in C order
/// of the array, or of the axes that are kept. Those of 16-bit results are in the lower half.
///
/// # Panics
/// Where the case's operands do not fit, which those of the battery do.
pub fn expected_tensor(case: &TensorCase) -> Vec<u32> {
    let shape = case.shape().expect("a case has a shape");
    let op = case.masking.borrow(&[]).settle(case.op).checked().expect("a finite scale");
    let (rows, cols): (Vec<_>, Vec<_>) = (0..case.dims.len()).partition(|&axis| !shape.is_reduced(axis));
    let sizes = |axes: &[usize]| axes.iter().map(|&axis| case.dims[axis]).collect::<Vec<_>>();
    let words = if op.kind == OpKind::RowStats { 8 } else { 1 };
    let per_element = op.kind.is_elementwise();
    let mut found =
        vec![0; if per_element { case.dims.iter().product() } else { shape.row_count() as usize * words }];
    for (row, kept) in indices(&sizes(&rows)).enumerate() {
        let mut index = vec![0; case.dims.len()];
        rows.iter().zip(&kept).for_each(|(&axis, &i)| index[axis] = i);
        let mut places = Vec::new();
        let mut logits = Vec::new();
        for (col, own) in indices(&sizes(&cols)).enumerate() {
            cols.iter().zip(&own).for_each(|(&axis, &i)| index[axis] = i);
            places.push(place(&case.dims, &index));
            logits.push(logit(case, op.scale, &kept, &index, col));
        }
        logits.extend(case.masking.sinks.as_ref().map(|sinks| sinks.data[place(&sinks.dims, &kept)]));
        let exact = crate::Op { scale: 1.0, ..op };
        match op.kind {
            OpKind::Softmax | OpKind::LogSoftmax => {
                let mut results = vec![0.0; logits.len()];
                reference::row(&exact, &logits, &mut results);
                places.iter().zip(results).for_each(|(&at, y)| found[at] = bits(case.output, y));
            }
            OpKind::LogSumExp => found[row] = bits(case.output, reference::log_sum_exp_row(&exact, &logits)),
            OpKind::RowStats => {
                let stats = reference::row_stats(&logits, 1.0);
                found[row * 8..][..8].copy_from_slice(bytemuck::cast_slice(&[stats]));
            }
        }
    }
    found
}

/// An element with everything beside it; `index` is that of the array, `kept` that of its row.
fn logit(case: &TensorCase, scale: f32, kept: &[usize], index: &[usize], col: usize) -> f32 {
    let beside = &case.masking;
    let (rank, q) = (index.len(), if index.len() >= 2 { index[index.len() - 2] } else { 0 });
    let hidden = [
        beside.mask.as_ref().is_some_and(|mask| !mask.data[place(&mask.dims, index)]),
        beside
            .lengths
            .as_ref()
            .is_some_and(|lengths| col >= lengths.data[place(&lengths.dims, kept)] as usize),
        beside.window.is_some_and(|window| {
            let behind = q as i128 + i128::from(window.offset) - col as i128;
            let before = window.before.is_some_and(|before| behind > i128::from(before));
            before || window.after.is_some_and(|after| -behind > i128::from(after))
        }),
    ];
    if hidden.contains(&true) {
        return stage::MASKED;
    }
    let x = widened(&case.data, place(&case.dims, index));
    let mut v = match &beside.row_scale {
        Some(of_row) => {
            stage::scaled_by_row(x, stage::row_scale(scale, of_row.data[place(&of_row.dims, kept)]))
        }
        None => crate::cpu::special::scaled(x, scale),
    };
    if let Some(bias) = &beside.bias {
        v = stage::biased(v, widened(&bias.data, place(&bias.dims, index)));
    }
    if let Some(slopes) = &beside.alibi {
        let slope = slopes[if slopes.len() == 1 { 0 } else { index[rank - 3] }];
        let own = (q as i64).saturating_add(beside.window.map_or(0, |window| window.offset));
        v = stage::biased(
            v,
            stage::alibi(slope, u32::try_from(own.abs_diff(col as i64)).unwrap_or(u32::MAX)),
        );
    }
    v
}

fn widened(x: &Elements, at: usize) -> f32 {
    match x {
        Elements::F32(x) => x[at],
        Elements::F16(x) => half::from_f16(x[at].to_bits()),
        Elements::BF16(x) => half::from_bf16(x[at].to_bits()),
        Elements::F64(x) => x[at] as f32,
    }
}

fn bits(dtype: DType, y: f32) -> u32 {
    match dtype {
        DType::F16 => half::to_f16(y).into(),
        DType::BF16 => half::to_bf16(y).into(),
        _ => y.to_bits(),
    }
}

/// The first word in which the results of a case differ from what they must be, in words.
pub fn first_tensor_difference(case: &TensorCase, expected: &[u32], got: &[u32]) -> Option<String> {
    if expected.len() != got.len() {
        return Some(format!("{}: {} results, must be {}", case.name, got.len(), expected.len()));
    }
    let at = expected.iter().zip(got).position(|(a, b)| a != b)?;
    Some(format!(
        "{} of {} {:?} along {:?}: result {at} is {:#x}, must be {:#x}",
        case.op.kind.name(),
        case.name,
        case.dims,
        case.axes,
        got[at],
        expected[at]
    ))
}
