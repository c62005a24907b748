//! A time limit: a test that waits without end says so and ends, with the whole process.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Aborts the process unless it is dropped in time.
pub struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    /// Generous: a busy machine is slow, a deadlock is for ever.
    pub fn new(test: &'static str) -> Self {
        Self::of(test, Duration::from_secs(240))
    }

    pub fn of(test: &'static str, limit: Duration) -> Self {
        let (alive, ended) = channel();
        std::thread::spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{test}: nothing for {limit:?}: something waits without end");
                std::process::abort();
            }
        });
        Self { _alive: alive }
    }
}
