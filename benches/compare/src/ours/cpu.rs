//! Ours on the CPU: from slice to slice, the result reused.

use anyhow::{Result, ensure};
use wgpu_softmax::cpu::{Options, SimdLevel, run_with};
use wgpu_softmax::{Op, Precision, Shape};

use crate::protocol::{Hello, Library, Place, Sample, timed};

pub struct Cpu {
    op: Op,
    options: Options,
    shape: Shape,
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Cpu {
    pub fn open(precision: Precision, threads: usize) -> Self {
        // One thread is the calling one. More are rayon's, as many as the driver's RAYON_NUM_THREADS
        // says, with the library's own cutting of the work.
        let options = if threads == 1 { Options::new().threads(1) } else { Options::new() };
        let (x, y) = (Vec::new(), Vec::new());
        Self { op: super::softmax(precision), options, shape: Shape::rows(0, 0), x, y }
    }

    pub fn hello(&self) -> Hello {
        let level = SimdLevel::best().name();
        super::hello(format!("`cpu::run_with` into a reused result, {level}"), String::new())
    }
}

impl Library for Cpu {
    fn prepare(&mut self, place: Place, rows: usize, cols: usize, x: Vec<f32>) -> Result<()> {
        ensure!(place == Place::Cpu, "it was started for the CPU");
        self.y = Vec::new();
        self.y = vec![0.0; x.len()];
        self.x = x;
        self.shape = Shape::rows(rows, cols);
        Ok(())
    }

    fn run(&mut self) -> Result<Sample> {
        let work = || run_with(&self.options, self.op, &self.x, self.shape, &mut self.y);
        let (sample, result) = timed(work);
        result?;
        Ok(sample)
    }

    fn result(&mut self) -> Result<Vec<f32>> {
        Ok(self.y.clone())
    }
}
