//! How roundings are kept on each adapter: decorated where Vulkan takes SPIR-V as it is, else sealed.

mod common;

use common::gpu::{Gpu, logits};
use wgpu_softmax::gpu::{Options, Rounding};
use wgpu_softmax::wgpu::{Backend, Features};
use wgpu_softmax::{Context, Op, OpKind, Shape};

#[test]
fn what_keeps_roundings_is_the_cheapest_that_a_device_has_unless_told_otherwise() {
    for entry in common::test_adapters() {
        let with = |features| Gpu::new(&entry, features, |_| ());
        let usual = match entry.info.backend {
            Backend::Vulkan => Rounding::Decorated,
            _ => Rounding::Sealed,
        };
        assert_eq!(with(Features::PASSTHROUGH_SHADERS).ops(Options::default()).rounding(), usual, "{entry}");
        assert_eq!(with(Features::empty()).ops(Options::default()).rounding(), Rounding::Sealed, "{entry}");
        let sealed = with(Features::PASSTHROUGH_SHADERS).ops(Options::default().sealed());
        assert_eq!(sealed.rounding(), Rounding::Sealed, "{entry}");
        let context = pollster::block_on(Context::on(entry.clone(), Options::default())).unwrap();
        assert_eq!(context.ops().unwrap().rounding(), usual, "{entry}: a device of our own");
    }
}

/// One context, told back and forth.
#[test]
fn the_bits_are_the_same_either_way() {
    let (shape, x) = (Shape::rows(40, 300), logits(40 * 300));
    for entry in common::test_adapters() {
        let mut context = pollster::block_on(Context::on(entry.clone(), Options::default())).unwrap();
        for kind in [OpKind::Softmax, OpKind::LogSoftmax, OpKind::LogSumExp] {
            let op = Op::new(kind).scale(1.5);
            let want = common::expected(op, &x, shape);
            for options in [Options::default(), Options::default().sealed(), Options::default()] {
                let sealed = options.sealed || entry.info.backend != Backend::Vulkan;
                pollster::block_on(context.set_options(options)).unwrap();
                assert_eq!(context.ops().unwrap().rounding() == Rounding::Sealed, sealed, "{entry}");
                let got = context.run_blocking(op, &x, shape).unwrap();
                assert!(common::same(&got, &want), "{entry} {kind:?}");
            }
        }
    }
}
