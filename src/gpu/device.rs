//! Opening an adapter with what the kernels can use, and waiting for it without blocking.

use std::cell::Cell;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::adapter::AdapterEntry;
use super::signal::Signals;
use crate::Error;

/// A device of our own, with the thread that waits for it.
#[derive(Debug)]
pub(crate) struct OpenDevice {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// The first thing that went wrong outside an error scope: a lost device, memory, a refusal.
    trouble: Arc<Mutex<Option<String>>>,
    waiter: Option<(mpsc::SyncSender<()>, JoinHandle<()>)>,
    signals: Signals,
}

/// What is used where an adapter has it.
const WANTED: wgpu::Features = wgpu::Features::SUBGROUP
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
    .union(wgpu::Features::PIPELINE_CACHE);

thread_local! {
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Blocks this thread on a future. A mapping that it waits for is waited for here instead of by the
/// device's own thread, which saves a small batch two changes of threads.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            MAY_BLOCK.set(self.0);
        }
    }
    let _before = Before(MAY_BLOCK.replace(true));
    pollster::block_on(future)
}

impl OpenDevice {
    /// Opens an adapter with all its limits and the features that the kernels use.
    pub async fn new(entry: &AdapterEntry) -> Result<Self, Error> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgpu_softmax::device"),
            required_features: entry.adapter.features() & WANTED,
            required_limits: entry.adapter.limits(),
            ..Default::default()
        };
        let (device, queue) = entry
            .adapter
            .request_device(&descriptor)
            .await
            .map_err(|e| Error::Device { why: format!("{entry}: {e}") })?;
        let trouble = Arc::new(Mutex::new(None));
        let note = trouble.clone();
        device.set_device_lost_callback(move |reason, message| {
            keep_first(&note, format!("it was lost ({reason:?}) {message}"));
        });
        let note = trouble.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            keep_first(&note, one_line(&error));
        }));
        let waiter = Some(waiting_thread(device.clone()));
        Ok(Self { device, queue, trouble, waiter, signals: Signals::default() })
    }

    /// Whether buffers that shaders use may be mapped, and that saves copies: true of programs on
    /// the CPU, whose memory is the host's.
    pub fn maps_storage(&self) -> bool {
        self.device.features().contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
            && self.device.adapter_info().device_type == wgpu::DeviceType::Cpu
    }

    /// Waits until a buffer is mapped; all that was submitted before is done then.
    ///
    /// # Errors
    /// [`Error::Device`] where the mapping fails or the device is lost.
    pub async fn map(&self, buffer: &wgpu::Buffer, mode: wgpu::MapMode, bytes: u64) -> Result<(), Error> {
        let signal = self.signals.take();
        let teller = signal.teller();
        buffer.map_async(mode, 0..bytes, move |result| teller.tell(result));
        // A buffer that nothing uses is mapped by this alone, however busy the device is.
        let _ = self.device.poll(wgpu::PollType::Poll);
        if !signal.is_set() {
            self.wait_for_all();
        }
        let outcome = signal.wait().await;
        self.signals.give_back(signal);
        match outcome {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.failure(&error.to_string())),
            None => Err(self.failure("a mapping was abandoned")),
        }
    }

    /// Has the device polled until all that was submitted is done: by this thread, where it may
    /// block, else by the device's own.
    fn wait_for_all(&self) {
        if MAY_BLOCK.get() {
            // A lost device ends the wait with its mappings refused: the callback tells.
            let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
        } else if let Some((waiter, _)) = &self.waiter {
            // Where one request is waiting already, its poll comes after this mapping was asked for.
            let _ = waiter.try_send(());
        }
    }

    /// Whether all went well so far.
    ///
    /// # Errors
    /// [`Error::Device`] with the first thing that did not.
    pub fn check(&self) -> Result<(), Error> {
        match &*self.trouble.lock().unwrap_or_else(|e| e.into_inner()) {
            Some(why) => Err(Error::Device { why: why.clone() }),
            None => Ok(()),
        }
    }

    /// The failure: what came first, or else `what`.
    pub fn failure(&self, what: &str) -> Error {
        self.check().err().unwrap_or_else(|| Error::Device { why: what.to_owned() })
    }
}

fn keep_first(note: &Mutex<Option<String>>, what: String) {
    note.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(what);
}

/// An error with its causes in one line.
fn one_line(error: &dyn std::error::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Ends the waiting thread before the device goes: were the thread the last to hold it, the driver
/// would be unloaded there while the process ends here, which crashed one run in fifteen on Mesa.
impl Drop for OpenDevice {
    fn drop(&mut self) {
        if let Some((waiter, thread)) = self.waiter.take() {
            drop(waiter);
            let _ = thread.join();
        }
    }
}

/// A thread that polls the device whenever a mapping is asked for, and ends with the sender.
fn waiting_thread(device: wgpu::Device) -> (mpsc::SyncSender<()>, JoinHandle<()>) {
    // Bounded, so that it has its memory from the start.
    let (sender, receiver) = mpsc::sync_channel::<()>(1);
    let thread = std::thread::Builder::new()
        .name("wgpu_softmax::waiter".into())
        .spawn(move || {
            while receiver.recv().is_ok() {
                // A lost device ends the wait with its mappings refused: the callback tells.
                let _ = device.poll(wgpu::PollType::wait_indefinitely());
            }
        })
        .expect("the system starts a thread");
    (sender, thread)
}
