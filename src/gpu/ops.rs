//! The pipelines of one device.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::compiled::{Cache, Compiled};
use super::planner::{Capabilities, Choice, Kernel, choose};
use super::prepared::Prepared;
use super::profile::{self, Profile};
use super::source::{Variant, wgsl};
use crate::{Error, Op, Shape};

/// Types of the elements in an operation's buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DTypes {
    /// f32 in, f32 out.
    #[default]
    F32,
}

/// How kernels are chosen. Nothing here changes bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// A kernel to use for every row length; where it cannot run that is an error.
    pub force: Option<Kernel>,
    /// Leaves subgroup operations unused although the device has them.
    pub without_subgroups: bool,
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
    /// [`Ops::profile`] tells which.
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

    /// Looks pipelines up in a cache of the caller's and adds to it. It must be of the same device.
    #[must_use]
    pub fn pipeline_cache(mut self, cache: wgpu::PipelineCache) -> Self {
        self.cache = Some(Cache::Yours(cache));
        self
    }

    /// Begins with the pipelines that an earlier process kept ([`Compiled::new`]: none yet), so that
    /// [`Ops::compiled`] gives those to keep for the next. Without effect on a device without
    /// `Features::PIPELINE_CACHE`, which today only wgpu's Vulkan backend has.
    #[must_use]
    pub fn compiled(mut self, compiled: Compiled) -> Self {
        self.cache = Some(Cache::Kept(compiled));
        self
    }

    /// Lets a [`crate::Context`] compute on the CPU what the CPU finishes before the GPU would have
    /// started, by a break-even that it measures once. Operations of `Precision::Fast` and forced
    /// kernels stay on the GPU. [`crate::Context::new`] does so; [`Ops`] takes no notice.
    #[must_use]
    pub fn small_on_cpu(mut self, small_on_cpu: bool) -> Self {
        self.small_on_cpu = small_on_cpu;
        self
    }
}

/// The softmax family on one device: compiles pipelines as they are needed and keeps them.
#[derive(Clone, Debug)]
pub struct Ops {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub device: wgpu::Device,
    pub limits: wgpu::Limits,
    pub caps: Capabilities,
    /// Four bytes of zero for the shaders' seals.
    pub seal: wgpu::Buffer,
    force: Option<Kernel>,
    profile: Profile,
    cache: Option<wgpu::PipelineCache>,
    pipelines: Mutex<HashMap<Variant, Arc<Pipelines>>>,
}

/// The pipelines of a variant, one per entry point.
#[derive(Debug)]
pub(super) struct Pipelines {
    pub layout: wgpu::BindGroupLayout,
    pub stages: Vec<wgpu::ComputePipeline>,
}

