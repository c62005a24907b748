//! The output file: complete under its name, or not there at all.

mod array;
mod beside;
mod wrap;
mod zip;

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::interrupt::{self, There};
use crate::journal::Identity;
pub use array::{Array, Begin};
use beside::Beside;
pub use wrap::Form;

/// A file that is written beside its name and gets the name in one step, when it is complete.
///
/// What was under the name before stays readable until then, so it may be the input. Dropped before
/// that it leaves nothing, unless rows are done from which the run can be resumed.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// A file to replace another one, or none.
    Beside(Box<Beside>),
    /// A device or pipe, such as /dev/null: there is nothing to replace.
    Straight(File),
    /// The same, of what is looked at before it goes there.
    Spooled(File, File),
}

/// How an output begins.
#[derive(Default)]
pub struct Start<'a> {
    /// The array's header.
    pub header: &'a [u8],
    /// Bytes of all of it.
    pub bytes: u64,
    /// What it is, where another run could go on with it.
    pub identity: Option<Identity>,
    /// Whether to go on with what another run has left.
    pub resume: bool,
    /// Whether it will be read before it is finished.
    pub read_back: bool,
}

impl Output {
    /// Begins a file that is to be called `path`.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        Ok(Self::begin(path, Start::default())?.0)
    }

    /// Begins a file that is to be called `path`, or goes on with one. Says how many rows are done.
    pub fn begin(path: &Path, start: Start<'_>) -> Result<(Self, u64), Failure> {
        let about = fs::metadata(path);
        match &about {
            Ok(there) if there.is_dir() => {
                return Err(Failure::of_file(path, "this is a directory; name a file in it"));
            }
            Ok(there) if there.permissions().readonly() => {
                return Err(Failure::of_file(
                    path,
                    "this is read-only; make it writable, or choose another name",
                ));
            }
            Ok(there) if !there.is_file() => return Self::straight(path, &start),
            _ => {}
        }
        let permissions = about.ok().map(|there| there.permissions());
        // The name may be a symbolic link: what it points to is replaced, not the link.
        let name = if permissions.is_some() { fs::canonicalize(path) } else { Ok(path.to_owned()) };
        let name = name.map_err(|error| unwritable(path, &error))?;
        let (beside, rows) = Beside::begin(path, name, start)?;
        if let Some(permissions) = permissions {
            beside.file().set_permissions(permissions).map_err(|error| unwritable(path, &error))?;
        }
        Ok((Self { path: path.to_owned(), to: To::Beside(Box::new(beside)) }, rows))
    }

    fn straight(path: &Path, start: &Start<'_>) -> Result<(Self, u64), Failure> {
        if start.resume {
            return Err(Failure::of_file(
                path,
                "this is no file, and keeps nothing to resume; leave --resume out",
            ));
        }
        let open = || {
            let file = File::options().write(true).open(path)?;
            Ok(if start.read_back { To::Spooled(tempfile::tempfile()?, file) } else { To::Straight(file) })
        };
        let to = open().map_err(|error| unwritable(path, &error))?;
        let mut output = Self { path: path.to_owned(), to };
        if !start.read_back {
            interrupt::outputs().there = There::Beginning;
        }
        output.write(start.header)?;
        Ok((output, 0))
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.to {
            To::Beside(beside) => beside.write(bytes),
            To::Straight(file) | To::Spooled(file, _) => file.write_all(bytes),
        };
        written.map_err(|error| {
            let what = format!("writing {} bytes: {error}; make room, or choose another place", bytes.len());
            Failure::of_file(&self.path, what)
        })
    }

    /// Takes note that so many rows are done with what was written so far.
    pub fn rows_done(&mut self, rows: u64) -> Result<(), Failure> {
        let To::Beside(beside) = &mut self.to else { return Ok(()) };
        beside.rows_done(rows).map_err(|error| Failure::of_file(beside.journal_path(), error))
    }

    /// The file, to read what was written; `None` where it has gone to a device already.
    pub fn written(&self) -> Option<&File> {
        match &self.to {
            To::Beside(beside) => Some(beside.file()),
            To::Spooled(file, _) => Some(file),
            To::Straight(_) => None,
        }
    }

    /// Whether rows are done from which the run can be resumed.
    pub fn is_kept(&self) -> bool {
        matches!(&self.to, To::Beside(beside) if beside.is_kept())
    }

    /// Leaves nothing, since nobody could go on with it.
    pub fn discard(mut self) {
        if let To::Beside(beside) = &mut self.to {
            beside.forget();
        }
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<(), Failure> {
        match self.to {
            To::Beside(beside) => beside.finish().map_err(|error| unwritable(&self.path, &error)),
            To::Straight(_) => {
                interrupt::outputs().finished();
                Ok(())
            }
            To::Spooled(mut file, mut device) => {
                interrupt::outputs().there = There::Beginning;
                let copied = file.rewind().and_then(|()| io::copy(&mut file, &mut device));
                copied.map_err(|error| Failure::of_file(&self.path, format!("writing: {error}")))?;
                interrupt::outputs().finished();
                Ok(())
            }
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let missing = path.parent().is_some_and(|p| !p.as_os_str().is_empty() && !p.exists());
    match path.parent() {
        Some(parent) if missing => {
            Failure::of_file(path, format!("the directory {} is not there; make it first", parent.display()))
        }
        _ => Failure::of_file(path, format!("cannot be written: {error}; choose another place")),
    }
}
