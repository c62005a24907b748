//! Where results go.

use std::io::{self, Write};

/// Takes results in order: words of 4 bytes, as many per element or row as the operation has. A mutable
/// slice of f32 is one, and so is a memory map by way of a slice; [`Writer`] and [`Each`] make one of
/// other things.
///
/// The stream calls it from the thread that runs the stream, and waits for it: a slow sink slows the
/// stream, and no results pile up. Nor may it use a context of the stream on a GPU, which is held meanwhile.
pub trait Sink: Send {
    /// Takes the words that follow those of the call before.
    ///
    /// # Errors
    /// Whatever the sink meets. It ends the stream with [`crate::Error::Sink`].
    fn write(&mut self, words: &[f32]) -> io::Result<()>;

    /// Called once, after the last words.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The memory that all words go to, where it is that: they are then computed there, and
    /// [`Sink::write`] is not called.
    fn memory(&mut self) -> Option<&mut [f32]> {
        None
    }
}

impl Sink for &mut [f32] {
    /// An error: which part of the slice the words are for is known to the stream alone.
    fn write(&mut self, _: &[f32]) -> io::Result<()> {
        let why = "a slice has results put where they belong; let the sink that holds it forward Sink::memory, or \
                   copy the words itself";
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }

    fn memory(&mut self) -> Option<&mut [f32]> {
        Some(self)
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn write(&mut self, words: &[f32]) -> io::Result<()> {
        (**self).write(words)
    }

    fn finish(&mut self) -> io::Result<()> {
        (**self).finish()
    }

    fn memory(&mut self) -> Option<&mut [f32]> {
        (**self).memory()
    }
}

/// Results into a writer, in the machine's byte order.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
}

impl<W: Write + Send> Writer<W> {
    /// Writes from where the writer stands, and flushes it at the end. It needs no buffer: it is given
    /// large pieces.
    pub fn new(inner: W) -> Self {
        Self { inner }
    }

    /// The writer, behind what was written.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write + Send> Sink for Writer<W> {
    fn write(&mut self, words: &[f32]) -> io::Result<()> {
        self.inner.write_all(bytemuck::cast_slice(words))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Calls a function with each piece of the results, in order.
#[derive(Clone, Copy, Debug)]
pub struct Each<F>(pub F);

impl<F: FnMut(&[f32]) -> io::Result<()> + Send> Sink for Each<F> {
    fn write(&mut self, words: &[f32]) -> io::Result<()> {
        self.0(words)
    }
}
