//! A file with an array: its header, its length, and the way to its elements.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use wgpu_softmax::stream::ReadAt;

use super::elements::Elements;
use super::header::{self, Description, elements, shape_text, too_many};
use super::order;
use crate::failure::Failure;
use crate::journal::InputIdentity;
use crate::progress::Progress;
use crate::terminal::bytes;

/// A file whose header is read and found good.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    description: Description,
    elements: usize,
    /// Where the data begins; `None` where the file cannot be sought in, such as a pipe.
    offset: Option<u64>,
}

impl Source {
    /// Opens a file, and checks its header and its length.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let fail = |what: String| Failure::of_file(path, what);
        let mut file = File::open(path).map_err(|e| fail(unreadable(&e)))?;
        let about = file.metadata().map_err(|e| fail(e.to_string()))?;
        if about.is_dir() {
            return Err(fail("this is a directory; name a file in it".to_owned()));
        }
        let description = header::read(&mut file).map_err(fail)?;
        let elements = elements(&description.shape).ok_or_else(|| fail(too_many(&description.shape)))?;
        let mut source = Self { path: path.to_owned(), file, description, elements, offset: None };
        if about.is_file() {
            let offset = source.file.stream_position().map_err(|e| fail(e.to_string()))?;
            source.check_length(about.len().saturating_sub(offset)).map_err(fail)?;
            source.offset = Some(offset);
        }
        Ok(source)
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.description.shape
    }

    /// Bytes of data.
    pub fn bytes(&self) -> u64 {
        self.elements as u64 * 4
    }

    /// What tells it from another input; `None` where it cannot be read again.
    pub fn identity(&self) -> Result<Option<InputIdentity>, Failure> {
        let Some(offset) = self.offset else { return Ok(None) };
        let of = || {
            let mut header = vec![0; offset as usize];
            self.file.read_exact_at(0, &mut header)?;
            InputIdentity::of(&self.file, &header)
        };
        of().map(Some).map_err(|error| Failure::of_file(&self.path, error))
    }

    /// The same, in a file without a name where it could not be read again.
    pub fn again(mut self) -> Result<Self, Failure> {
        if self.offset.is_none() {
            let needed = self.bytes();
            let copy = copied(&mut self.file, needed);
            let (file, found) = copy.map_err(|error| Failure::of_file(&self.path, error))?;
            self.check_length(found).map_err(|what| Failure::of_file(&self.path, what))?;
            (self.file, self.offset) = (file, Some(0));
        }
        Ok(self)
    }

    /// The way to the elements, and the memory that it takes. Only `memory` bytes may be used.
    pub fn elements(self, memory: Option<u64>, progress: &Progress) -> Result<Elements, Failure> {
        let swapped = self.description.swapped;
        if self.description.fortran && self.shape().len() > 1 {
            let ordered = self.in_c_order(memory, progress)?;
            return Ok(Elements::in_memory(self.path, ordered));
        }
        let elements = match self.offset {
            Some(offset) => Elements::in_file(self.path, self.file, offset)?,
            None => Elements::from_pipe(self.path, self.file, self.description.shape),
        };
        Ok(elements.swapped(swapped))
    }

    /// All elements in C order, which takes all of them in memory, twice.
    fn in_c_order(&self, memory: Option<u64>, progress: &Progress) -> Result<Vec<f32>, Failure> {
        let needed = 2 * self.bytes();
        if let Some(memory) = memory.filter(|memory| needed > *memory) {
            let (needed, memory) = (bytes(needed), bytes(memory));
            let what = format!(
                "an array in Fortran order takes {needed} of memory and --memory allows {memory}; save it with numpy.ascontiguousarray, or allow more"
            );
            return Err(Failure::of_file(&self.path, what));
        }
        let mut data = zeros(self.elements, &self.path)?;
        self.read_all(bytemuck::cast_slice_mut(&mut data), progress)?;
        if self.description.swapped {
            super::elements::swap(&mut data);
        }
        let mut ordered = zeros(self.elements, &self.path)?;
        order::to_c(&data, self.shape(), &mut ordered);
        Ok(ordered)
    }

    fn read_all(&self, data: &mut [u8], progress: &Progress) -> Result<(), Failure> {
        let mut done = 0;
        while done < data.len() {
            let end = data.len().min(done + Progress::STEP);
            match (&self.file).read(&mut data[done..end]) {
                Ok(0) => {
                    let short = self.check_length(done as u64);
                    return short.map_err(|what| Failure::of_file(&self.path, what));
                }
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::of_file(&self.path, error)),
            }
            progress.advance_to(done);
        }
        let more = (&self.file).read(&mut [0]).map_err(|e| Failure::of_file(&self.path, e))?;
        self.check_length((done + more) as u64).map_err(|what| Failure::of_file(&self.path, what))
    }

    fn check_length(&self, found: u64) -> Result<(), String> {
        check_length(self.shape(), found)
    }
}

/// Whether there are as many bytes of data as a shape takes.
pub fn check_length(shape: &[usize], found: u64) -> Result<(), String> {
    let needed = elements(shape).unwrap_or(usize::MAX) as u64 * 4;
    let why = match found.cmp(&needed) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => "it was cut short, save it again",
        std::cmp::Ordering::Greater => "save that array alone, so that nothing is left out unnoticed",
    };
    let shape = shape_text(shape);
    Err(format!("the shape {shape} takes {needed} bytes of data and the file has {found}; {why}"))
}

/// What comes from a pipe, in a file without a name, and how much it is: a byte too much at most.
fn copied(from: &mut impl Read, needed: u64) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile()?;
    let found = io::copy(&mut from.take(needed + 1), &mut file)?;
    file.flush()?;
    file.rewind()?;
    Ok((file, found))
}

/// Zeros, or a failure that names the file they are for.
fn zeros(elements: usize, path: &Path) -> Result<Vec<f32>, Failure> {
    bytemuck::try_zeroed_vec(elements).map_err(|()| {
        let bytes = elements as u128 * size_of::<f32>() as u128;
        Failure::of_file(
            path,
            format!("{bytes} bytes of memory cannot be had; split the array into smaller files"),
        )
    })
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file; check the path".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}