impl Ops {
    /// Takes a device as it is; pass `Features::SUBGROUP` when requesting it for the fastest
    /// kernels. Compiles nothing yet.
    ///
    /// # Errors
    /// [`Error::Limit`] where the device cannot bind the buffers that every kernel needs.
    pub async fn new(device: &wgpu::Device, options: Options) -> Result<Self, Error> {
        let limits = device.limits();
        let mut caps = Capabilities::of(device);
        if options.without_subgroups {
            caps.subgroups = None;
        }
        let found = u64::from(limits.max_storage_buffers_per_shader_stage);
        if found < 4 {
            let hint = "request a device with compute shaders and storage buffers";
            return Err(Error::Limit { what: "storage buffers per stage", needed: 4, limit: found, hint });
        }
        let seal = filled_buffer(device, "wgpu_softmax::seal", &[0; 4], wgpu::BufferUsages::STORAGE)?;
        let cache = options.cache.as_ref().and_then(|cache| cache.open(device));
        let profile = profile::best(&options.profiles, &caps).unwrap_or(Profile::of_device(&caps)).clone();
        let shared = Shared {
            device: device.clone(),
            limits,
            caps,
            seal,
            force: options.force,
            profile,
            cache,
            pipelines: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What the planner knows of the device.
    pub fn capabilities(&self) -> &Capabilities {
        &self.shared.caps
    }

    /// What was compiled so far, to be kept for the next process; `None` without
    /// [`Options::cache`], and where the device has no pipeline caches.
    pub fn compiled(&self) -> Option<Compiled> {
        let data = self.shared.cache.as_ref()?.get_data()?;
        let key = wgpu::util::pipeline_cache_key(&self.shared.device.adapter_info())?;
        Some(Compiled { key, data })
    }

    /// The thresholds in use.
    pub fn profile(&self) -> &Profile {
        &self.shared.profile
    }

    /// Chooses a kernel for rows of this length and compiles it, unless that was done before.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`], [`Error::NotFinite`] for the scale, [`Error::Kernel`] for a forced
    /// kernel that cannot run, [`Error::Device`] where the driver refuses the shader.
    pub fn prepare(&self, op: impl Into<Op>, shape: Shape, types: DTypes) -> Result<Prepared, Error> {
        let op = op.into().checked()?;
        shape.elements()?;
        op.kind.output_words(shape)?;
        let DTypes::F32 = types;
        let mut prepared = Prepared { ops: self.clone(), op, shape, choice: None };
        if !shape.is_empty() {
            let choice = self.choice(shape, true)?;
            self.pipelines(&Variant::new(&op, choice, shape.cols()))?;
            prepared.choice = Some(choice);
        }
        Ok(prepared)
    }

    /// The kernel for a shape; `aligned` where its buffers start on 16 bytes.
    pub(super) fn choice(&self, shape: Shape, aligned: bool) -> Result<Choice, Error> {
        let aligned = aligned && shape.cols().is_multiple_of(4);
        let Shared { force, caps, profile, .. } = &*self.shared;
        choose(shape.cols(), aligned, *force, caps, profile)
    }

    /// The kernel for a piece of a row that no buffer holds.
    pub(super) fn split_choice(&self, len: u64) -> Result<Choice, Error> {
        if let Some(kernel) = self.shared.force.filter(|kernel| *kernel != Kernel::Split) {
            let why = "a row that is longer than a buffer or the memory allowed is computed in pieces; force \
                       split, or none";
            return Err(Error::Kernel { kernel: kernel.name(), why: why.into() });
        }
        choose(len, len.is_multiple_of(4), Some(Kernel::Split), &self.shared.caps, &self.shared.profile)
    }

    /// The pipelines of a variant, from the cache or new.
    pub(super) fn pipelines(&self, variant: &Variant) -> Result<Arc<Pipelines>, Error> {
        let mut cache = self.shared.pipelines.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(found) = cache.get(variant) {
            return Ok(found.clone());
        }
        let made = Arc::new(self.shared.compile(variant)?);
        cache.insert(*variant, made.clone());
        Ok(made)
    }
}

/// A small buffer with these bytes, a multiple of 4.
///
/// # Errors
/// [`Error::Device`] where the device is lost or out of memory, which `wgpu::util` would panic at.
pub(super) fn filled_buffer(
    device: &wgpu::Device,
    label: &str,
    bytes: &[u8],
    usage: wgpu::BufferUsages,
) -> Result<wgpu::Buffer, Error> {
    let size = bytes.len() as u64;
    let descriptor = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: true };
    let buffer = device.create_buffer(&descriptor);
    let refused = |e: wgpu::MapRangeError| Error::device(format_args!("{label}: {e}"));
    buffer.get_mapped_range_mut(..).map_err(refused)?.copy_from_slice(bytes);
    buffer.unmap();
    Ok(buffer)
}

impl Shared {
    fn compile(&self, variant: &Variant) -> Result<Pipelines, Error> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let split = variant.choice.kernel == Kernel::Split;
        let layout = self.bind_group_layout(variant, split);
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(&variant.label("layout")),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let module = self.module(variant);
        let stage = |entry: &&'static str| {
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&variant.label(entry)),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &variant.constants(),
                    // Every word of workgroup memory is written before it is read.
                    zero_initialize_workgroup_memory: false,
                },
                cache: self.cache.as_ref(),
            })
        };
        let stages = variant.entry_points().iter().map(stage).collect();
        match pollster::block_on(scope.pop()) {
            Some(error) => Err(Error::device(format_args!("{}: {error}", variant.label("pipeline")))),
            None => Ok(Pipelines { layout, stages }),
        }
    }

    fn module(&self, variant: &Variant) -> wgpu::ShaderModule {
        let text = wgsl(variant);
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(&variant.label("module")),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        };
        // SAFETY: every index is below the number of units that `Plan::new` checked against its
        // buffers, and every loop ends: its bounds are constants or counts that the planner keeps
        // below 60000 trips. With the checks, loops over registers are not unrolled, and a fifth more
        // instructions run (docs/performance.md, `cargo xtask isa`).
        unsafe {
            self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }

    fn bind_group_layout(&self, variant: &Variant, split: bool) -> wgpu::BindGroupLayout {
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let mut types = vec![wgpu::BufferBindingType::Uniform, storage(true), storage(false), storage(true)];
        if split {
            types.push(storage(false));
        }
        let entries: Vec<_> = types
            .into_iter()
            .enumerate()
            .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
                binding: binding as u32,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            })
            .collect();
        self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(&variant.label("bindings")),
            entries: &entries,
        })
    }
}
