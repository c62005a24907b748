//! Types of elements, and how kernels are chosen.

use super::compiled::{Cache, Compiled};
use super::planner::Kernel;
use super::profile::Profile;
use crate::{DType, Error, OpKind};

/// Types of the elements in an operation's buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DTypes {
    /// Of the elements that are read.
    pub input: DType,
    /// Of the results.
    pub output: DType,
}

impl DTypes {
    /// f32 in, f32 out.
    pub const F32: Self = Self::new(DType::F32, DType::F32);

    /// These types. Halves need no feature of the device; whatever the types, it computes in f32.
    pub const fn new(input: DType, output: DType) -> Self {
        Self { input, output }
    }

    /// Whether the GPU has kernels for them.
    pub(super) fn check(self, kind: OpKind) -> Result<(), Error> {
        for (operand, dtype) in [("input", self.input), ("output", self.output)] {
            if dtype == DType::F64 {
                let why = "the GPU has f32, f16 and bf16; f64 is computed on the CPU: use cpu::run_tensor, or \
                           convert it";
                return Err(Error::DType { operand, dtype, why: why.into() });
            }
        }
        if kind == OpKind::RowStats && self.output != DType::F32 {
            let why = "statistics of rows are words of 32 bits; say f32";
            return Err(Error::DType { operand: "output", dtype: self.output, why: why.into() });
        }
        Ok(())
    }
}

/// How kernels are chosen. Nothing here changes bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// A kernel to use for every row length; where it cannot run that is an error.
    pub force: Option<Kernel>,
    /// Leaves subgroup operations unused although the device has them.
    pub without_subgroups: bool,
    /// Seals roundings although the device takes decorations; see [`super::Rounding`].
    pub sealed: bool,
    /// Thresholds besides the shipped ones; see [`Options::profile`].
    pub profiles: Vec<Profile>,
    /// Where compiled pipelines are looked up and kept; without one, as the driver does it by itself.
    pub cache: Option<Cache>,
    /// Whether a [`crate::Context`] gives the CPU batches that it finishes before the GPU has started.
    pub small_on_cpu: bool,
}

impl Options {
    /// Adds thresholds, which are used where their key matches the device: of several, and of the
    /// shipped ones where none of these matches, those that say most about it.
    /// [`super::Ops::profile`] tells which.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profiles.push(profile);
        self
    }

    /// Uses one kernel for everything.
    #[must_use]
    pub fn force(mut self, kernel: Kernel) -> Self {
        self.force = Some(kernel);
        self
    }

    /// Leaves subgroup operations unused although the device has them.
    #[must_use]
    pub fn without_subgroups(mut self) -> Self {
        self.without_subgroups = true;
        self
    }

    /// Seals roundings although the device takes decorations, which need a quarter less instructions; see
    /// [`super::Rounding`].
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.sealed = true;
        self
    }

    /// Looks pipelines up in a cache of the caller's and adds to it. It must be of the same device.
    #[must_use]
    pub fn pipeline_cache(mut self, cache: wgpu::PipelineCache) -> Self {
        self.cache = Some(Cache::Yours(cache));
        self
    }

    /// Begins with the pipelines that an earlier process kept ([`Compiled::new`]: none yet), so that
    /// [`super::Ops::compiled`] gives those to keep for the next. Without effect on a device without
    /// `Features::PIPELINE_CACHE`, which today only wgpu's Vulkan backend has.
    #[must_use]
    pub fn compiled(mut self, compiled: Compiled) -> Self {
        self.cache = Some(Cache::Kept(compiled));
        self
    }

    /// Lets a [`crate::Context`] compute on the CPU what the CPU finishes before the GPU would have
    /// started, by a break-even that it measures once. Operations of `Precision::Fast` and forced
    /// kernels stay on the GPU. [`crate::Context::new`] does so; [`super::Ops`] takes no notice.
    #[must_use]
    pub fn small_on_cpu(mut self, small_on_cpu: bool) -> Self {
        self.small_on_cpu = small_on_cpu;
        self
    }
}
