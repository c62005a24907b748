//! How much memory a stream may use, and what fits it.

use crate::Error;

/// Chunks under way at a time on a device: one is written, one computes, one is read.
const RING: usize = 3;
/// Elements of a piece at least: below, the work per piece outweighs the piece.
const LEAST_PIECE: usize = 1024;
/// What a stream takes of the memory that is free, unless told: one part in so many.
const PART_OF_FREE: u64 = 4;
/// The most and the least it takes unless told.
const DEFAULT_RANGE: (u64, u64) = (64 << 20, 1 << 30);

/// What a lane holds: so many slots, each with room for some whole rows (0 where not even one fits) or
/// for a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub slots: usize,
    pub rows: usize,
    pub piece: usize,
}

/// What a lane needs per slot, and what it may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Bytes of a row's elements and of its results.
    pub row_in: u64,
    pub row_out: u64,
    /// How often elements and results of a slot lie in the host's memory, and how often the elements
    /// of one slot do besides.
    pub host_in: u64,
    pub host_out: u64,
    pub extra_in: u64,
    /// Whether elements and results of a slot lie in the device's own memory.
    pub on_device: bool,
    /// Bytes of the host's and of the device's memory.
    pub host: u64,
    pub device: u64,
    /// Bytes of the largest buffer.
    pub buffer: u64,
    /// Bytes of a chunk's larger side where memory is plenty.
    pub chunk: u64,
}

impl Demand {
    /// Bytes of the host's memory and the device's for so many slots.
    fn cost(&self, slots: u64, row_in: u64, row_out: u64) -> (u64, u64) {
        let sides = |times_in: u64, times_out: u64| {
            times_in.saturating_mul(row_in).saturating_add(times_out.saturating_mul(row_out))
        };
        let host = sides(slots * self.host_in + self.extra_in, slots * self.host_out);
        (host, if self.on_device { sides(slots, slots) } else { 0 })
    }

    /// How many units of so many bytes in and out a slot takes.
    fn units(&self, slots: u64, unit_in: u64, unit_out: u64) -> u64 {
        let (host, device) = self.cost(slots, unit_in, unit_out);
        // What costs nothing has room in no memory at all.
        let fit = |budget: u64, cost: u64| budget.checked_div(cost).unwrap_or(u64::MAX);
        fit(self.host, host).min(fit(self.device, device)).min(fit(self.buffer, unit_in.max(unit_out)))
    }

    /// The room there is: as many slots as whole rows leave, up to three.
    ///
    /// # Errors
    /// [`Error::Memory`] where the memory takes not even pieces, [`Error::Limit`] where a buffer does not.
    pub fn room(&self) -> Result<Room, Error> {
        let larger = self.row_in.max(self.row_out).max(1);
        let usual = (self.chunk / larger).max(1);
        for slots in (1..=RING).rev() {
            let rows = self.units(slots as u64, self.row_in, self.row_out);
            if rows > 0 {
                let rows = rows.min(usual) as usize;
                return Ok(Room { slots, rows, piece: self.piece(slots) });
            }
        }
        let piece = self.piece(RING);
        if piece < LEAST_PIECE {
            return Err(self.no_room());
        }
        Ok(Room { slots: RING, rows: 0, piece })
    }

    /// What takes not even the least pieces.
    fn no_room(&self) -> Error {
        let least = 4 * LEAST_PIECE as u64;
        let (host, device) = self.cost(RING as u64, least, least);
        let too_little =
            [(host, self.host), (device, self.device)].into_iter().find(|(cost, there)| cost > there);
        match too_little {
            Some((needed, budget)) => Error::Memory {
                what: "three pieces of a row for each device",
                needed,
                budget,
                hint: "allow more, or use fewer devices",
            },
            None => Error::Limit {
                what: "bytes of a piece of a row in one buffer",
                needed: least,
                limit: self.buffer,
                hint: "request a larger max_buffer_size, or use the CPU",
            },
        }
    }

    fn piece(&self, slots: usize) -> usize {
        self.units(slots as u64, 4, 4).min(self.chunk / 4) as usize
    }

    /// Bytes of the host's memory that a whole row needs.
    pub fn whole_row(&self) -> u64 {
        self.cost(1, self.row_in, self.row_out).0
    }
}

/// A part of the memory that is free now, within bounds: the bytes that a stream uses unless told.
pub fn default_budget() -> u64 {
    let (least, most) = DEFAULT_RANGE;
    (free_memory().unwrap_or(most) / PART_OF_FREE).clamp(least, most)
}

/// Bytes of free memory, where the system tells: the machine's, or what is left of the control group's.
#[cfg(target_os = "linux")]
pub fn free_memory() -> Option<u64> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let memory = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024;
    let most = number("/sys/fs/cgroup/memory.max").unwrap_or(u64::MAX);
    let used = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
    Some(machine.min(most.saturating_sub(used)))
}

/// Bytes of free memory, where the system tells.
#[cfg(not(target_os = "linux"))]
pub fn free_memory() -> Option<u64> {
    None
}
