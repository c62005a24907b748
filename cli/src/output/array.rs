//! An array on its way into a file.

use std::fs::File;
use std::io;
use std::path::Path;

use wgpu_softmax::stream::ReadAt;

use super::wrap::{Form, Wrap};
use super::{Output, Start};
use crate::failure::Failure;
use crate::files::others;
use crate::journal::Identity;

/// The output with what stands around its data.
#[derive(Debug)]
pub struct Array {
    output: Output,
    wrap: Wrap,
}

/// How it begins.
pub struct Begin<'a> {
    /// What it is to be.
    pub form: &'a Form,
    /// What run it is of, where another one could go on with it.
    pub identity: Option<Identity>,
    /// Whether to go on with what another run has left.
    pub resume: bool,
    /// Whether it will be read before it is finished.
    pub read_back: bool,
}

impl Array {
    /// Begins a file that is to be called `path`, or goes on with one. Says how many rows are done, of so
    /// many bytes each.
    pub fn begin(path: &Path, begin: Begin<'_>, row_bytes: u64) -> Result<(Self, u64), Failure> {
        let wrap = Wrap::new(begin.form).map_err(|what| Failure::of_file(path, what))?;
        others::check(path, &begin.form.name, begin.form.container)
            .map_err(|what| Failure::of_file(path, what))?;
        let start = Start {
            header: &wrap.head,
            bytes: wrap.bytes,
            identity: begin.identity,
            resume: begin.resume,
            read_back: begin.read_back,
        };
        let (output, rows) = Output::begin(path, start)?;
        let mut array = Self { output, wrap };
        array.sum_up(rows * row_bytes).map_err(|error| Failure::of_file(path, error))?;
        Ok((array, rows))
    }

    /// Takes into the checksum, where there is one, what another run has written.
    fn sum_up(&mut self, mut bytes: u64) -> io::Result<()> {
        let (mut at, mut buffer) = (self.wrap.head.len() as u64, vec![0; 1 << 20]);
        let (Some(member), Some(file)) = (&mut self.wrap.member, self.output.written()) else {
            return Ok(());
        };
        while bytes > 0 {
            let part = bytes.min(buffer.len() as u64);
            file.read_exact_at(at, &mut buffer[..part as usize])?;
            member.add(&buffer[..part as usize]);
            (at, bytes) = (at + part, bytes - part);
        }
        Ok(())
    }

    /// Appends data.
    pub fn write(&mut self, data: &[u8]) -> Result<(), Failure> {
        if let Some(member) = &mut self.wrap.member {
            member.add(data);
        }
        self.output.write(data)
    }

    /// Takes note that so many rows are done with what was written so far.
    pub fn rows_done(&mut self, rows: u64) -> Result<(), Failure> {
        self.output.rows_done(rows)
    }

    /// The file with the data, and where that begins, to read what was written; `None` where it has gone
    /// to a device already.
    pub fn written(&self) -> Option<(&File, u64)> {
        Some((self.output.written()?, self.wrap.head.len() as u64))
    }

    /// Whether rows are done from which the run can be resumed.
    pub fn is_kept(&self) -> bool {
        self.output.is_kept()
    }

    /// Leaves nothing, since nobody could go on with it.
    pub fn discard(self) {
        self.output.discard();
    }

    /// Gives the file its name.
    pub fn finish(mut self) -> Result<(), Failure> {
        if let Some(member) = &self.wrap.member {
            self.output.write(&member.tail())?;
        }
        self.output.finish()
    }
}
