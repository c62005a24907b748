//! What is wrong with buffers, and beyond a device's limits, ends in `Result`: nothing of it reaches an
//! application's handler of uncaptured errors, which panics unless it was replaced.

mod common;

use std::sync::{Arc, Mutex};

use common::gpu::Gpu;
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::{DTypes, Options, Plan, Prepared, SoftmaxArgs, TensorRef, Terms};
use wgpu_softmax::{DType, Error, LogSumExp, Op, Shape, Softmax, wgpu};

/// A device whose uncaptured errors are kept.
struct Watched {
    gpu: Gpu,
    uncaptured: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn new(entry: &AdapterEntry, change: impl FnOnce(&mut wgpu::Limits)) -> Self {
        let gpu = Gpu::with_limits(entry, change);
        let uncaptured = Arc::new(Mutex::new(Vec::new()));
        let keep = uncaptured.clone();
        gpu.device
            .on_uncaptured_error(Arc::new(move |e: wgpu::Error| keep.lock().unwrap().push(e.to_string())));
        Self { gpu, uncaptured }
    }

    /// The line that says why; panics where there is none, or something went past it.
    fn refused(&self, bound: Result<Plan, Error>) -> (Error, String) {
        let uncaptured = self.uncaptured.lock().unwrap();
        assert!(uncaptured.is_empty(), "{:?} beside {bound:?}", *uncaptured);
        let error = bound.unwrap_err();
        let line = error.to_string();
        assert!(line.lines().count() == 1, "{line}");
        (error, line)
    }

    fn ragged(&self, op: impl Into<Op>) -> Prepared {
        let ops = self.gpu.ops(Options::default());
        ops.prepare_ragged(op, 3, 5, DTypes::F32, &Terms::new()).unwrap()
    }
}

#[test]
fn ragged_buffers_that_cannot_be_bound_are_named() {
    for entry in common::test_adapters() {
        let device = Watched::new(&entry, |_| ());
        let [good, other, offsets] = [(); 3].map(|()| device.gpu.filled(0, &[0.0; 16]));
        let plain = device.gpu.unbindable(320);
        let beyond = TensorRef::from(&good).at(good.size() + 4);
        for prepared in [device.ragged(Softmax::new()), device.ragged(LogSumExp::new())] {
            let refused = |args: SoftmaxArgs<'_>| device.refused(prepared.bind(args.offsets(&offsets))).1;
            for (args, operand, why) in [
                (SoftmaxArgs::new(&plain, &other), "input: ", "BufferUsages::STORAGE"),
                (SoftmaxArgs::new(&good, &plain), "output: ", "BufferUsages::STORAGE"),
                (SoftmaxArgs::new(beyond, &other), "input: ", "324 bytes into its buffer of 320"),
            ] {
                let line = refused(args);
                assert!(line.starts_with(operand) && line.contains(why), "{entry}: {line}");
            }
        }
        let line = device
            .refused(device.ragged(Softmax::new()).bind(SoftmaxArgs::new(&other, beyond).offsets(&offsets)));
        assert!(line.1.starts_with("output: "), "{line:?}");
    }
}

#[test]
fn buffers_of_no_use_to_the_device_are_refused() {
    for entry in common::test_adapters() {
        let (device, another) = (Watched::new(&entry, |_| ()), Watched::new(&entry, |_| ()));
        let [good, destroyed] = [(); 2].map(|()| device.gpu.filled(0, &[0.0; 16]));
        destroyed.destroy();
        let foreign = another.gpu.filled(0, &[0.0; 16]);
        let scope = device.gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        // Mapping asks for COPY_DST alone beside it.
        let invalid = device.gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 320,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE,
            mapped_at_creation: false,
        });
        let is_invalid = pollster::block_on(scope.pop()).is_some();
        let ops = device.gpu.ops(Options::default());
        let (shape, halves) = (Shape::rows(2, 4), DTypes::new(DType::F16, DType::F16));
        let plain = ops.prepare(Softmax::new(), shape, DTypes::F32).unwrap();
        let tensor = ops.prepare(Softmax::new(), shape, halves).unwrap();
        for (buffer, what) in [(&foreign, "foreign"), (&destroyed, "destroyed"), (&invalid, "invalid")] {
            if what == "invalid" && !is_invalid {
                continue;
            }
            for prepared in [&plain, &tensor] {
                for args in [SoftmaxArgs::new(buffer, &good), SoftmaxArgs::new(&good, buffer)] {
                    let (error, line) = device.refused(prepared.bind(args));
                    assert!(matches!(error, Error::Binding { .. }), "{entry} {what}: {line}");
                }
            }
            let offsets = SoftmaxArgs::in_place(&good).offsets(buffer);
            device.refused(device.ragged(Softmax::new()).bind(offsets));
        }
    }
}

#[test]
fn limits_below_what_a_plan_tells_its_shaders_are_named() {
    for entry in common::test_adapters() {
        let small_storage = |limits: &mut wgpu::Limits| limits.max_storage_buffer_binding_size = 512;
        let small_uniform = |limits: &mut wgpu::Limits| limits.max_uniform_buffer_binding_size = 16;
        let halves = DTypes::new(DType::F16, DType::F16);
        for (device, types, what) in [
            (Watched::new(&entry, small_storage), halves, "max_storage_buffer_binding_size"),
            (Watched::new(&entry, small_uniform), halves, "max_uniform_buffer_binding_size"),
            (Watched::new(&entry, small_uniform), DTypes::F32, "max_uniform_buffer_binding_size"),
        ] {
            let ops = device.gpu.ops(Options::default());
            let prepared = ops.prepare(Softmax::new(), Shape::rows(2, 4), types).unwrap();
            let [good, other] = [(); 2].map(|()| device.gpu.filled(0, &[0.0; 16]));
            let (error, line) = device.refused(prepared.bind(SoftmaxArgs::new(&good, &other)));
            assert!(matches!(error, Error::Limit { .. }) && line.contains(what), "{entry}: {line}");
        }
    }
}
