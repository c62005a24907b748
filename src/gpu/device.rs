//! Opening an adapter with what the kernels can use, and waiting for it without blocking.

use std::cell::Cell;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::adapter::AdapterEntry;
use super::landing::Landing;
use super::source::Rounding;
use crate::Error;
use crate::error::one_line;
use crate::web::{IS_WEB, Instant};

/// A device of our own, with the thread that waits for it.
#[derive(Debug)]
pub(crate) struct OpenDevice {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// The bytes of the largest buffer, kept since each small call asks for it.
    pub max_buffer: u64,
    /// That the device was lost, or else the first thing that went wrong outside an error scope: memory, a
    /// refusal.
    trouble: Arc<Mutex<Option<String>>>,
    /// None in a browser, whose own tasks answer.
    waiter: Option<(mpsc::SyncSender<Wait>, JoinHandle<()>)>,
}

/// A submission, and who waits for it.
type Wait = (wgpu::SubmissionIndex, Landing);

/// A buffer to be mapped once a submission is done, how, and how many bytes of it.
pub(crate) type Mapping<'a> = (&'a wgpu::Buffer, wgpu::MapMode, u64);

/// What is used where an adapter has it.
const WANTED: wgpu::Features = wgpu::Features::SUBGROUP
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
    .union(wgpu::Features::PIPELINE_CACHE);

/// The same on an adapter: what keeps roundings too, where it is of use.
fn wanted(entry: &AdapterEntry) -> wgpu::Features {
    let has = entry.adapter.features();
    match Rounding::of(entry.info.backend, has) {
        Rounding::Decorated => has & WANTED.union(wgpu::Features::PASSTHROUGH_SHADERS),
        _ => has & WANTED,
    }
}

