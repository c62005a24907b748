//! The loop: chunks are given to devices, computed while others are read and written, and delivered in
//! order.
//!
//! Everything happens in the task that runs the stream, or in other threads while that task waits for
//! them; a device works between its submission and its landing. So nothing outlives the stream, and
//! nothing waits without an owner: the task waits for the first chunk that is not delivered, which is
//! either computed here or lands.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::cpu::{self, CpuSlot, Job, Worked};
use super::crew;
use super::io::{Input, Output};
use super::lane::{Device, Lane};
use super::memory::Room;
use super::progress::{Progress, Tell};
use super::walk::{Found, Task, Walk};
use crate::Error;
use crate::gpu::transfer::Submitted;
use crate::web::Instant;

/// A chunk under way.
struct Flight {
    lane: usize,
    slot: usize,
    task: Task,
    state: State,
}

enum State {
    /// Its elements are there; a job of the CPU.
    Waiting,
    Computing,
    Computed(Option<Found>, Worked),
    Submitted(Submitted),
}

impl Flight {
    fn is_ready(&self) -> bool {
        match &self.state {
            State::Waiting | State::Computing => false,
            State::Computed(..) => true,
            State::Submitted(submitted) => submitted.landing.is_here(),
        }
    }
}

/// Why a turn ended early.
enum Stop {
    /// A device failed: others may take over.
    Fault(usize, Error),
    /// Nothing can be done.
    End(Error),
}

impl Stop {
    fn of(lane: usize, error: Error) -> Self {
        if matches!(error, Error::Device { .. }) { Self::Fault(lane, error) } else { Self::End(error) }
    }
}

/// A stream under way.
pub(crate) struct Engine<'a> {
    pub walk: Walk,
    pub lanes: Vec<Lane<'a>>,
    pub input: Input<'a>,
    /// What a CPU that takes over has room for; `None` where it may not.
    pub spare: Option<Room>,
    pub tell: Option<&'a mut Tell<'a>>,
    /// Devices that failed, and how.
    pub faults: Vec<(Arc<str>, Error)>,
    flights: VecDeque<Flight>,
}

