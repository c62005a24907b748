//! The elements of an array, a chunk at a time.
//!
//! A file is read, not mapped: where another program shortens it meanwhile, a read says so, and a
//! mapping would end the process by a signal (SIGBUS) that cannot be told from any other.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rayon::prelude::*;
use wgpu_softmax::DType;
use wgpu_softmax::stream::{self, ReadAt, SharedSource};

use super::Name;
use super::checksum::{Checksum, Expected};
use super::convert::{halves, swap, widen};
use super::found::check_length;
use super::header::{Description, short};
use crate::failure::Failure;

/// Elements that a thread reads at a time.
const PIECE: usize = 1 << 18;

/// Where elements come from, what that took, and what went wrong.
#[derive(Debug)]
pub struct Elements {
    path: PathBuf,
    from: From,
    array: Description,
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
    /// By place, and in parallel.
    File(InFile),
    /// One after the other; so many bytes have come.
    Pipe { pipe: File, done: u64 },
}

/// A file, and where in it the data begins.
#[derive(Debug)]
struct InFile {
    file: File,
    offset: u64,
    /// Its length and time of change.
    was: (u64, Option<SystemTime>),
    /// Of what was read of the data, with what the array is called, where that is to be compared.
    checksum: Option<(String, Checksum)>,
}

impl InFile {
    /// Reads so many bytes from the data's start on.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(self.offset + at, into)?;
        if let Some((_, checksum)) = &self.checksum {
            checksum.add(at, into);
        }
        Ok(())
    }

    /// What is wrong with what was read.
    fn fault(&self) -> io::Result<Option<String>> {
        if state(&self.file)? != self.was {
            let what = "it was changed while it was read; begin again when it is complete";
            return Ok(Some(what.to_owned()));
        }
        let Some((name, checksum)) = &self.checksum else { return Ok(None) };
        let wrong = checksum.check(&self.file, self.offset)?.err();
        Ok(wrong.map(|what| format!("{}: {what}", short(name, 80))))
    }
}

impl Elements {
    /// Of an array in a file; its data begins `offset` bytes from the start.
    pub fn in_file(
        name: Name,
        file: File,
        offset: u64,
        array: &Description,
        expected: Option<Expected>,
    ) -> Result<Self, Failure> {
        let was = state(&file).map_err(|error| Failure::of_file(&name.path, error))?;
        let called = name.array.unwrap_or_default();
        let checksum = expected.map(|expected| (called, Checksum::new(expected)));
        Ok(Self::of(name.path, From::File(InFile { file, offset, was, checksum }), array.clone()))
    }

    /// Of an array that comes through a pipe, which stands behind the header.
    pub fn from_pipe(path: PathBuf, pipe: File, array: Description) -> Self {
        Self::of(path, From::Pipe { pipe, done: 0 }, array)
    }

    fn of(path: PathBuf, from: From, array: Description) -> Self {
        Self { path, from, array, told: Mutex::default() }
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
            From::Pipe { pipe, done } => match pipe.read(&mut [0]) {
                Ok(more) => check_length(&self.array, *done + more as u64).err(),
                Err(error) => Some(error.to_string()),
            },
            From::File(there) => there.fault().unwrap_or_else(|error| Some(error.to_string())),
        };
        self.told().spoilt |= what.is_some();
        what.map_or(Ok(()), |what| Err(Failure::of_file(&self.path, what)))
    }

    /// The elements from number `first` on, as a stream takes them: those of f32, f16 and bf16, as f32.
    pub fn rows_from(&mut self, first: u64) -> Rows<'_> {
        Rows { elements: self, first }
    }

    /// Elements of the array's own type, from number `at` on; all of them are as wide as those.
    pub fn read_same(&mut self, at: u64, into: &mut [u8]) -> Result<(), Failure> {
        let (width, swapped) = (self.array.kind.bytes(), self.array.swapped);
        self.told().begin();
        let read = match &mut self.from {
            From::File(there) => {
                let (there, start) = (&*there, at * width as u64);
                let pieces = into.par_chunks_mut(PIECE * width).enumerate();
                pieces.try_for_each(|(i, piece)| there.read(start + (i * PIECE * width) as u64, piece))
            }
            From::Pipe { pipe, done } => read_pipe(pipe, done, into),
        };
        let read = self.end_read(read);
        read.map_err(|error| self.failure().unwrap_or_else(|| Failure::of_file(&self.path, error)))?;
        if swapped {
            swap(into, width);
        }
        Ok(())
    }

    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.told().begin();
        let array = &self.array;
        let read = match &mut self.from {
            From::File(there) => {
                let there = &*there;
                let pieces = into.par_chunks_mut(PIECE).enumerate();
                pieces.try_for_each(|(i, piece)| read_piece(there, array, at + (i * PIECE) as u64, piece))
            }
            From::Pipe { pipe, done } => {
                let read = read_pipe(pipe, done, room(array, into));
                finish(array, into);
                read
            }
        };
        self.end_read(read)
    }

    fn end_read(&self, read: io::Result<()>) -> io::Result<()> {
        self.told().end();
        read.inspect_err(|error| self.fail(error))
    }

    fn fail(&self, error: &io::Error) {
        let ended = error.kind() == ErrorKind::UnexpectedEof;
        let what = match &self.from {
            From::Pipe { done, .. } if ended => check_length(&self.array, *done).err(),
            From::File(_) if ended => {
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

    fn shared(&self) -> Option<&dyn SharedSource> {
        if let From::File(_) = &self.elements.from { Some(self) } else { None }
    }
}

impl SharedSource for Rows<'_> {
    fn read_shared(&self, at: u64, into: &mut [f32]) -> io::Result<()> {
        let elements = &self.elements;
        let From::File(there) = &elements.from else { unreachable!("only files are shared") };
        elements.told().begin();
        elements.end_read(read_piece(there, &elements.array, self.first + at, into))
    }
}

/// Reads elements from number `at` on.
fn read_piece(there: &InFile, array: &Description, at: u64, into: &mut [f32]) -> io::Result<()> {
    there.read(at * array.kind.bytes() as u64, room(array, into))?;
    finish(array, into);
    Ok(())
}

/// Where the bytes of elements are read to, before they are f32.
fn room<'a>(array: &Description, into: &'a mut [f32]) -> &'a mut [u8] {
    match array.kind.bytes() {
        2 => halves(into),
        _ => bytemuck::cast_slice_mut(into),
    }
}

/// Makes f32 of them.
fn finish(array: &Description, into: &mut [f32]) {
    match array.kind.float() {
        Some(dtype @ (DType::F16 | DType::BF16)) => widen(dtype, array.swapped, into),
        _ if array.swapped => into.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes())),
        _ => {}
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
