//! Rows of lengths of their own, against the specification of each row alone.

use wgpu_softmax::gpu::{DTypes, SoftmaxArgs, TensorRef, Terms};
use wgpu_softmax::verify::tensor::{
    Beside, Elements, OwnedMasking, TensorCase, expected_tensor, first_tensor_difference,
};
use wgpu_softmax::{DType, Error, Op, OpKind, Shape};

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

/// Rows whose buffers, offsets or columns leave them no element: what the sinks give.
pub fn of_no_elements(device: &Device, on: &str) {
    let buffer = |words: &[u32]| device.filled(bytemuck::cast_slice(words));
    let run = |op: Op, max_cols, offsets: &[u32], elements: TensorRef<'_>| {
        let terms = Terms::new().sinks(&[3]);
        let prepared = device.ops.prepare_ragged(op, 3, max_cols, DTypes::F32, &terms).unwrap();
        let (out, offsets) = (buffer(&[7; 3]), buffer(offsets));
        let sinks = buffer(&[0.5f32, f32::NAN, -2.0].map(f32::to_bits));
        let args = SoftmaxArgs::new(elements, device.at(&out)).offsets(device.at(&offsets));
        let plan = prepared.bind(args.sinks(device.at(&sinks))).unwrap();
        device.gpu.submit(&[&plan], &out)[device.guard / 4..][..3].to_vec()
    };
    let some = buffer(&[0; 8]);
    let at_end = TensorRef::from(&some).at(some.size());
    let log_sum_exp = Op::new(OpKind::LogSumExp);
    let sinks = [0.5, f32::from_bits(0x7fc0_0000), -2.0].map(f32::to_bits);
    assert_eq!(run(log_sum_exp, 0, &[0, 2, 4, 5], device.at(&some)), sinks, "{on}");
    assert_eq!(run(log_sum_exp, 5, &[0; 4], at_end), sinks, "{on}");
    assert_eq!(run(Op::new(OpKind::Softmax), 5, &[0; 4], at_end), [7; 3], "{on}");
}

/// Rows in buffers larger than the 16 KiB that the device binds: where they lie only the caller knows.
pub fn beyond_a_binding(device: &Device) {
    let x = common::gpu::logits(10_000);
    let (input, out) = (device.gpu.filled(0, &x), device.gpu.filled(0, &vec![0.0; 10_000]));
    let offsets = device.filled(bytemuck::cast_slice(&[0u32, 3, 3, 40]));
    let softmax = Op::new(OpKind::Softmax);
    let prepared = device.ops.prepare_ragged(softmax, 3, 40, DTypes::F32, &Terms::new()).unwrap();
    let bind = |offset, size: Option<u64>| {
        let of = |buffer| {
            let tensor = TensorRef::from(buffer).at(offset);
            size.map_or(tensor, |size| tensor.with_size(size))
        };
        prepared.bind(SoftmaxArgs::new(of(&input), of(&out)).offsets(device.at(&offsets)))
    };
    let all = bind(0, None).unwrap_err().to_string();
    assert!(all.contains("16384") && all.contains("TensorRef::with_size"), "{all}");
    let behind = bind(400, Some(40_000)).unwrap_err().to_string();
    assert!(behind.starts_with("input: its 40000 bytes from 400 on"), "{behind}");
    let plan = bind(20_000, Some(160)).unwrap();
    let got = device.gpu.submit(&[&plan], &out);
    let row = |from: usize, to: usize| common::expected(softmax, &x[from..to], Shape::rows(1, to - from));
    let want: Vec<u32> = [row(5000, 5003), row(5003, 5040)].concat().into_iter().map(f32::to_bits).collect();
    assert!(got[5000..5040] == want && got[..5000].iter().chain(&got[5040..10_000]).all(|word| *word == 0));
}
