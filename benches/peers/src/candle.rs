//! candle on the CPU.

use anyhow::{Context as _, Result, ensure};
use candle_core::{Device, Tensor};
use softmax_compare::ours::Seat;
use softmax_compare::protocol::{Hello, Library, Place, Sample, timed};

#[derive(Default)]
struct Candle {
    x: Option<Tensor>,
    y: Option<Tensor>,
}

/// candle, whose threads are those of RAYON_NUM_THREADS.
pub fn open(seat: &Seat) -> Result<(Hello, Box<dyn Library>)> {
    ensure!(seat.place == Place::Cpu, "candle is a contestant on the CPU");
    let setting = "`candle_nn::ops::softmax_last_dim(&x)`; it allocates each result";
    let hello = Hello { version: crate::version("candle-nn"), setting: setting.to_owned(), device: String::new() };
    Ok((hello, Box::new(Candle::default())))
}

impl Library for Candle {
    fn prepare(&mut self, _place: Place, rows: usize, cols: usize, x: Vec<f32>) -> Result<()> {
        *self = Self::default();
        self.x = Some(Tensor::from_vec(x, (rows, cols), &Device::Cpu)?);
        Ok(())
    }

    fn run(&mut self) -> Result<Sample> {
        let x = self.x.as_ref().context("nothing was prepared")?;
        // Freed before a new one is allocated, so that the allocator may give the same pages.
        self.y = None;
        let (sample, computed) = timed(|| candle_nn::ops::softmax_last_dim(x));
        self.y = Some(computed?);
        Ok(sample)
    }

    fn result(&mut self) -> Result<Vec<f32>> {
        let y = self.y.as_ref().context("nothing was computed")?;
        Ok(y.flatten_all()?.to_vec1()?)
    }
}