impl<'a> Engine<'a> {
    pub fn new(walk: Walk, lanes: Vec<Lane<'a>>, input: Input<'a>) -> Self {
        Self { walk, lanes, input, spare: None, tell: None, faults: Vec::new(), flights: VecDeque::new() }
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// [`Error::Source`], [`Error::Sink`], or a device's failure where nothing takes over.
    pub async fn run(&mut self, output: &mut Output<'_>) -> Result<(), Error> {
        loop {
            match self.turn(output).await {
                // Whoever would drop the future, or run others beside it, gets a turn.
                Ok(true) if !self.walk.is_done() => yield_once().await,
                Ok(true) => {}
                Ok(false) => break,
                Err(Stop::End(error)) => return Err(error),
                Err(Stop::Fault(lane, error)) => self.recover(lane, error)?,
            }
        }
        self.lanes.iter_mut().try_for_each(Lane::end)
    }

    /// Does what can be done next; `false` at the end.
    async fn turn(&mut self, output: &mut Output<'_>) -> Result<bool, Stop> {
        self.fill(output)?;
        let Some(front) = self.flights.front() else { return Ok(false) };
        let job = self.flights.iter().position(|flight| matches!(flight.state, State::Waiting));
        if let Some(job) = job {
            self.overlap(job, output)?;
        } else if let State::Submitted(submitted) = &front.state {
            let landing = submitted.landing.clone();
            landing.wait().await;
            self.deliver(output)?;
        } else {
            self.deliver(output)?;
        }
        Ok(true)
    }

    /// Begins chunks while there are slots.
    fn fill(&mut self, output: &Output<'_>) -> Result<(), Stop> {
        while let Some(index) = self.idlest() {
            let shared = self.lanes.len() > 1;
            let cols = self.walk.shape.cols();
            let lane = &mut self.lanes[index];
            let (rows, piece) = lane.most(cols, shared);
            let Some(task) = self.walk.next(rows, piece) else { break };
            let slot = lane.take_slot();
            let state = match &mut lane.device {
                Device::Cpu(slots) => {
                    slots[slot].fill(&task, &mut self.input).map_err(Stop::End)?;
                    State::Waiting
                }
                Device::Gpu(..) => lane
                    .submit(slot, self.walk.op, cols, &task, &mut self.input, output)
                    .map(State::Submitted)
                    .map_err(|error| Stop::of(index, error))?,
            };
            self.flights.push_back(Flight { lane: index, slot, task, state });
        }
        Ok(())
    }

    /// The lane with a free slot that has the least under way.
    fn idlest(&self) -> Option<usize> {
        let free = self.lanes.iter().enumerate().filter(|(_, lane)| lane.free_slots() > 0);
        free.min_by_key(|(_, lane)| lane.room.slots - lane.free_slots()).map(|(index, _)| index)
    }

    /// Computes a job on other threads, and meanwhile delivers and begins what can be.
    fn overlap(&mut self, flight: usize, output: &mut Output<'_>) -> Result<(), Stop> {
        let Flight { lane, slot, task, ref mut state } = self.flights[flight];
        *state = State::Computing;
        let mut job = Job {
            op: self.walk.op,
            cols: self.walk.shape.cols(),
            pieces: self.walk.pieces,
            task,
            memory: if let Input::Memory(x) = self.input { Some(x) } else { None },
            shared: self.input.shared(),
            slot: std::mem::take(self.cpu_slot(lane, slot)),
            outcome: Ok(None),
            worked: Worked::default(),
        };
        let (mut before, part) = output.split(task.out, task.words);
        let holds_device = self.lanes.iter().any(|lane| matches!(lane.device, Device::Gpu(..)));
        let served = crew::beside(holds_device, || job.compute(part), || self.serve(&mut before));
        *self.cpu_slot(lane, slot) = job.slot;
        served?;
        let found = job.outcome.map_err(Stop::End)?;
        if let Some(flight) = self.flights.iter_mut().find(|f| matches!(f.state, State::Computing)) {
            flight.state = State::Computed(found, job.worked);
        }
        Ok(())
    }

    fn cpu_slot(&mut self, lane: usize, slot: usize) -> &mut CpuSlot {
        match &mut self.lanes[lane].device {
            Device::Cpu(slots) => &mut slots[slot],
            Device::Gpu(..) => unreachable!("jobs are the CPU's"),
        }
    }

    /// Delivers what is ready, and begins chunks in its place.
    fn serve(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        while self.flights.front().is_some_and(Flight::is_ready) {
            self.deliver(output)?;
            self.fill(output)?;
        }
        Ok(())
    }

    /// Delivers the first chunk, which is ready.
    fn deliver(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        let Some(Flight { lane: index, slot, task, state }) = self.flights.pop_front() else { return Ok(()) };
        let (op, cols) = (self.walk.op, self.walk.shape.cols());
        let lane = &mut self.lanes[index];
        let found = match (state, &mut lane.device) {
            (State::Computed(found, worked), Device::Cpu(slots)) => {
                cpu::deliver(&slots[slot], &task, output).map_err(Stop::End)?;
                lane.timing.compute += worked.computing;
                lane.end_task(slot, &task, worked.all, Instant::now());
                found
            }
            (State::Submitted(submitted), Device::Gpu(..)) => lane
                .collect(slot, op, cols, &task, &submitted, output)
                .map_err(|error| Stop::of(index, error))?,
            _ => unreachable!("the first chunk is ready"),
        };
        if let Some((at, result)) = self.walk.complete(&task, found) {
            output.put(at, result.words()).map_err(Stop::End)?;
        }
        self.input.release(self.walk.needed_from());
        self.tell();
        Ok(())
    }

    fn tell(&mut self) {
        if let Some(tell) = &mut self.tell {
            tell(&Progress::of(&self.walk));
        }
    }

    /// Goes on without a lane: from the first chunk that was not delivered, on the others, or on the CPU
    /// where there is none and it may take over.
    fn recover(&mut self, lane: usize, error: Error) -> Result<(), Error> {
        self.faults.push((self.lanes[lane].name.clone(), error));
        self.flights.clear();
        self.lanes.remove(lane).give_up();
        self.walk.rewind();
        for index in (0..self.lanes.len()).rev() {
            if let Err(error) = self.lanes[index].reset() {
                self.faults.push((self.lanes[index].name.clone(), error));
                self.lanes.remove(index).give_up();
            }
        }
        self.begin()
    }

    /// Sees to it that there is a device.
    ///
    /// # Errors
    /// The failure of the first one where there is none, and the CPU may not take over.
    pub fn begin(&mut self) -> Result<(), Error> {
        if self.lanes.is_empty() {
            let room = self.spare.take().ok_or_else(|| self.first_fault())?;
            self.lanes.push(Lane::cpu(room));
        }
        Ok(())
    }

    fn first_fault(&self) -> Error {
        let why = "no device is left".to_owned();
        self.faults.first().map_or(Error::Device { why }, |(_, error)| error.clone())
    }
}

/// Lets the executor do something else once.
async fn yield_once() {
    let mut is_second = false;
    poll_fn(|task| {
        if std::mem::replace(&mut is_second, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
