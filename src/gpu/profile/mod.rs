//! Profiles: the planner's thresholds as data, for one kind of device. They change speed, never bits.

mod key;
mod text;

use std::sync::LazyLock;

pub use key::{DeviceKey, ProfileKey, SubgroupKey};

use super::planner::{Capabilities, Kernel};
use crate::Error;

/// A line of a profile: the kernel for rows of up to `cols` columns, and numbers that differ from
/// what the planner takes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rung {
    /// The most columns; `u64::MAX` for any number.
    pub cols: u64,
    /// The kernel.
    pub kernel: Kernel,
    /// Which rows of that length.
    pub rows: Rows,
    /// Its numbers.
    pub numbers: Numbers,
}

impl Rung {
    /// A kernel for rows of up to this many columns.
    pub fn new(cols: u64, kernel: Kernel) -> Self {
        Self { cols, kernel, rows: Rows::Any, numbers: Numbers::default() }
    }

    fn takes(&self, cols: u64, aligned: bool) -> bool {
        let meant = match self.rows {
            Rows::Any => true,
            Rows::Aligned => aligned,
            Rows::Unaligned => !aligned,
        };
        meant && cols <= self.cols
    }

    /// Whether its numbers are ones that every device can be brought to.
    fn check(&self) -> Result<(), String> {
        let Numbers { group, held, trips, .. } = self.numbers;
        if let Some(held) = held.filter(|held| *held == 0 || *held > MAX_HELD) {
            return Err(format!("held={held}; it must be between 1 and {MAX_HELD}"));
        }
        if held.is_some() && self.kernel != Kernel::Subgroup {
            return Err(format!("held belongs to the kernel subgroup, not to {}", self.kernel.name()));
        }
        if let Some(group) = group.filter(|g| !g.is_power_of_two() || *g > MAX_GROUP) {
            return Err(format!("group={group}; it must be a power of two, at most {MAX_GROUP}"));
        }
        if let Some(trips) = trips.filter(|t| *t == 0 || *t > crate::numerics::FLUSH) {
            return Err(format!("trips={trips}; it must be between 1 and {}", crate::numerics::FLUSH));
        }
        match self.kernel {
            Kernel::Split => {}
            other if trips.is_some() => {
                return Err(format!("trips belong to the kernel split, not to {}", other.name()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Rows by how they can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// All.
    #[default]
    Any,
    /// Those that all start on 16 bytes, and are read so many at a time.
    Aligned,
    /// The others.
    Unaligned,
}

/// Numbers of a kernel that a profile may set; `None` leaves them to the planner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Numbers {
    /// Invocations per workgroup: a power of two; a device's limits lower it.
    pub group: Option<u32>,
    /// Units, of four elements or one, that a lane of a subgroup holds where a few lanes are enough for a
    /// row: the fewer, the more lanes share it, up to those of the device's smallest subgroups.
    pub held: Option<u32>,
    /// Trips of an invocation over its part of a split row.
    pub trips: Option<u32>,
    /// Whether a looped kernel keeps exponentials in the results between its walks.
    pub rewrite: Option<bool>,
}

/// The most units that a lane may be asked to hold.
const MAX_HELD: u32 = 64;
/// The most invocations a workgroup may be asked to have.
const MAX_GROUP: u32 = 1024;

/// The planner's thresholds for one kind of device, as data; the text form is that of the files in
/// `profiles/`.
///
/// ```
/// use wgpu_softmax::gpu::{Kernel, Options, Profile};
///
/// let profile = Profile::parse("wgpu-softmax profile 1\ncols 64 thread\ncols any split group=8")?;
/// assert_eq!(profile.rungs()[0].kernel, Kernel::Thread);
/// assert_eq!(Profile::parse(&profile.to_text())?, profile);
/// let options = Options::default().profile(profile);
/// # let _ = options;
/// # Ok::<(), wgpu_softmax::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    key: ProfileKey,
    rungs: Vec<Rung>,
}

impl Profile {
    /// Thresholds for the devices that a key matches, with growing numbers of columns. Rows that no
    /// rung takes go by the shipped profile.
    ///
    /// # Errors
    /// [`Error::Profile`] for columns that do not grow, and for numbers that no device takes.
    pub fn new(key: ProfileKey, rungs: Vec<Rung>) -> Result<Self, Error> {
        let mut least = 1;
        for (i, rung) in rungs.iter().enumerate() {
            rung.check()
                .and_then(|()| ascending(least, rung.cols))
                .map_err(|why| Error::Profile { line: None, why: format!("rung {i}: {why}") })?;
            least = rung.cols;
        }
        Ok(Self { key, rungs })
    }

    /// Which devices it is for.
    pub fn key(&self) -> &ProfileKey {
        &self.key
    }

    /// Its lines, by growing numbers of columns; of several that take a row the first is used.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The profiles that come with this library.
    pub fn shipped() -> &'static [Profile] {
        &SHIPPED
    }

    /// The shipped profile for a device: of those that match, the one that says most about it.
    pub fn of_device(caps: &Capabilities) -> &'static Profile {
        best(Self::shipped(), caps).expect("a shipped profile matches every device")
    }

    /// The rungs that take rows of this kind, the best first.
    pub(super) fn rungs_for(&self, cols: u64, aligned: bool) -> impl Iterator<Item = &Rung> {
        self.rungs.iter().filter(move |rung| rung.takes(cols, aligned))
    }
}

/// Of the profiles that match a device, the one that says most about it; the later of equals.
pub(super) fn best<'a>(from: &'a [Profile], caps: &Capabilities) -> Option<&'a Profile> {
    let matching = from.iter().filter(|profile| profile.key.matches(caps));
    matching.max_by_key(|profile| profile.key.detail())
}

fn ascending(least: u64, cols: u64) -> Result<(), String> {
    if cols >= least {
        return Ok(());
    }
    Err(format!("{cols} columns come after {least}; rungs stand by growing numbers, at least 1"))
}

macro_rules! shipped {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../profiles/", $name, ".profile")))),*]
    };
}

static SHIPPED: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let files = shipped!["software", "software-plain", "hardware", "hardware-plain"];
    let parsed = files.map(|(name, text)| Profile::parse(text).unwrap_or_else(|e| panic!("{name}: {e}")));
    parsed.into()
});
