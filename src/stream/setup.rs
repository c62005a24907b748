//! What a stream begins with: its devices, and the room of each.

use super::engine::Engine;
use super::io::{Input, Output};
use super::lane::Lane;
use super::memory::{Demand, Room, default_budget};
use super::walk::Walk;
use super::{Fallback, Sink, Source};
use crate::context::Gpu;
use crate::error::check_length;
use crate::gpu::small::is_direct;
use crate::web::Instant;
use crate::{Context, Error, Op, Shape, Timing};

/// Bytes of a chunk's larger side on a device: big enough to hide a submission, small enough to overlap.
const DEVICE_CHUNK: u64 = 32 << 20;
/// The same on the CPU where results are written from the chunk: it should stay in the caches.
const CPU_CHUNK: u64 = 4 << 20;
/// The same where nothing is copied, and results go past the caches.
const MEMORY_CHUNK: u64 = 64 << 20;

/// What a stream was told.
pub(super) struct Setting<'a> {
    pub contexts: Vec<&'a Context>,
    pub op: Op,
    pub shape: Shape,
    pub memory: Option<u64>,
    pub device_memory: u64,
    pub fallback: Fallback,
}

impl Setting<'_> {
    /// Where results go.
    ///
    /// # Errors
    /// [`Error::Length`] for memory of another length.
    pub fn output<'o>(&self, sink: &'o mut (dyn Sink + 'o)) -> Result<Output<'o>, Error> {
        let output = Output::new(sink);
        if let Output::Memory(out) = &output {
            check_length("output", self.op.kind.output_words(self.shape)?, out.len())?;
        }
        Ok(output)
    }
}

/// What all devices of a stream have in common.
#[derive(Clone, Copy)]
struct Terms {
    op: Op,
    shape: Shape,
    /// Words of the result per row.
    words: u64,
    /// Whether elements and results are copied from and to the caller.
    copies_in: bool,
    copies_out: bool,
    /// Whether elements under way are kept besides.
    keeps: bool,
    /// Bytes of memory for each.
    host: u64,
    device: u64,
}

impl Terms {
    fn cpu(&self) -> Demand {
        let copies = self.copies_in || self.copies_out;
        Demand {
            host_in: u64::from(self.copies_in) + u64::from(self.keeps),
            host_out: u64::from(self.copies_out),
            extra_in: 0,
            on_device: false,
            buffer: u64::MAX,
            chunk: if copies { CPU_CHUNK } else { MEMORY_CHUNK },
            ..self.rows()
        }
    }

    fn gpu(&self, gpu: &Gpu) -> Demand {
        let info = gpu.open.device.adapter_info();
        // The buffers of a program on the CPU are the host's memory, each beside its twin unless that is it.
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let times = if software && !gpu.open.maps_storage() { 2 } else { 1 };
        let (limits, rows) = (gpu.open.device.limits(), self.rows());
        // A chunk is one window of its plan, or one row where that takes several windows.
        let binding = limits.max_storage_buffer_binding_size.max(rows.row_in.max(rows.row_out));
        Demand {
            host_in: times + u64::from(self.keeps),
            host_out: times,
            extra_in: u64::from(self.copies_in),
            on_device: !software,
            buffer: limits.max_buffer_size.min(binding),
            chunk: DEVICE_CHUNK,
            ..rows
        }
    }

    fn rows(&self) -> Demand {
        Demand {
            row_in: self.shape.cols() * 4,
            row_out: self.words * 4,
            host_in: 0,
            host_out: 0,
            extra_in: 0,
            on_device: false,
            host: self.host,
            device: self.device,
            buffer: u64::MAX,
            chunk: 0,
        }
    }

    /// A room no larger than the batch.
    fn fitted(&self, mut room: Room) -> Room {
        let rows = usize::try_from(self.shape.row_count()).unwrap_or(usize::MAX);
        room.rows = room.rows.min(rows);
        if room.rows > 0 {
            room.slots = room.slots.min(rows.div_ceil(room.rows));
        }
        let cols = usize::try_from(self.shape.cols()).unwrap_or(usize::MAX / 2);
        room.piece = room.piece.min(cols.next_multiple_of(64));
        room
    }

    /// Bytes of a slot's buffers.
    fn sides(&self, room: Room) -> (u64, u64) {
        match (room.rows as u64, room.piece as u64) {
            (0, piece) => (piece * 4, if self.op.kind.is_elementwise() { piece * 4 } else { self.words * 4 }),
            (rows, _) => (rows * self.shape.cols() * 4, rows * self.words * 4),
        }
    }
}

/// The devices of a stream: each once, the CPU as `None`.
fn devices<'a>(contexts: &[&'a Context], shape: Shape) -> Vec<Option<&'a Gpu>> {
    if shape.is_empty() {
        // Results of rows without elements.
        return vec![None];
    }
    let mut found: Vec<Option<&Gpu>> = contexts.iter().map(|context| context.gpu()).collect();
    // In one order everywhere, so that two streams never wait for each other's devices.
    found.sort_by_key(|gpu| gpu.map(|gpu| gpu.id));
    found.dedup_by_key(|gpu| gpu.map(|gpu| gpu.id));
    found
}

