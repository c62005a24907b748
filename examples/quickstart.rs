//! Softmax of a small batch, on a GPU where there is one, else on the CPU: the same bits either way.
//!
//! `cargo run --release --example quickstart`

use wgpu_softmax::{Context, Shape, Softmax};

fn main() -> Result<(), wgpu_softmax::Error> {
    pollster::block_on(async {
        let context = Context::new().await;
        match context.adapter() {
            Some(adapter) => println!("on {adapter}"),
            None => println!("on the CPU: {}", context.fallback_reason().unwrap_or_default()),
        }
        let logits = [4.8, 1.21, 2.385, 1.0, 2.0, 3.0];
        let shape = Shape::rows(2, 3);
        println!("softmax                {:?}", context.softmax(&logits, shape).await?);
        let warmer = context.run(Softmax::new().scale(1.0 / 2.0), &logits, shape).await?;
        println!("with temperature 2     {warmer:?}");
        println!("log-softmax            {:?}", context.log_softmax(&logits, shape).await?);
        println!("log of sum of exp      {:?}", context.logsumexp(&logits, shape).await?);
        Ok(())
    })
}
