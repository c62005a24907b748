//! The pipelines of one device.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::compiled::Compiled;
use super::options::{DTypes, Options};
use super::pipelines::{Pipelines, filled_buffer};
use super::planner::{Access, Capabilities, Choice, Kernel, Rows, choose_for};
use super::prepared::Prepared;
use super::profile::{self, Profile};
use super::source::{Rounding, Variant};
use super::tensor::Tensor;
use super::terms::Terms;
use super::window::room;
use crate::{Error, Op, Shape};

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
    pub force: Option<Kernel>,
    profile: Profile,
    pub rounding: Rounding,
    pub cache: Option<wgpu::PipelineCache>,
    pipelines: Mutex<HashMap<Variant, Arc<Pipelines>>>,
}

impl Ops {
    /// Takes a device as it is; pass `Features::SUBGROUP` when requesting it, and on Vulkan
    /// `Features::PASSTHROUGH_SHADERS` ([`Rounding`]), for the fastest kernels. Compiles nothing yet.
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
        let rounding = match options.sealed {
            true => Rounding::Sealed,
            false => Rounding::of(device.adapter_info().backend, device.features()),
        };
        let profile = profile::best(&options.profiles, &caps).unwrap_or(Profile::of_device(&caps)).clone();
        let shared = Shared {
            device: device.clone(),
            limits,
            caps,
            seal,
            force: options.force,
            profile,
            rounding,
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

    /// What keeps the rounding of each operation on this device.
    pub fn rounding(&self) -> Rounding {
        self.shared.rounding
    }

    /// The thresholds in use.
    pub fn profile(&self) -> &Profile {
        &self.shared.profile
    }

    /// Chooses a kernel for a shape and compiles it, unless that was done before.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`], [`Error::NotFinite`] for the scale, [`Error::DType`] for a type that the
    /// GPU does not compute, [`Error::Kernel`] for a forced kernel that cannot run, [`Error::Limit`] for
    /// what the device's indices or bindings do not reach, [`Error::Device`] where the driver refuses the
    /// shader.
    pub fn prepare(&self, op: impl Into<Op>, shape: Shape, types: DTypes) -> Result<Prepared, Error> {
        self.prepare_tensor(op, shape, types, &Terms::new())
    }

    /// The same with masks, biases and scales beside the input, whose buffers come when it is bound.
    ///
    /// # Errors
    /// Those of [`Ops::prepare`], and [`Error::Broadcast`], [`Error::Length`] and [`Error::Axis`] for terms
    /// that do not fit the shape.
    pub fn prepare_tensor(
        &self,
        op: impl Into<Op>,
        shape: Shape,
        types: DTypes,
        terms: &Terms,
    ) -> Result<Prepared, Error> {
        let op = op.into().with_usual_empty_row(terms.form().hides()).checked()?;
        shape.elements()?;
        types.check(op.kind)?;
        // Rows without columns are computed as a tensor, where they have results.
        let no_columns = shape.is_empty() && op.kind.output_words(shape)? != 0;
        let is_plain = terms.is_empty() && types == DTypes::F32 && shape.is_contiguous() && !no_columns;
        if is_plain {
            return self.prepare_plain(op, shape);
        }
        let tensor = Tensor::new(&op, shape, types, terms)?;
        self.prepare_walk(op, shape, types, tensor)
    }

    /// Rows that lie one after the other, each of its own length: from element `offsets[i]` to before
    /// `offsets[i + 1]`, in input and results alike. Of the terms it takes sinks and scales per row.
    ///
    /// The kernel is chosen by `max_cols`. Offsets in a buffer cannot be checked: of a row that is longer
    /// only the first `max_cols` elements count, and nothing outside the buffers is touched. All of the buffers
    /// behind where input and results start is bound, or as much as [`super::TensorRef::with_size`] says.
    ///
    /// # Errors
    /// Those of [`Ops::prepare_tensor`]; [`Error::Limit`] for rows of more than 2^18 columns, with which
    /// the exact sum of a row depends on its own length.
    pub fn prepare_ragged(
        &self,
        op: impl Into<Op>,
        rows: usize,
        max_cols: usize,
        types: DTypes,
        terms: &Terms,
    ) -> Result<Prepared, Error> {
        let op = op.into().checked()?;
        let shape = Shape::rows(rows, max_cols);
        types.check(op.kind)?;
        let tensor = Tensor::ragged(&op, shape, types, terms)?;
        self.prepare_walk(op, shape, types, tensor)
    }

    fn prepare_plain(&self, op: Op, shape: Shape) -> Result<Prepared, Error> {
        let mut prepared =
            Prepared { ops: self.clone(), op, shape, types: DTypes::F32, choice: None, tensor: None };
        if !shape.is_empty() {
            let choice = self.choice(shape, true)?;
            self.pipelines(&Variant::new(&op, choice, shape.cols()))?;
            prepared.choice = Some(choice);
        }
        Ok(prepared)
    }

    fn prepare_walk(&self, op: Op, shape: Shape, types: DTypes, tensor: Tensor) -> Result<Prepared, Error> {
        let mut choice = None;
        if op.kind.output_words(shape)? != 0 {
            let bare = shape.is_empty().then(|| tensor.without_columns(&op)).transpose()?;
            let computed = bare.as_ref().unwrap_or(&tensor);
            let chosen = self.choose(&computed.rows(), None)?;
            choice = Some(chosen);
            // Where operands share a buffer there may be fewer bindings than it takes to hold them all.
            let variant = computed.variant(&op, chosen, &computed.slots_apart(), false);
            if self.shared.check_bindings(&variant).is_ok() {
                self.pipelines(&variant)?;
            }
        }
        Ok(Prepared { ops: self.clone(), op, shape, types, choice, tensor: Some(tensor.into()) })
    }

    /// The kernel for a shape; `aligned` where its buffers start on 16 bytes.
    pub(super) fn choice(&self, shape: Shape, aligned: bool) -> Result<Choice, Error> {
        let aligned = aligned && shape.cols().is_multiple_of(4);
        // Rows longer than a binding are computed in parts, which only split rows allow.
        let must = (shape.cols() > room(&self.shared.limits)).then_some(Kernel::Split);
        self.choose(&Rows { cols: shape.cols(), access: Access::Plain { aligned } }, must)
    }

    /// The kernel for rows: the forced one, the one that must be taken, or the planner's.
    pub(super) fn choose(&self, rows: &Rows, must: Option<Kernel>) -> Result<Choice, Error> {
        let Shared { force, caps, profile, .. } = &*self.shared;
        choose_for(rows, force.or(must), caps, profile)
    }

    /// The kernel for a piece of a row that no buffer holds.
    pub(super) fn split_choice(&self, len: u64) -> Result<Choice, Error> {
        if let Some(kernel) = self.shared.force.filter(|kernel| *kernel != Kernel::Split) {
            let why = "a row that is longer than a buffer or the memory allowed is computed in pieces; force \
                       split, or none";
            return Err(Error::Kernel { kernel: kernel.name(), why: why.into() });
        }
        let access = Access::Plain { aligned: len.is_multiple_of(4) };
        self.choose(&Rows { cols: len, access }, Some(Kernel::Split))
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
