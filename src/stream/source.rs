//! Where rows come from.

#[cfg(any(unix, windows))]
use std::fs::File;
use std::io::{self, ErrorKind, Read};

use rayon::prelude::*;

use super::crew::apart;

/// Elements of rows, one after the other. A slice of f32 is one, and so is a memory map by way of a
/// slice; [`Reader`], [`Chunks`] and [`Positioned`] make one of other things.
///
/// The stream calls it from the thread that runs the stream, and waits for it: reading may block. It may not use a
/// context of the same stream on a GPU, which is held until the stream ends: that would wait for ever.
pub trait Source: Send {
    /// Fills `into` with the elements from number `at` on, counted from the first row's first. Calls go
    /// forward without gaps, except where [`Source::can_go_back`] says otherwise.
    ///
    /// # Errors
    /// Whatever the source meets; [`ErrorKind::UnexpectedEof`] where it has not so many elements. It
    /// ends the stream with [`crate::Error::Source`].
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()>;

    /// Whether elements may be read again; unless told, where they lie in memory or are shared. Rows
    /// longer than the memory of the stream allows must be read two or three times.
    fn can_go_back(&self) -> bool {
        self.memory().is_some() || self.shared().is_some()
    }

    /// All elements, where they lie in memory: they are not copied then where the CPU computes.
    fn memory(&self) -> Option<&[f32]> {
        None
    }

    /// The same elements for several threads at a time, where the source has them so; it can go back
    /// then. [`Source::read`] is not called: the CPU's threads read what they compute themselves, some
    /// rows at a time, which stay in their caches.
    fn shared(&self) -> Option<&dyn SharedSource> {
        None
    }
}

/// Elements that several threads read at a time, each where it likes.
pub trait SharedSource: Sync {
    /// Fills `into` with the elements from number `at` on, counted from the first row's first.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn read_shared(&self, at: u64, into: &mut [f32]) -> io::Result<()>;
}

impl Source for &[f32] {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        into.copy_from_slice(&self[at as usize..][..into.len()]);
        Ok(())
    }

    fn can_go_back(&self) -> bool {
        true
    }

    fn memory(&self) -> Option<&[f32]> {
        Some(self)
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        (**self).read(at, into)
    }

    fn can_go_back(&self) -> bool {
        (**self).can_go_back()
    }

    fn memory(&self) -> Option<&[f32]> {
        (**self).memory()
    }

    fn shared(&self) -> Option<&dyn SharedSource> {
        (**self).shared()
    }
}

/// Elements from a reader that cannot go back, such as a pipe: f32 in the machine's byte order.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
}

impl<R: Read + Send> Reader<R> {
    /// Reads from where the reader stands. It needs no buffer: it is asked for large pieces.
    pub fn new(inner: R) -> Self {
        Self { inner }
    }

    /// The reader, behind the last element that was asked for.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read + Send> Source for Reader<R> {
    fn read(&mut self, _: u64, into: &mut [f32]) -> io::Result<()> {
        self.inner.read_exact(bytemuck::cast_slice_mut(into))
    }
}

/// Elements from an iterator of pieces of any length, such as batches that a program makes.
#[derive(Debug)]
pub struct Chunks<I: Iterator> {
    pieces: I,
    piece: Option<I::Item>,
    taken: usize,
}

impl<I: Iterator> Chunks<I>
where
    I::Item: AsRef<[f32]>,
{
    /// Takes one piece after the other.
    pub fn new(pieces: impl IntoIterator<IntoIter = I>) -> Self {
        Self { pieces: pieces.into_iter(), piece: None, taken: 0 }
    }
}

impl<I: Iterator + Send> Source for Chunks<I>
where
    I::Item: AsRef<[f32]> + Send,
{
    fn read(&mut self, at: u64, mut into: &mut [f32]) -> io::Result<()> {
        while !into.is_empty() {
            let rest = self.piece.as_ref().map_or(&[][..], |piece| &piece.as_ref()[self.taken..]);
            let n = rest.len().min(into.len());
            into[..n].copy_from_slice(&rest[..n]);
            into = &mut into[n..];
            self.taken += n;
            if !into.is_empty() {
                let end = || ended(&format!("the pieces end before the elements from {at} on are complete"));
                self.piece = Some(self.pieces.next().ok_or_else(end)?);
                self.taken = 0;
            }
        }
        Ok(())
    }
}

/// What is read by position, by several threads at a time: a file, or a store behind a network.
pub trait ReadAt: Send + Sync {
    /// Fills `into` with the bytes from `at` on.
    ///
    /// # Errors
    /// Whatever is met; [`ErrorKind::UnexpectedEof`] where there are not so many bytes.
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

#[cfg(unix)]
impl ReadAt for File {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, into, at)
    }
}

#[cfg(windows)]
impl ReadAt for File {
    fn read_exact_at(&self, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        while !into.is_empty() {
            let n = self.seek_read(into, at)?;
            if n == 0 {
                return Err(ended("the file is too short"));
            }
            (at, into) = (at + n as u64, &mut into[n..]);
        }
        Ok(())
    }
}

/// Elements at positions of a file or the like, f32 in the machine's byte order: read in parallel, and
/// again where rows are longer than memory.
#[derive(Debug)]
pub struct Positioned<R> {
    inner: R,
    offset: u64,
}

impl<R: ReadAt> Positioned<R> {
    /// The first element lies `offset` bytes from the start.
    pub fn new(inner: R, offset: u64) -> Self {
        Self { inner, offset }
    }
}

/// Bytes worth a thread's waking, when they are read or copied.
pub(crate) const PARALLEL_BYTES: usize = 1 << 20;

impl<R: ReadAt> SharedSource for Positioned<R> {
    fn read_shared(&self, at: u64, into: &mut [f32]) -> io::Result<()> {
        self.inner.read_exact_at(self.offset + at * 4, bytemuck::cast_slice_mut(into))
    }
}

impl<R: ReadAt> Source for Positioned<R> {
    fn read(&mut self, at: u64, into: &mut [f32]) -> io::Result<()> {
        read_parallel(self, at, into)
    }

    fn can_go_back(&self) -> bool {
        true
    }

    fn shared(&self) -> Option<&dyn SharedSource> {
        Some(self)
    }
}

/// Reads by several threads where there is much to read.
pub(crate) fn read_parallel(source: &dyn SharedSource, at: u64, into: &mut [f32]) -> io::Result<()> {
    const PIECE: usize = PARALLEL_BYTES / 4;
    if into.len() <= PIECE {
        return source.read_shared(at, into);
    }
    let pieces = into.par_chunks_mut(PIECE).enumerate();
    apart(|| pieces.try_for_each(|(i, piece)| source.read_shared(at + (i * PIECE) as u64, piece)))
}

fn ended(why: &str) -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, why.to_owned())
}
