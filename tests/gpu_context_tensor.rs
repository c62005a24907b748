//! Tensors through a context of each adapter: the bits of the specification, for a part of the battery that
//! has every kind of axis, type and mask.

mod common;

use common::contexts;
use wgpu_softmax::gpu::Options;
use wgpu_softmax::stream::Summary;
use wgpu_softmax::verify::Thoroughness;
use wgpu_softmax::verify::tensor::{
    TensorRunner, expected_tensor, first_tensor_difference, tensor_by, tensor_cases,
};
use wgpu_softmax::{Context, DType, Element, Error, Masking, Op, OpKind, Shape, Softmax, cpu, f16};

struct Through<'a>(&'a Context);

impl TensorRunner for Through<'_> {
    fn run<X: Element, Y: Element>(
        &self,
        op: Op,
        x: &[X],
        shape: Shape,
        masking: &Masking,
        y: &mut [Y],
    ) -> Result<(), Error> {
        self.0.run_tensor_blocking(op, x, shape, masking, y).map(drop)
    }
}

fn bytes<Y: Element>(y: &[Y]) -> &[u8] {
    bytemuck::cast_slice(y)
}

#[test]
fn tensors_have_the_bits_of_the_specification_on_every_device() {
    let contexts = contexts();
    let full = std::env::var_os("SOFTMAX_FULL").is_some();
    for (index, case) in tensor_cases(Thoroughness::Quick).iter().enumerate() {
        // A prime, so that kinds of operations and cases come up in all pairs.
        if !full && index % 7 != 0 {
            continue;
        }
        let expected = expected_tensor(case);
        for context in &contexts {
            let found = tensor_by(&Through(context), case).unwrap();
            if let Some(difference) = first_tensor_difference(case, &expected, &found) {
                panic!("{}: {difference}", context.adapter().unwrap());
            }
        }
    }
}

#[test]
fn in_place_and_in_pieces_the_bits_are_the_same() {
    let (rows, cols) = (5, 3001);
    let x: Vec<f16> = (0..rows * cols).map(|i| f16::from_f32((i % 977) as f32 * 0.01)).collect();
    let shape = Shape::along(&[cols, rows], &[0]).unwrap();
    let lengths = [3001, 7, 0, 2000, 1];
    let masking = Masking::new().lengths(&lengths, &[5]);
    let mut expected = x.clone();
    wgpu_softmax::cpu::run_tensor_in_place(Softmax::new(), &mut expected, shape, &masking).unwrap();
    for entry in common::test_adapters() {
        // Buffers of 8 KiB: a row of 12 kB is cut.
        let limits = wgpu_softmax::wgpu::Limits {
            max_buffer_size: 8192,
            max_storage_buffer_binding_size: 8192,
            ..entry.adapter.limits()
        };
        for limits in [entry.adapter.limits(), limits] {
            let context =
                pollster::block_on(Context::on_limited(entry.clone(), Options::default(), limits)).unwrap();
            let mut found = x.clone();
            context.run_tensor_in_place_blocking(Softmax::new(), &mut found, shape, &masking).unwrap();
            assert!(bytes(&found) == bytes(&expected), "{entry}");
        }
    }
}

#[test]
fn doubles_are_the_cpus() {
    for context in contexts() {
        let told = context
            .run_tensor_blocking(
                Softmax::new(),
                &[1.0f64, 2.0],
                Shape::rows(1, 2),
                &Masking::new(),
                &mut [0.0f64; 2],
            )
            .unwrap_err();
        assert!(matches!(told, Error::DType { dtype: DType::F64, .. }), "{told}");
    }
}

/// A stream is of rows that lie one after the other: other shapes are refused, not misread.
#[test]
fn a_stream_refuses_rows_along_other_axes() {
    let context = Context::cpu("a test");
    let shape = Shape::along(&[2, 3], &[0]).unwrap();
    let x = [0.0f32; 6];
    let told: Result<Summary, Error> = wgpu_softmax::stream::Stream::new(&context, Softmax::new(), shape)
        .run_blocking(&x[..], &mut [0.0f32; 6][..]);
    assert!(matches!(told, Err(Error::Axis { axis: 0, .. })), "{told:?}");
}

#[test]
fn ragged_rows_have_the_bits_of_the_cpu() {
    let lengths = [3u64, 0, 1, 700, 17, 18, 0, (1 << 18) + 1, 1 << 18, 5, 64, 2];
    let mut offsets = vec![0];
    offsets.extend(lengths.iter().scan(0, |end, len| {
        *end += len;
        Some(*end)
    }));
    let x: Vec<f32> = (0..*offsets.last().unwrap()).map(|i| (i * 7919 % 1009) as f32 * 0.02 - 9.0).collect();
    let (scales, sinks) = ([0.5f32; 12], [1.0f32, 2.0, 0.0, 9.0, 1.0, 1.0, -3.0, 4.0, 4.0, 0.0, 0.0, 1.0]);
    let dims = [12];
    let beside = [Masking::new(), Masking::new().row_scale(&scales, &dims).sinks(&sinks, &dims)];
    for context in contexts() {
        for masking in &beside {
            for kind in OpKind::ALL {
                let op = Op::new(kind);
                let len = if kind.is_elementwise() {
                    x.len()
                } else {
                    12 * if kind == OpKind::RowStats { 8 } else { 1 }
                };
                let (mut expected, mut found) = (vec![0.0f32; len], vec![7.0f32; len]);
                cpu::run_ragged_with(&cpu::Options::new(), op, &x, &offsets, masking, &mut expected).unwrap();
                context.run_ragged_blocking(op, &x, &offsets, masking, &mut found).unwrap();
                assert!(
                    bytes(&found) == bytes(&expected),
                    "{} on {}",
                    kind.name(),
                    context.adapter().unwrap()
                );
            }
        }
    }
}

#[test]
fn ragged_rows_without_elements_name_what_computed_them() {
    for context in contexts() {
        let mut out = [0.0f32; 2];
        let timing = context.run_ragged_blocking(
            Op::new(OpKind::LogSumExp),
            &[] as &[f32],
            &[0, 0, 0],
            &Masking::new(),
            &mut out,
        );
        assert_eq!((timing.unwrap().kernel, out), ("cpu", [f32::NEG_INFINITY; 2]));
    }
}
