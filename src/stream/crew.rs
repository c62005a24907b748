//! Threads for what is done while a device is held.
//!
//! A stream holds its devices until it ends, and other callers wait for them, perhaps all of rayon's threads. So whoever
//! holds one may not wait for rayon's threads, which would be for ever. Nor may it wait as those do, by taking up other
//! work meanwhile: that may be a call which waits for the same device. Such work goes to threads of our own, which
//! never wait for a device, and one of rayon's threads that waits for them does nothing else.

use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::web::IS_WEB;

/// As many threads as rayon has; `None` where the system gives none.
fn crew() -> Option<&'static ThreadPool> {
    static CREW: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let named = |index| format!("wgpu-softmax {index}");
    CREW.get_or_init(|| ThreadPoolBuilder::new().thread_name(named).build().ok()).as_ref()
}

/// Does work of several threads, and waits for it.
pub(super) fn apart<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let Some(crew) = crew() else { return work() };
    if rayon::current_thread_index().is_none() || crew.current_thread_index().is_some() {
        return crew.install(work);
    }
    let waited = thread::scope(|scope| scope.spawn(|| crew.install(work)).join());
    waited.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Does a job on other threads and something else on this one; where no device is held, on rayon's (in a browser one
/// after the other).
pub(super) fn beside<R>(holds_device: bool, job: impl FnOnce() + Send, meanwhile: impl FnOnce() -> R) -> R {
    if !holds_device || IS_WEB {
        return rayon::in_place_scope(|scope| {
            scope.spawn(|_| job());
            meanwhile()
        });
    }
    thread::scope(|scope| {
        let job = scope.spawn(|| apart(job));
        let done = meanwhile();
        job.join().unwrap_or_else(|panic| resume_unwind(panic));
        done
    })
}
