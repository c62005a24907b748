//! Notices of finished mappings, reused from call to call so that none allocates one.

use std::sync::{Arc, Mutex};

use futures_intrusive::sync::ManualResetEvent;

type Outcome = Result<(), wgpu::BufferAsyncError>;

/// The notices of a device that nobody waits for.
#[derive(Debug, Default)]
pub(super) struct Signals(Mutex<Vec<Arc<Signal>>>);

/// One mapping's notice.
#[derive(Debug)]
pub(super) struct Signal {
    event: ManualResetEvent,
    outcome: Mutex<Option<Outcome>>,
}

impl Signals {
    /// A notice that says nothing yet.
    pub fn take(&self) -> Arc<Signal> {
        let mut spare = self.0.lock().unwrap_or_else(|e| e.into_inner());
        spare.pop().unwrap_or_else(|| {
            Arc::new(Signal { event: ManualResetEvent::new(false), outcome: Mutex::new(None) })
        })
    }

    /// Takes a notice back whose mapping is over. One that is never given back, since its future was
    /// dropped, ends with its mapping.
    pub fn give_back(&self, signal: Arc<Signal>) {
        signal.event.reset();
        signal.set_outcome(None);
        self.0.lock().unwrap_or_else(|e| e.into_inner()).push(signal);
    }
}

impl Signal {
    /// What the mapping's callback is to call.
    pub fn teller(self: &Arc<Self>) -> Teller {
        Teller(self.clone())
    }

    /// Whether the mapping is over.
    pub fn is_set(&self) -> bool {
        self.event.is_set()
    }

    /// Waits until it is over. `None` where the callback was dropped without being called.
    pub async fn wait(&self) -> Option<Outcome> {
        self.event.wait().await;
        self.outcome.lock().unwrap_or_else(|e| e.into_inner()).take()
    }

    fn set_outcome(&self, outcome: Option<Outcome>) {
        *self.outcome.lock().unwrap_or_else(|e| e.into_inner()) = outcome;
    }
}

/// Tells of a mapping's end, at the latest when it is dropped.
pub(super) struct Teller(Arc<Signal>);

impl Teller {
    /// The mapping went so.
    pub fn tell(self, outcome: Outcome) {
        self.0.set_outcome(Some(outcome));
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.event.set();
    }
}
