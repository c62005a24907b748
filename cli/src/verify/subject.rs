//! What can be verified: the CPU and each adapter, with their kernels.

use std::hint::black_box;

use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters, choose};
use wgpu_softmax::verify::{Case, Probe, ProbeOp};
use wgpu_softmax::{Context, DeviceChoice, Error, OpKind, Shape, cpu};

/// One device under test.
pub trait Subject {
    /// The kernels that are tried one by one, as the report calls them.
    fn kernels(&self) -> Vec<String>;

    /// The result of a case by the kernel at that place in [`Subject::kernels`], word by word as
    /// `wgpu_softmax::verify::expected` has them; `None` where that kernel is not made for the case.
    fn run(&mut self, kernel: usize, case: &Case) -> Result<Option<Vec<u32>>, Error>;

    /// The result of each probe of the device's arithmetic, or `None` where it cannot be probed.
    fn probe(&mut self, _probes: &[Probe]) -> Result<Option<Vec<u32>>, Error> {
        Ok(None)
    }
}

/// A device that is to be verified, or why it cannot be.
pub struct Candidate {
    /// How the report calls it.
    pub name: String,
    /// The device, ready.
    pub subject: Result<Box<dyn Subject>, Error>,
}

impl Candidate {
    fn cpu() -> Self {
        Self { name: format!("cpu: {}", crate::cpu::description()), subject: Ok(Box::new(Cpu)) }
    }

    fn gpu(entry: AdapterEntry) -> Self {
        let name = entry.to_string();
        let subject = pollster::block_on(Context::on(entry)).map(|context| Box::new(Gpu { context }) as _);
        Self { name, subject }
    }
}

/// The CPU and every adapter.
pub fn all() -> Vec<Candidate> {
    let adapters = pollster::block_on(adapters()).into_iter();
    [Candidate::cpu()].into_iter().chain(adapters.map(Candidate::gpu)).collect()
}

/// What a choice stands for.
pub fn one(choice: &DeviceChoice) -> Result<Candidate, Error> {
    if *choice == DeviceChoice::Cpu {
        return Ok(Candidate::cpu());
    }
    let chosen = choose(choice, &pollster::block_on(adapters()))?;
    Ok(chosen.map_or_else(|_| Candidate::cpu(), Candidate::gpu))
}

/// The library's CPU implementation.
struct Cpu;

impl Subject for Cpu {
    fn kernels(&self) -> Vec<String> {
        vec!["cpu".to_owned()]
    }

    fn run(&mut self, _kernel: usize, case: &Case) -> Result<Option<Vec<u32>>, Error> {
        words_of(case, |shape, out| cpu::run(case.op, &case.data, shape, out))
    }

    fn probe(&mut self, probes: &[Probe]) -> Result<Option<Vec<u32>>, Error> {
        let result = |probe: &Probe| {
            // Kept from the compiler, which would do the arithmetic itself.
            let (a, b) = black_box((f32::from_bits(probe.a), f32::from_bits(probe.b)));
            let value = match probe.op {
                ProbeOp::Add => a + b,
                ProbeOp::Sub => a - b,
                ProbeOp::Mul => a * b,
            };
            value.to_bits()
        };
        Ok(Some(probes.iter().map(result).collect()))
    }
}

/// An adapter, with the kernels that the planner chooses.
struct Gpu {
    context: Context,
}

impl Subject for Gpu {
    fn kernels(&self) -> Vec<String> {
        vec!["as planned".to_owned()]
    }

    fn run(&mut self, _kernel: usize, case: &Case) -> Result<Option<Vec<u32>>, Error> {
        let run = |shape, out: &mut [f32]| {
            pollster::block_on(self.context.run_into(case.op, &case.data, shape, out)).map(drop)
        };
        words_of(case, run)
    }
}

/// The words of an operation whose results are numbers.
fn words_of(
    case: &Case,
    run: impl FnOnce(Shape, &mut [f32]) -> Result<(), Error>,
) -> Result<Option<Vec<u32>>, Error> {
    if case.op.kind == OpKind::RowStats {
        return Ok(None);
    }
    let mut out = vec![0.0; case.rows * case.words_per_row()];
    run(Shape::rows(case.rows, case.cols), &mut out)?;
    Ok(Some(out.iter().map(|x| x.to_bits()).collect()))
}
