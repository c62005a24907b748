//! Source and sink as the engine sees them: memory, or calls with what must be remembered.

use std::collections::VecDeque;
use std::io;

use super::copy::copy;
use super::cpu::fit;
use super::source::read_parallel;
use super::{SharedSource, Sink, Source};
use crate::Error;

/// Where elements come from.
pub(crate) enum Input<'a> {
    Memory(&'a [f32]),
    /// They lie where the results go.
    InPlace,
    Calls(Reading<'a>),
}

impl<'a> Input<'a> {
    /// `keeps`: whether elements may be asked for again until they are released.
    pub fn new(source: &'a mut (dyn Source + 'a), keeps: bool) -> Self {
        if source.memory().is_some() {
            let source: &'a dyn Source = source;
            return Self::Memory(source.memory().unwrap_or_default());
        }
        let keeps = keeps && !source.can_go_back();
        let source = if source.shared().is_some() {
            let source: &'a dyn Source = source;
            From::Shared(source.shared().expect("a source is shared or is not"))
        } else {
            From::Calls(source)
        };
        Self::Calls(Reading {
            source,
            keeps,
            at: 0,
            kept: VecDeque::new(),
            spare: Vec::new(),
            bounce: Vec::new(),
        })
    }

    /// The source, where several threads may read it at a time.
    pub fn shared(&self) -> Option<&'a dyn SharedSource> {
        match self {
            Self::Calls(Reading { source: From::Shared(source), .. }) => Some(*source),
            _ => None,
        }
    }

    /// No element before this one will be asked for again.
    pub fn release(&mut self, before: u64) {
        if let Self::Calls(reading) = self {
            reading.release(before);
        }
    }
}

/// A source that is called: one call at a time, or several.
enum From<'a> {
    Calls(&'a mut (dyn Source + 'a)),
    Shared(&'a dyn SharedSource),
}

impl From<'_> {
    fn read(&mut self, at: u64, into: &mut [f32]) -> Result<(), Error> {
        let read = match self {
            Self::Calls(source) => source.read(at, into),
            Self::Shared(source) => read_parallel(*source, at, into),
        };
        read.map_err(source_error)
    }
}

/// A source, and what must be remembered of it. Where it cannot go back and somebody may take over from a device that
/// fails, elements are kept until their results are delivered.
pub(crate) struct Reading<'a> {
    source: From<'a>,
    keeps: bool,
    /// The element that the source stands before.
    at: u64,
    kept: VecDeque<(u64, Vec<f32>)>,
    spare: Vec<Vec<f32>>,
    /// Scratch for elements on their way to a device.
    pub bounce: Vec<f32>,
}

impl Reading<'_> {
    /// Reads the elements from number `at` on.
    ///
    /// # Errors
    /// [`Error::Source`].
    pub fn read(&mut self, at: u64, into: &mut [f32]) -> Result<(), Error> {
        if !self.keeps {
            return self.source.read(at, into);
        }
        let again = self.at.saturating_sub(at).min(into.len() as u64) as usize;
        for (start, data) in &self.kept {
            let (from, to) = (at.max(*start), (at + again as u64).min(start + data.len() as u64));
            if from < to {
                let data = &data[(from - start) as usize..(to - start) as usize];
                into[(from - at) as usize..][..data.len()].copy_from_slice(data);
            }
        }
        let new = &mut into[again..];
        if !new.is_empty() {
            self.source.read(self.at, new)?;
            let mut data = self.spare.pop().unwrap_or_default();
            fit(&mut data, new.len());
            data.copy_from_slice(new);
            self.kept.push_back((self.at, data));
            self.at += new.len() as u64;
        }
        Ok(())
    }

    fn release(&mut self, before: u64) {
        while let Some((start, data)) = self.kept.front()
            && start + data.len() as u64 <= before
        {
            self.spare.extend(self.kept.pop_front().map(|(_, data)| data));
        }
    }
}

/// Where results go.
pub(crate) enum Output<'a> {
    Memory(&'a mut [f32]),
    Calls(&'a mut (dyn Sink + 'a)),
}

impl<'a> Output<'a> {
    pub fn new(sink: &'a mut (dyn Sink + 'a)) -> Self {
        // Asked twice: a borrow that is returned lasts in every branch.
        if sink.memory().is_some() {
            return Self::Memory(sink.memory().unwrap_or_default());
        }
        Self::Calls(sink)
    }

    /// Takes words; calls come in order.
    ///
    /// # Errors
    /// [`Error::Sink`].
    pub fn put(&mut self, at: u64, words: &[f32]) -> Result<(), Error> {
        match self {
            Self::Memory(out) => {
                copy(words, &mut out[at as usize..][..words.len()]);
                Ok(())
            }
            Self::Calls(_) if words.is_empty() => Ok(()),
            Self::Calls(sink) => sink.write(words).map_err(sink_error),
        }
    }

    /// The memory of some words, and the output before them; `None`, and all of the output, where it is
    /// no memory or there are no words.
    pub fn split(&mut self, at: u64, words: usize) -> (Output<'_>, Option<&mut [f32]>) {
        match self {
            Self::Memory(out) => {
                if words == 0 {
                    return (Output::Memory(out), None);
                }
                let (before, rest) = out.split_at_mut(at as usize);
                (Output::Memory(before), Some(&mut rest[..words]))
            }
            Self::Calls(sink) => (Output::Calls(&mut **sink), None),
        }
    }
}

pub(crate) fn source_error(error: io::Error) -> Error {
    Error::Source { kind: error.kind(), why: error.to_string() }
}

pub(crate) fn sink_error(error: io::Error) -> Error {
    Error::Sink { kind: error.kind(), why: error.to_string() }
}
