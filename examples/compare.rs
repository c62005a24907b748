//! One batch on the CPU and on every adapter: times, and whether the bits agree.
//!
//! `cargo run --release --example compare [ROWS COLS]`

use std::time::Instant;

use wgpu_softmax::gpu::{Options, adapter::adapters};
use wgpu_softmax::{Context, Shape, Softmax, cpu};

fn main() -> Result<(), wgpu_softmax::Error> {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (rows, cols) = if let [rows, cols] = sizes[..] { (rows, cols) } else { (4096, 1000) };
    let shape = Shape::rows(rows, cols);
    let logits: Vec<f32> = (0..rows * cols).map(|i| ((i * 7919) % 1009) as f32 * 0.02 - 10.0).collect();

    let mut on_cpu = vec![0.0; logits.len()];
    cpu::softmax(&logits, shape, &mut on_cpu)?; // Pages and threads are there now.
    let start = Instant::now();
    cpu::softmax(&logits, shape, &mut on_cpu)?;
    println!("{rows} x {cols}\n{:>8.2} ms  CPU", start.elapsed().as_secs_f64() * 1e3);

    let mut equal = true;
    for entry in pollster::block_on(adapters()) {
        let context = pollster::block_on(Context::on(entry.clone(), Options::default()))?;
        let mut on_gpu = vec![0.0; logits.len()];
        context.run_into_blocking(Softmax::new(), &logits, shape, &mut on_gpu)?; // Compiles.
        let timing = context.run_into_blocking(Softmax::new(), &logits, shape, &mut on_gpu)?;
        let same = on_gpu.iter().zip(&on_cpu).all(|(a, b)| a.to_bits() == b.to_bits());
        equal &= same;
        println!(
            "{:>8.2} ms  {entry}, of it {:.2} ms in the kernel {}: {}",
            timing.total.as_secs_f64() * 1e3,
            timing.compute.as_secs_f64() * 1e3,
            timing.kernel,
            if same { "bit-identical" } else { "BITS DIFFER" }
        );
    }
    assert!(equal, "the bits differ: run `softmax verify` and report what it prints");
    Ok(())
}
