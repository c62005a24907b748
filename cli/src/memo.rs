//! What one run finds of earlier ones, and leaves for later ones.

use std::time::Duration;

use wgpu_softmax::gpu::Compiled;
use wgpu_softmax::{Context, DeviceChoice, Op, Shape};

use crate::device;
use crate::failure::Failure;
use crate::store::Store;

/// The store, and what this run began with.
#[derive(Debug)]
pub struct Memo {
    store: Store,
    /// The pipelines of each context, as they were found.
    compiled: Vec<Compiled>,
}

impl Memo {
    /// Nothing was found yet.
    pub fn new(store: Store) -> Self {
        Self { store, compiled: Vec::new() }
    }

    /// Why the CPU takes a batch before a GPU is looked for; `None` where it does not.
    pub fn small(&self, op: &Op, shape: Shape) -> Option<String> {
        let bytes = shape.elements().ok()?.checked_mul(4)?;
        self.store.measured().small(bytes, op)
    }

    /// Opens devices with the pipelines that were kept for them.
    pub fn open(&mut self, choices: &[DeviceChoice]) -> Result<Vec<Context>, Failure> {
        let (contexts, compiled) = device::open_all(choices, &self.store)?;
        self.compiled = compiled;
        Ok(contexts)
    }

    /// Keeps the pipelines of each device, where there are new ones.
    pub fn keep_compiled(&self, contexts: &[Context]) {
        for (context, before) in contexts.iter().zip(&self.compiled) {
            if let (Some(entry), Some(now)) = (context.adapter(), context.compiled()) {
                self.store.keep_compiled(entry, before, &now);
            }
        }
    }

    /// Keeps how long a device took to open, and for a batch from its first element to its last result.
    pub fn keep_measured(&self, context: &Context, bytes: u64, open: Duration, took: Duration) {
        let before = self.store.measured();
        let mut measured = before.clone();
        match context.adapter() {
            None => measured.cpu_ran(bytes, took),
            Some(entry) => measured.gpu_ran(entry, bytes, open, took),
        }
        if measured != before {
            self.store.keep_measured(&measured);
        }
    }
}
