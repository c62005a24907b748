//! Waiting for submitted work: one wait for all buffers that the host maps afterwards.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use crate::web::Instant;

/// The end of a submission. It always comes: buffers are mapped, or refused, or the thread that waits
/// for the device gives the wait up.
#[derive(Clone, Debug)]
pub(crate) struct Landing {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// Mappings that have not been answered.
    pending: usize,
    end: Option<Result<Instant, String>>,
    waker: Option<Waker>,
}

impl Landing {
    /// Of so many mappings.
    pub fn new(pending: usize) -> Self {
        Self { state: Arc::new(Mutex::new(State { pending, end: None, waker: None })) }
    }

    /// Begins anew, for so many mappings; the one before has come.
    pub fn rearm(&self, pending: usize) {
        *self.state() = State { pending, end: None, waker: None };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// One mapping was answered.
    pub fn answer(&self, result: Result<(), String>) {
        let mut state = self.state();
        state.pending -= 1;
        let pending = state.pending;
        match result {
            Err(why) => Self::end(state, Err(why)),
            Ok(()) if pending == 0 => Self::end(state, Ok(Instant::now())),
            Ok(()) => {}
        }
    }

    /// No further answer will come.
    pub fn give_up(&self, why: &str) {
        Self::end(self.state(), Err(why.to_owned()));
    }

    fn end(mut state: MutexGuard<'_, State>, result: Result<Instant, String>) {
        state.end.get_or_insert(result);
        let waker = state.waker.take();
        // The waker may poll at once.
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether it has come.
    pub fn is_here(&self) -> bool {
        self.state().end.is_some()
    }

    /// When it came, or what went wrong.
    ///
    /// # Errors
    /// What the device said, also where it has not come.
    pub fn result(&self) -> Result<Instant, String> {
        self.state().end.clone().unwrap_or_else(|| Err("it is still under way".into()))
    }

    /// Waits until it has come.
    pub async fn wait(&self) {
        poll_fn(|task| {
            let mut state = self.state();
            if state.end.is_some() {
                return Poll::Ready(());
            }
            state.waker = Some(task.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
