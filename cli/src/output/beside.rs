//! A file that is written beside the name it is to get.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Start, unwritable};
use crate::failure::Failure;
use crate::interrupt::{self, Unfinished};
use crate::journal::{self, Hash, Identity, Journal, Left, Mark};
use crate::terminal::bytes;

/// Bytes after which a mark is set at the end of the next row: what an interruption may cost.
const MARK_BYTES: u64 = 32 << 20;
/// The same where a device is slow.
const MARK_TIME: Duration = Duration::from_secs(1);

/// An unfinished file, its journal, and the name it is to get. The file is locked while it is written.
#[derive(Debug)]
pub struct Beside {
    file: File,
    place: PathBuf,
    name: PathBuf,
    identity: Option<Identity>,
    /// Made with the first mark.
    journal: Option<Journal>,
    journal_path: PathBuf,
    hash: Hash,
    bytes: u64,
    /// Where the last mark is, and since when.
    marked: (u64, Instant),
}

impl Beside {
    /// Begins a file that is to be called `name`, or goes on with what another run has left. Says how
    /// many rows are done.
    pub fn begin(path: &Path, name: PathBuf, start: Start<'_>) -> Result<(Self, u64), Failure> {
        let fail = |error: io::Error| unwritable(path, &error);
        let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a file's name");
        let (place, journal_path) = journal::beside(&name).ok_or_else(no_name).map_err(fail)?;
        // Registered under the same guard it is made under: an interruption finds it, or comes before it.
        let mut outputs = interrupt::outputs();
        let old = open_locked(&place).map_err(|error| in_use(path, error))?;
        let found = match (old, &start.identity) {
            (Some(file), Some(identity)) if start.resume => left(path, file, &journal_path, identity)?,
            _ => None,
        };
        let (file, mark, hash) = match found {
            Some((file, mark, hash)) => (file, Some(mark), hash),
            None => (create_locked(&place).map_err(fail)?, None, Hash::default()),
        };
        outputs.unfinished.push(Unfinished { file: place.clone(), is_kept: false });
        drop(outputs);
        let (rows, bytes) = mark.as_ref().map_or((0, 0), |mark| (mark.rows, mark.bytes));
        let marked = (bytes, Instant::now());
        let identity = start.identity;
        // From here on dropping it leaves nothing, or what was there.
        let mut beside =
            Self { file, place, name, identity, journal: None, journal_path, hash, bytes, marked };
        beside.go_to(mark, start.header).map_err(fail)?;
        check_room(path, &beside.place, start.bytes.saturating_sub(beside.bytes))?;
        Ok((beside, rows))
    }

    /// What is being written.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it is noted how far that is.
    pub fn journal_path(&self) -> &Path {
        &self.journal_path
    }

    /// Whether rows are done from which another run could go on.
    pub fn is_kept(&self) -> bool {
        self.journal.is_some()
    }

    /// Nobody shall go on with it: dropped, it leaves nothing.
    pub fn forget(&mut self) {
        self.journal = None;
    }

