//! What devices did, whichever way the rows went.

use std::time::Duration;

use wgpu_softmax::stream::Summary as Streamed;
use wgpu_softmax::{Context, Timing};

/// Rows that are computed.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// From the first element to the last result.
    pub total: Duration,
    /// The devices that computed.
    pub shares: Vec<Share>,
    /// Devices that failed, and how.
    pub faults: Vec<String>,
    /// Whether rows were cut, being too long for the memory allowed or a buffer.
    pub rows_were_cut: bool,
}

/// What a device did.
#[derive(Clone, Debug)]
pub struct Share {
    /// The adapter; `None` for the CPU.
    pub adapter: Option<String>,
    /// Elements that it computed; those of rows that were cut count once for each pass.
    pub elements: u64,
    /// How long each part took.
    pub timing: Timing,
}

impl Ran {
    /// Takes in what a device did with some elements.
    pub fn add(&mut self, context: &Context, elements: u64, timing: &Timing) {
        let adapter = context.adapter().map(ToString::to_string);
        let place = self.shares.iter().position(|share| share.adapter == adapter).unwrap_or_else(|| {
            self.shares.push(Share { adapter, elements: 0, timing: Timing::default() });
            self.shares.len() - 1
        });
        let share = &mut self.shares[place];
        share.elements += elements;
        share.timing.upload += timing.upload;
        share.timing.compute += timing.compute;
        share.timing.read_back += timing.read_back;
        share.timing.kernel = timing.kernel;
    }

    /// What a context's device did, if it did anything.
    pub fn share(&self, context: &Context) -> Option<&Share> {
        let adapter = context.adapter().map(ToString::to_string);
        self.shares.iter().find(|share| share.adapter == adapter)
    }
}

impl From<Streamed> for Ran {
    fn from(streamed: Streamed) -> Self {
        let share = |share: &wgpu_softmax::stream::Share| Share {
            adapter: (!share.on_cpu).then(|| share.device.to_string()),
            elements: share.elements,
            timing: share.timing,
        };
        Self {
            total: streamed.total,
            shares: streamed.shares.iter().map(share).collect(),
            faults: streamed.faults.iter().map(|(name, error)| format!("{name}: {error}")).collect(),
            rows_were_cut: streamed.rows_were_cut,
        }
    }
}