thread_local! {
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Blocks this thread on a future. A small batch that it waits for is waited for here instead of by the
/// device's own thread, which saves two changes of threads.
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
    /// Opens an adapter with these limits and the features that the kernels use.
    pub async fn new(entry: &AdapterEntry, limits: wgpu::Limits) -> Result<Self, Error> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgpu_softmax::device"),
            required_features: wanted(entry),
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) = entry
            .adapter
            .request_device(&descriptor)
            .await
            .map_err(|e| Error::device(format_args!("{entry}: {e}")))?;
        let trouble = Arc::new(Mutex::new(None));
        let note = trouble.clone();
        device.set_device_lost_callback(move |reason, message| {
            // Whatever came before came of it.
            let what = one_line(format_args!("it was lost ({reason:?}) {message}"));
            *note.lock().unwrap_or_else(|e| e.into_inner()) = Some(what);
        });
        let note = trouble.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            keep_first(&note, one_line(error));
        }));
        #[cfg(not(target_arch = "wasm32"))]
        let waiter = Some(waiting_thread(device.clone()));
        #[cfg(target_arch = "wasm32")]
        let waiter = None;
        let max_buffer = device.limits().max_buffer_size;
        Ok(Self { device, queue, max_buffer, trouble, waiter })
    }

    /// Whether buffers that shaders use may be mapped, and that saves copies: true of programs on
    /// the CPU, whose memory is the host's.
    pub fn maps_storage(&self) -> bool {
        self.device.features().contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
            && self.device.adapter_info().device_type == wgpu::DeviceType::Cpu
    }

    /// Asks for buffers to be mapped once a submission is done. The waiting thread owns the wait.
    pub fn land(&self, submission: wgpu::SubmissionIndex, mappings: &[Mapping<'_>]) -> Landing {
        let landing = Landing::new(mappings.len());
        self.ask(&landing, mappings);
        self.send((submission, landing.clone()));
        landing
    }

    /// [`OpenDevice::land`] for a single chunk, with a landing that nobody uses any more. This thread
    /// waits, where it may.
    pub fn land_again(
        &self,
        landing: &Landing,
        submission: wgpu::SubmissionIndex,
        mappings: &[Mapping<'_>],
    ) -> Landing {
        landing.rearm(mappings.len());
        self.ask(landing, mappings);
        if MAY_BLOCK.get() && !IS_WEB {
            wait_for(&self.device, submission, landing);
        } else {
            self.send((submission, landing.clone()));
        }
        landing.clone()
    }

    fn ask(&self, landing: &Landing, mappings: &[Mapping<'_>]) {
        for (buffer, mode, bytes) in mappings {
            let answer = landing.clone();
            buffer.map_async(*mode, 0..*bytes, move |result| answer.answer(result.map_err(one_line)));
        }
    }

    fn send(&self, wait: Wait) {
        if let Some((waiter, _)) = &self.waiter
            && let Err(mpsc::SendError((_, landing))) = waiter.send(wait)
        {
            landing.give_up("the thread that waits for it has ended");
        }
    }

    /// Whether all went well so far.
    ///
    /// # Errors
    /// [`Error::Device`] with the first thing that did not.
    pub fn check(&self) -> Result<(), Error> {
        if self.trouble().is_none() { Ok(()) } else { Err(self.failure("")) }
    }

    /// The failure: that the device was lost, or what came first, or else `what`.
    pub fn failure(&self, what: &str) -> Error {
        // A loss is told by a poll, after what came of it.
        let _ = self.device.poll(wgpu::PollType::Poll);
        self.trouble().map_or_else(|| Error::device(what), |why| Error::Device { why })
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}

fn keep_first(note: &Mutex<Option<String>>, what: String) {
    note.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(what);
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

/// Waits that may be asked for at a time, more than a ring has slots: the channel has its memory from the
/// start.
#[cfg(not(target_arch = "wasm32"))]
const WAITS: usize = 32;

/// Waits for a submission, and for the answers of its mappings.
fn wait_for(device: &wgpu::Device, submission: wgpu::SubmissionIndex, landing: &Landing) {
    let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: None };
    match device.poll(wait) {
        Ok(_) => see_to_the_end(device, landing),
        Err(error) => landing.give_up(&one_line(error)),
    }
}

/// A thread that waits for one submission after the other, and ends with the sender.
#[cfg(not(target_arch = "wasm32"))]
fn waiting_thread(device: wgpu::Device) -> (mpsc::SyncSender<Wait>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::sync_channel::<Wait>(WAITS);
    let thread = std::thread::Builder::new()
        .name("wgpu_softmax::waiter".into())
        .spawn(move || {
            for (submission, landing) in receiver {
                wait_for(&device, submission, &landing);
            }
        })
        .expect("the system starts a thread");
    (sender, thread)
}

/// How long the answer of a mapping may take once the work before it is done.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// The submission is done; the answers of its mappings are here, or in the hands of another thread that
/// polled or submitted at the same time.
fn see_to_the_end(device: &wgpu::Device, landing: &Landing) {
    let start = Instant::now();
    while !landing.is_here() {
        if start.elapsed() > ANSWER_TIME {
            landing.give_up("a mapping was not answered");
        }
        std::thread::yield_now();
        // A lost device is told by the mapping's answer.
        let _ = device.poll(wgpu::PollType::Poll);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::named::test_adapters;

    /// How long a landing may take to come: generous, since it either comes or never does.
    const LIMIT: Duration = Duration::from_secs(60);

    fn result_in_time(landing: &Landing) -> Result<Instant, String> {
        let begin = Instant::now();
        while !landing.is_here() {
            assert!(begin.elapsed() < LIMIT, "it has not come");
            std::thread::sleep(Duration::from_millis(1));
        }
        landing.result()
    }

    fn buffer(open: &OpenDevice, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let descriptor = wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false };
        open.device.create_buffer(&descriptor)
    }

    /// A submission that fills three buffers, which are then asked for. The host may not map the one at
    /// `refused`, and the one at `destroyed` is gone by then.
    fn land(open: &OpenDevice, refused: Option<usize>, destroyed: Option<usize>) -> Result<Instant, String> {
        use wgpu::BufferUsages as Usage;
        let usage =
            |at| if refused == Some(at) { Usage::COPY_DST } else { Usage::COPY_DST | Usage::MAP_READ };
        let buffers = [0, 1, 2].map(|at| buffer(open, usage(at)));
        let mut encoder = open.device.create_command_encoder(&Default::default());
        buffers.iter().for_each(|buffer| encoder.clear_buffer(buffer, 0, None));
        let submission = open.queue.submit([encoder.finish()]);
        if let Some(destroyed) = destroyed {
            buffers[destroyed].destroy();
        }
        let landing = open.land(submission, &buffers.each_ref().map(|b| (b, wgpu::MapMode::Read, 16)));
        result_in_time(&landing)
    }

    #[test]
    fn a_mapping_that_fails_alone_ends_the_landing_with_one_line() {
        for entry in test_adapters() {
            let open = pollster::block_on(OpenDevice::new(&entry, entry.adapter.limits())).unwrap();
            for at in [0, 1, 2].map(Some) {
                for why in [land(&open, at, None).unwrap_err(), land(&open, None, at).unwrap_err()] {
                    let told = open.failure(&why).to_string();
                    assert!(told.contains("Buffer::map_async") && told.lines().count() == 1, "{told}");
                    assert!(!why.is_empty() && why.lines().count() == 1, "{why}");
                }
            }
            // The device is as good as before, and so is the thread that waits for it.
            land(&open, None, None).unwrap();
        }
    }
}