/// A stream's engine, ready to run.
///
/// # Errors
/// Those of `Stream::run` that come before anything is read.
pub(super) async fn engine<'a>(
    setting: &Setting<'a>,
    source: &'a mut (dyn Source + 'a),
    in_memory: bool,
) -> Result<Engine<'a>, Error> {
    let (op, shape) = (setting.op.checked()?, setting.shape.contiguous()?.as_rows());
    if let Some(x) = source.memory() {
        check_length("input", shape.elements()?, x.len())?;
    }
    // Rows without elements and results are not walked over, however many or long.
    let shape = if op.kind.output_words(shape)? == 0 { Shape::rows(0, 0) } else { shape };
    let devices = devices(&setting.contexts, shape);
    let falls_back = setting.fallback == Fallback::Cpu && devices.iter().all(Option::is_some);
    let may_repeat = devices.iter().any(Option::is_some) && (falls_back || devices.len() > 1);
    let terms = Terms {
        op,
        shape,
        words: op.kind.words_per_row(shape.cols()),
        copies_in: source.memory().is_none(),
        copies_out: !in_memory,
        keeps: may_repeat && !source.can_go_back(),
        host: setting.memory.unwrap_or_else(default_budget) / devices.len() as u64,
        device: setting.device_memory,
    };
    let (mut rooms, mut spare) = rooms(&terms, &devices, falls_back)?;
    let cut = rooms.iter().chain(&spare).any(|room| room.rows == 0);
    if cut {
        may_be_cut(&terms, &devices, source)?;
        rooms.iter_mut().chain(&mut spare).for_each(|room| room.rows = 0);
    }
    let walk = Walk::new(op, shape, cut, devices.iter().any(Option::is_some))?;
    let mut engine = Engine::new(walk, Vec::new(), Input::new(source, terms.keeps));
    engine.spare = spare;
    for (device, room) in devices.into_iter().zip(rooms) {
        add_lane(&mut engine, &terms, device, room).await;
    }
    engine.begin()?;
    Ok(engine)
}

fn rooms(
    terms: &Terms,
    devices: &[Option<&Gpu>],
    falls_back: bool,
) -> Result<(Vec<Room>, Option<Room>), Error> {
    let room = |gpu: &Option<&Gpu>| gpu.map_or(terms.cpu(), |gpu| terms.gpu(gpu)).room();
    let found = devices.iter().map(room).collect::<Result<_, _>>()?;
    Ok((found, if falls_back { Some(terms.cpu().room()?) } else { None }))
}

/// Whether rows that are too long may be cut.
fn may_be_cut(terms: &Terms, devices: &[Option<&Gpu>], source: &dyn Source) -> Result<(), Error> {
    if source.can_go_back() {
        return Ok(());
    }
    let demands = devices.iter().map(|gpu| gpu.map_or(terms.cpu(), |gpu| terms.gpu(gpu)));
    let needed = demands.clone().map(|demand| demand.whole_row()).max().unwrap_or(0);
    if needed > terms.host {
        let devices = devices.len() as u64;
        return Err(Error::Memory {
            what: "a whole row at a time, since the source cannot go back",
            needed: needed * devices,
            budget: terms.host * devices,
            hint: "allow that much, or take a source that can go back, such as a file",
        });
    }
    let buffer = demands.map(|demand| demand.buffer).min().unwrap_or(0);
    Err(Error::Limit {
        what: "bytes of a row in one buffer, since the source cannot go back",
        needed: terms.shape.cols().max(terms.words) * 4,
        limit: buffer.min(terms.device),
        hint: "take a source that can go back, such as a file, or the CPU",
    })
}

async fn add_lane<'a>(engine: &mut Engine<'a>, terms: &Terms, device: Option<&'a Gpu>, room: Room) {
    let mut room = terms.fitted(room);
    let Some(gpu) = device else { return engine.lanes.push(Lane::cpu(room)) };
    if engine.walk.pieces.is_some() {
        room.rows = 0;
    }
    let transfer = gpu.transfer.lock().await;
    match Lane::gpu(gpu, transfer, room, terms.sides(room), true) {
        Ok(lane) => engine.lanes.push(lane),
        Err(error) => engine.faults.push((gpu.name.clone(), error)),
    }
}

/// A batch in memory on one device: what [`Context::run_into`] and [`Context::run_in_place`] do. Lengths
/// were checked, and there are elements.
///
/// # Errors
/// [`Error::Kernel`], [`Error::Limit`], [`Error::Device`].
pub(crate) async fn run_on_gpu(
    gpu: &Gpu,
    op: Op,
    shape: Shape,
    x: Option<&[f32]>,
    out: &mut [f32],
) -> Result<Timing, Error> {
    if is_direct(&gpu.open, op, shape) {
        let direct = &mut gpu.transfer.lock().await.direct;
        return direct.run(&gpu.open, &gpu.ops, op, shape, x, out).await;
    }
    let start = Instant::now();
    let words = op.kind.words_per_row(shape.cols());
    let (host, device) = (u64::MAX, u64::MAX);
    let terms = Terms { op, shape, words, copies_in: false, copies_out: false, keeps: false, host, device };
    let room = terms.fitted(terms.gpu(gpu).room()?);
    let walk = Walk::new(op, shape, room.rows == 0, true)?;
    let lane = Lane::gpu(gpu, gpu.transfer.lock().await, room, terms.sides(room), false)?;
    let input = x.map_or(Input::InPlace, Input::Memory);
    let mut engine = Engine::new(walk, vec![lane], input);
    engine.run(&mut Output::Memory(out)).await?;
    Ok(Timing { total: start.elapsed(), ..engine.lanes[0].timing })
}
