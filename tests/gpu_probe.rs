//! The arithmetic that the promise rests on, asked of each adapter.

mod common;

use common::gpu::Gpu;
use wgpu_softmax::verify::{arithmetic_probe, probe_device};

#[test]
fn every_adapter_rounds_to_nearest_even() {
    let probes: Vec<_> = arithmetic_probe().into_iter().collect();
    for entry in common::test_adapters() {
        let gpu = Gpu::with_limits(&entry, |_| ());
        let answers = probe_device(&gpu.device, &gpu.queue, &probes).unwrap();
        assert_eq!(answers.len(), probes.len());
        for (probe, answer) in probes.iter().zip(answers) {
            assert!(probe.holds(answer), "{entry}: {probe:?} gives {answer:#010x}");
        }
    }
}
