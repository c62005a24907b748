//! The elements of an array, a chunk at a time.
//!
//! A file is read, not mapped: where another program shortens it meanwhile, a read says so, and a
//! mapping would end the process by a signal (SIGBUS) that cannot be told from any other.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use wgpu_softmax::stream::{self, Positioned, SharedSource};

use super::data::check_length;
use crate::failure::Failure;

/// Where elements come from, what that took, and what went wrong.
#[derive(Debug)]
pub struct Elements {
    path: PathBuf,
    from: From,
    /// Whether the bytes of each are in the other order than this machine's.
    swapped: bool,
    told: Mutex<Told>,
}

/// What reading told, by several threads at a time.
#[derive(Debug, Default)]
struct Told {
    /// How long somebody read, and how many do now, since when.
    time: Duration,
    readers: usize,
    since: Option<Instant>,
    failure: Option<Failure>,
    /// Whether the file is not any more what it was.
    spoilt: bool,
}

impl Told {
    fn begin(&mut self) {
        self.readers += 1;
        self.since.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {
        self.readers -= 1;
        if self.readers == 0 {
            self.time += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        }
    }
}

#[derive(Debug)]
enum From {
    /// By place, and in parallel. With the file's length and time of change.
    File { at: Positioned<File>, file: File, was: (u64, Option<SystemTime>) },
    /// One after the other; so many bytes have come.
    Pipe { pipe: File, shape: Vec<usize>, done: u64 },
    /// All of them.
    Memory(Vec<f32>),
}

impl Elements {
    /// Of an array in a file; its data begins `offset` bytes from the start.
    pub fn in_file(path: PathBuf, file: File, offset: u64) -> Result<Self, Failure> {
        let open = || Ok((Positioned::new(file.try_clone()?, offset), state(&file)?));
        let (at, was) = open().map_err(|error: io::Error| Failure::of_file(&path, error))?;
        Ok(Self::of(path, From::File { at, file, was }))
    }

    /// Of an array that comes through a pipe, which stands behind the header.
    pub fn from_pipe(path: PathBuf, pipe: File, shape: Vec<usize>) -> Self {
        Self::of(path, From::Pipe { pipe, shape, done: 0 })
    }

    /// Of an array that is in memory.
    pub fn in_memory(path: PathBuf, elements: Vec<f32>) -> Self {
        Self::of(path, From::Memory(elements))
    }

    fn of(path: PathBuf, from: From) -> Self {
        Self { path, from, swapped: false, told: Mutex::default() }
    }

    /// Whether each element's bytes are to be swapped.
    pub fn swapped(self, swapped: bool) -> Self {
        Self { swapped, ..self }
    }

    /// Bytes of memory that it holds.
    pub fn bytes_held(&self) -> u64 {
        if let From::Memory(all) = &self.from { size_of_val(&all[..]) as u64 } else { 0 }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long reading took; what several threads read at a time counts once.
    pub fn time(&self) -> Duration {
        self.told().time
    }

    /// What went wrong while elements were read, in one line.
    pub fn failure(&self) -> Option<Failure> {
        self.told().failure.take()
    }

    /// Whether the file is not any more what it was, so that nothing made of it is worth keeping.
    pub fn is_spoilt(&self) -> bool {
        self.told().spoilt
    }

    /// Whether what was read is all there is, and was the same all the time.
    pub fn end(&mut self) -> Result<(), Failure> {
        let what = match &mut self.from {
            From::Memory(_) => return Ok(()),
            From::Pipe { pipe, shape, done } => match pipe.read(&mut [0]) {
                Ok(more) => check_length(shape, *done + more as u64).err(),
                Err(error) => Some(error.to_string()),
            },
            From::File { file, was, .. } => match state(file) {
                Ok(now) if now == *was => None,
                Ok(_) => Some("it was changed while it was read; begin again when it is complete".to_owned()),
                Err(error) => Some(error.to_string()),
            },
        };
        self.told().spoilt |= what.is_some();
        what.map_or(Ok(()), |what| Err(Failure::of_file(&self.path, what)))
    }

    /// The elements from number `first` on, as a stream takes them.
    pub fn rows_from(&mut self, first: u64) -> Rows<'_> {
        Rows { elements: self, first }
    }

    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.told().begin();
        let read = match &mut self.from {
            From::File { at: file, .. } => file.read_shared(at, into),
            From::Pipe { pipe, done, .. } => read_pipe(pipe, done, bytemuck::cast_slice_mut(into)),
            From::Memory(all) => {
                into.copy_from_slice(&all[at as usize..][..into.len()]);
                Ok(())
            }
        };
        self.end_read(read, into)
    }

    fn read_file(&self, file: &Positioned<File>, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.told().begin();
        self.end_read(file.read_shared(at, into), into)
    }

    fn end_read(&self, read: io::Result<()>, into: &mut [f32]) -> io::Result<()> {
        if self.swapped {
            swap(into);
        }
        self.told().end();
        read.inspect_err(|error| self.fail(error))
    }

    fn fail(&self, error: &io::Error) {
        let ended = error.kind() == ErrorKind::UnexpectedEof;
        let what = match &self.from {
            From::Pipe { shape, done, .. } if ended => check_length(shape, *done).err(),
            From::File { .. } if ended => {
                Some("it was shortened while it was read; begin again when it is complete".to_owned())
            }
            _ => None,
        };
        let what = what.unwrap_or_else(|| format!("cannot be read: {error}"));
        let mut told = self.told();
        told.spoilt |= ended;
        told.failure = Some(Failure::of_file(&self.path, what));
    }
}

/// The elements from some number on.
pub struct Rows<'a> {
    elements: &'a mut Elements,
    first: u64,
}

impl stream::Source for Rows<'_> {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.elements.read(self.first + at, into)
    }

    fn can_go_back(&self) -> bool {
        !matches!(self.elements.from, From::Pipe { .. })
    }

    fn memory(&self) -> Option<&[f32]> {
        if let From::Memory(all) = &self.elements.from { Some(&all[self.first as usize..]) } else { None }
    }

    fn shared(&self) -> Option<&dyn SharedSource> {
        if let From::File { .. } = &self.elements.from { Some(self) } else { None }
    }
}

impl SharedSource for Rows<'_> {
    fn read_shared(&self, at: u64, into: &mut [f32]) -> io::Result<()> {
        match &self.elements.from {
            From::File { at: file, .. } => self.elements.read_file(file, self.first + at, into),
            From::Pipe { .. } | From::Memory(_) => unreachable!("only files are shared"),
        }
    }
}

fn state(file: &File) -> io::Result<(u64, Option<SystemTime>)> {
    let about = file.metadata()?;
    Ok((about.len(), about.modified().ok()))
}

fn read_pipe(pipe: &mut File, done: &mut u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match pipe.read(into) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                *done += n as u64;
                into = &mut into[n..];
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Turns the bytes of each element round.
pub fn swap(elements: &mut [f32]) {
    elements.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes()));
}