    /// Stands where writing goes on: behind the last row that is done, or behind the header.
    fn go_to(&mut self, mark: Option<Mark>, header: &[u8]) -> io::Result<()> {
        let Some(mark) = mark else { return self.write(header) };
        self.file.set_len(mark.bytes)?;
        self.file.seek(SeekFrom::Start(mark.bytes))?;
        self.mark(&mark)
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.add(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Sets a mark, if it is time.
    pub fn rows_done(&mut self, rows: u64) -> io::Result<()> {
        let (bytes, since) = self.marked;
        let due = self.bytes - bytes >= MARK_BYTES || self.bytes > bytes && since.elapsed() >= MARK_TIME;
        if !due || self.identity.is_none() {
            return Ok(());
        }
        self.mark(&Mark { rows, bytes: self.bytes, hash: self.hash.text() })
    }

    fn mark(&mut self, mark: &Mark) -> io::Result<()> {
        let Some(identity) = &self.identity else { return Ok(()) };
        match &mut self.journal {
            Some(journal) => journal.mark(mark)?,
            None => self.journal = Some(Journal::create(&self.journal_path, identity, mark)?),
        }
        self.marked = (mark.bytes, Instant::now());
        let mut outputs = interrupt::outputs();
        outputs.unfinished.iter_mut().filter(|u| u.file == self.place).for_each(|u| u.is_kept = true);
        Ok(())
    }

    /// Gives the file its name.
    pub fn finish(mut self) -> io::Result<()> {
        // Held over the renaming: an interruption comes before it, or finds that all is there.
        let mut outputs = interrupt::outputs();
        fs::rename(&self.place, &self.name)?;
        outputs.unfinished.retain(|u| u.file != self.place);
        outputs.finished();
        self.place = PathBuf::new();
        let _ = fs::remove_file(&self.journal_path);
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let mut outputs = interrupt::outputs();
        outputs.unfinished.retain(|u| u.file != self.place);
        if self.journal.is_none() && !self.place.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.place);
            let _ = fs::remove_file(&self.journal_path);
        }
    }
}

/// What an earlier run has left and is good, if it was the same run; else a failure that says so.
fn left(
    path: &Path,
    mut file: File,
    journal: &Path,
    identity: &Identity,
) -> Result<Option<(File, Mark, Hash)>, Failure> {
    let Some(left) = Left::read(journal) else { return Ok(None) };
    if let Some(why) = left.identity.differs(identity) {
        let what = format!("the unfinished run is another one, {why}; to begin anew leave --resume out");
        return Err(Failure::of_file(path, what));
    }
    let good = left.good(&mut file).map_err(|error| Failure::of_file(path, error))?;
    Ok(good.map(|(mark, hash)| (file, mark, hash)))
}

/// The file of an earlier run, if there is one that no other process writes.
fn open_locked(place: &Path) -> Result<Option<File>, TryLockError> {
    match fs::symlink_metadata(place) {
        // Whatever else has the name is not ours, and is replaced without being followed.
        Ok(there) if there.is_file() => {}
        _ => return Ok(None),
    }
    let file = File::options().read(true).write(true).open(place).map_err(TryLockError::Error)?;
    file.try_lock()?;
    // Meanwhile it may have got its final name, and be no unfinished file any more.
    Ok(is_same(&file, place).then_some(file))
}

#[cfg(unix)]
fn is_same(file: &File, place: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |about: fs::Metadata| (about.dev(), about.ino());
    let there = fs::symlink_metadata(place).map(number);
    file.metadata().map(number).is_ok_and(|here| there.is_ok_and(|there| here == there))
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn is_same(_: &File, _: &Path) -> bool {
    true
}

/// A new file in the place of whatever is there.
fn create_locked(place: &Path) -> io::Result<File> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = File::options().read(true).write(true).create_new(true).open(place)?;
    file.try_lock()?;
    Ok(file)
}

fn in_use(path: &Path, error: TryLockError) -> Failure {
    match error {
        TryLockError::WouldBlock => {
            Failure::of_file(path, "another run is writing it; wait for that one, or choose another name")
        }
        TryLockError::Error(error) => unwritable(path, &error),
    }
}

/// Whether the file system has as many bytes free as are still to be written: better told now than after
/// hours.
#[cfg(unix)]
fn check_room(path: &Path, place: &Path, needed: u64) -> Result<(), Failure> {
    let Ok(about) = rustix::fs::statvfs(place) else { return Ok(()) };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    // Some file systems do not count.
    if about.f_blocks == 0 || needed <= free {
        return Ok(());
    }
    let (needed, free) = (bytes(needed), bytes(free));
    let what = format!("{needed} are to be written and {free} are free; make room, or choose another place");
    Err(Failure::of_file(path, what))
}

/// Elsewhere it is told when it happens.
#[cfg(not(unix))]
fn check_room(_: &Path, _: &Path, _: u64) -> Result<(), Failure> {
    Ok(())
}
