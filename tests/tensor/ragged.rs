//! Rows of lengths of their own, against the specification of each row alone.

use wgpu_softmax::gpu::{DTypes, SoftmaxArgs, Terms};
use wgpu_softmax::verify::tensor::{
    Beside, Elements, OwnedMasking, TensorCase, expected_tensor, first_tensor_difference,
};
use wgpu_softmax::{DType, Error, Op, OpKind};

use super::{Device, words_of};
use crate::common;

/// Runs one operation on ragged rows with a sink and a scale each, and compares it row by row.
pub fn ragged(
    device: &Device,
    kind: OpKind,
    (input, output): (DType, DType),
    lengths: &[usize],
    offsets: &[u32],
    on: &str,
) {
    let rows = lengths.len();
    let case = |row: usize, len: usize, at: usize, data: &Elements| {
        let numbers: Vec<f32> = (at..at + len).map(|i| data.get(i)).collect();
        let masking = OwnedMasking {
            sinks: Some(Beside { data: vec![row as f32 - 3.0], dims: vec![1] }),
            row_scale: Some(Beside { data: vec![0.5 + row as f32 / 8.0], dims: vec![1] }),
            ..Default::default()
        };
        TensorCase {
            name: format!("ragged row {row}"),
            op: Op::new(kind),
            dims: vec![1, len],
            axes: vec![1],
            data: Elements::of(input, &numbers),
            output,
            masking,
        }
    };
    let total = 360;
    let data = Elements::of(input, &common::gpu::logits(total));
    let elements = device.filled(data.bytes());
    let size = output.bytes() as usize;
    let words = if kind == OpKind::RowStats { 8 } else { 1 };
    let results = if kind.is_elementwise() { total } else { rows * words };
    let out = device.filled(&vec![0xff; results * size]);
    let sinks: Vec<f32> = (0..rows).map(|row| row as f32 - 3.0).collect();
    let scales: Vec<f32> = (0..rows).map(|row| 0.5 + row as f32 / 8.0).collect();
    let bytes = |x: &[f32]| device.filled(bytemuck::cast_slice(x));
    let (sinks, scales, starts) =
        (bytes(&sinks), bytes(&scales), device.filled(bytemuck::cast_slice(offsets)));
    let terms = Terms::new().sinks(&[rows]).row_scale(&[rows]);
    let prepared =
        match device.ops.prepare_ragged(Op::new(kind), rows, 129, DTypes::new(input, output), &terms) {
            Err(Error::Kernel { .. }) => return,
            prepared => prepared.unwrap(),
        };
    let args = SoftmaxArgs::new(device.at(&elements), device.at(&out)).offsets(device.at(&starts));
    let plan = prepared.bind(args.sinks(device.at(&sinks)).row_scale(device.at(&scales))).unwrap();
    let got = device.gpu.submit(&[&plan], &out);
    let got: &[u8] = bytemuck::cast_slice(&got);
    let got = words_of(output, &got[device.guard..][..results * size]);
    let mut touched = vec![false; results];
    for (row, &len) in lengths.iter().enumerate() {
        let at = offsets[row] as usize;
        let case = case(row, len, at, &data);
        let place = if kind.is_elementwise() { at..at + len } else { row * words..(row + 1) * words };
        touched[place.clone()].fill(true);
        let different = first_tensor_difference(&case, &expected_tensor(&case), &got[place]);
        assert!(different.is_none(), "{on} {input} to {output}: {}", different.unwrap());
    }
    let poison = if size == 2 { 0xffff } else { u32::MAX };
    assert!(
        got.iter().zip(touched).all(|(word, touched)| touched || *word == poison),
        "{on}: a neighbour was written"
    );
}
