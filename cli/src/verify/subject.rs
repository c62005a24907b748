//! What can be verified: the CPU and each adapter, with their kernels.

use std::hint::black_box;
use std::iter;

use wgpu_softmax::cpu::SimdLevel;
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::gpu::planner::Capabilities;
use wgpu_softmax::gpu::{Kernel, Options, Profile, Rounding};
use wgpu_softmax::verify::tensor::{TensorCase, tensor_on_cpu, tensor_on_device};
use wgpu_softmax::verify::{Case, Probe, ProbeOp, probe_device};
use wgpu_softmax::wgpu::Features;
use wgpu_softmax::{Context, DeviceChoice, Error, Shape, cpu};

use crate::device::{adapters_if, choose};
use crate::failure::Failure;

/// One device under test.
pub trait Subject {
    /// The kernels that are tried one by one, as the report calls them.
    fn kernels(&self) -> Vec<String>;

    /// The result of a case by the kernel at that place in [`Subject::kernels`], word by word as
    /// `wgpu_softmax::verify::expected` has them; `None` where that kernel is not made for the case.
    fn run(&mut self, kernel: usize, case: &Case) -> Result<Option<Vec<u32>>, Error>;

    /// The result of a tensor, by the kernels that the device takes for it.
    fn tensor(&mut self, case: &TensorCase) -> Result<Vec<u32>, Error>;

    /// Lengths of rows at which something changes, to be tried besides those of the battery.
    fn edges(&self) -> Vec<usize> {
        Vec::new()
    }

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
        let cpu = Cpu { levels: SimdLevel::available() };
        Self { name: format!("cpu: {}", crate::cpu::description()), subject: Ok(Box::new(cpu)) }
    }

    fn gpu(entry: AdapterEntry) -> Self {
        let name = entry.to_string();
        let subject = Gpu::open(&entry).map(|gpu| Box::new(gpu) as _);
        Self { name, subject }
    }
}

/// The CPU and every adapter.
pub fn all() -> Vec<Candidate> {
    let adapters = adapters_if(true).into_iter();
    [Candidate::cpu()].into_iter().chain(adapters.map(Candidate::gpu)).collect()
}

/// What a choice stands for.
pub fn one(choice: &DeviceChoice) -> Result<Candidate, Failure> {
    let chosen = choose(choice, &adapters_if(*choice != DeviceChoice::Cpu))?;
    Ok(chosen.map_or_else(|_| Candidate::cpu(), Candidate::gpu))
}

/// The library's CPU implementation, with each set of vector instructions that this machine has.
struct Cpu {
    levels: Vec<SimdLevel>,
}

impl Subject for Cpu {
    fn kernels(&self) -> Vec<String> {
        self.levels.iter().map(|level| level.name().to_owned()).collect()
    }

    fn run(&mut self, kernel: usize, case: &Case) -> Result<Option<Vec<u32>>, Error> {
        let options = cpu::Options::new().level(self.levels[kernel]);
        words(case, |shape, out| cpu::run_with(&options, case.op, &case.data, shape, out)).map(Some)
    }

    fn tensor(&mut self, case: &TensorCase) -> Result<Vec<u32>, Error> {
        tensor_on_cpu(&cpu::Options::new(), case)
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

/// An adapter, with each of its kernels on a device of its own.
struct Gpu {
    variants: Vec<Variant>,
}

struct Variant {
    name: String,
    forced: bool,
    context: Context,
}

impl Gpu {
    /// The planner's choice first, then each kernel by force, as the device has it; then without what
    /// it has: sealed, and sealed without subgroup operations.
    fn open(entry: &AdapterEntry) -> Result<Self, Error> {
        let features = entry.adapter.features();
        let subgroups = features.contains(Features::SUBGROUP);
        let decorated = Rounding::of(entry.info.backend, features) == Rounding::Decorated;
        let mut variants = Vec::new();
        for kernel in iter::once(None).chain(Kernel::ALL.map(Some)) {
            let alike = kernel.is_some_and(|kernel| !kernel.has_subgroups());
            variants.push(Variant::open(entry, kernel, Options::default())?);
            if subgroups && decorated && !alike {
                variants.push(Variant::open(entry, kernel, Options::default().sealed())?);
            }
            if subgroups || decorated {
                variants.push(Variant::open(entry, kernel, Options::default().without_subgroups().sealed())?);
            }
        }
        Ok(Self { variants })
    }
}

impl Variant {
    fn open(entry: &AdapterEntry, kernel: Option<Kernel>, mut options: Options) -> Result<Self, Error> {
        options.force = kernel;
        let name = kernel.map_or("as planned", Kernel::name);
        let plain = match (options.without_subgroups, options.sealed) {
            (true, _) => ", plain",
            (false, true) => ", sealed",
            (false, false) => "",
        };
        let name = format!("{name}{plain}");
        let context = pollster::block_on(Context::on(entry.clone(), options))?;
        Ok(Self { name, forced: kernel.is_some(), context })
    }
}

impl Subject for Gpu {
    fn kernels(&self) -> Vec<String> {
        self.variants.iter().map(|variant| variant.name.clone()).collect()
    }

    fn edges(&self) -> Vec<usize> {
        let planned = self.variants.iter().filter(|variant| !variant.forced);
        let capabilities = planned.filter_map(|v| Some(Capabilities::of(v.context.device()?)));
        let rungs = capabilities.flat_map(|caps| Profile::of_device(&caps).rungs());
        rungs.filter_map(|rung| usize::try_from(rung.cols).ok()).collect()
    }

    fn probe(&mut self, probes: &[Probe]) -> Result<Option<Vec<u32>>, Error> {
        // All of them are the same adapter.
        let context = self.variants.first().map(|variant| &variant.context);
        match context.and_then(|context| context.device().zip(context.queue())) {
            Some((device, queue)) => probe_device(device, queue, probes).map(Some),
            None => Ok(None),
        }
    }

    fn tensor(&mut self, case: &TensorCase) -> Result<Vec<u32>, Error> {
        // The first one is the planner's own choice.
        let context = &self.variants[0].context;
        let (Some(ops), Some(device), Some(queue)) = (context.ops(), context.device(), context.queue())
        else {
            return tensor_on_cpu(&cpu::Options::new(), case);
        };
        tensor_on_device(ops, device, queue, case)
    }

    fn run(&mut self, kernel: usize, case: &Case) -> Result<Option<Vec<u32>>, Error> {
        let Variant { forced, context, .. } = &self.variants[kernel];
        if *forced && case.data.is_empty() {
            // There is nothing to dispatch: the kernel would be credited with what it did not do.
            return Ok(None);
        }
        let run =
            |shape, out: &mut [f32]| context.run_into_blocking(case.op, &case.data, shape, out).map(drop);
        match words(case, run) {
            // A kernel is made for some lengths of rows and refuses the others; the planner may not.
            Err(Error::Kernel { .. }) if *forced => Ok(None),
            found => found.map(Some),
        }
    }
}

/// A result word by word, whatever its words mean.
fn words(case: &Case, run: impl FnOnce(Shape, &mut [f32]) -> Result<(), Error>) -> Result<Vec<u32>, Error> {
    let mut out = vec![0.0; case.rows * case.words_per_row()];
    run(Shape::rows(case.rows, case.cols), &mut out)?;
    Ok(out.iter().map(|x| x.to_bits()).collect())
}
