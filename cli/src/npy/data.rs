//! The data of an array: mapped where it can be used as it lies, else read.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use super::header::{self, Description, elements, shape_text, too_many};
use super::order;
use crate::failure::Failure;
use crate::progress::Progress;
use memmap2::Mmap;

/// A file whose header is read and found good.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    description: Description,
    elements: usize,
    /// Where the data begins; `None` where the file cannot be sought in, such as a pipe.
    offset: Option<usize>,
}

/// The elements of an array in C order.
#[derive(Debug)]
pub enum Array {
    /// As they lie in the file, from this byte on.
    Mapped(Mmap, usize),
    /// In memory of our own.
    Read(Vec<f32>),
}

impl Array {
    /// All of them.
    pub fn elements(&self) -> &[f32] {
        match self {
            Array::Mapped(map, offset) => bytemuck::cast_slice(&map[*offset..]),
            Array::Read(data) => data,
        }
    }

    /// Whether the file is used where it lies, so that reading it is part of computing.
    pub fn is_mapped(&self) -> bool {
        matches!(self, Array::Mapped(..))
    }
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
        if !about.is_file() {
            return Ok(source);
        }
        let offset = source.file.stream_position().map_err(|e| fail(e.to_string()))?;
        source.check_length(about.len().saturating_sub(offset))?;
        Ok(Self { offset: usize::try_from(offset).ok(), ..source })
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.description.shape
    }

    /// Bytes of data.
    pub fn bytes(&self) -> usize {
        self.elements * size_of::<f32>()
    }

    /// The elements. They are not copied where they lie as they are needed.
    pub fn data(mut self, progress: &Progress) -> Result<Array, Failure> {
        if let Some(offset) = self.mappable() {
            // SAFETY: the mapping is read only. Should another program shorten the file meanwhile, the
            // kernel ends the process (SIGBUS); one that overwrites it changes what is computed, as it
            // would while being read. Mapping 512 MiB and adding them up takes 67 ms, reading 390 ms.
            let map = unsafe { Mmap::map(&self.file) }.map_err(|e| Failure::of_file(&self.path, e))?;
            // The file may have changed since its length was looked at.
            self.check_length((map.len() as u64).saturating_sub(offset as u64))?;
            return Ok(Array::Mapped(map, offset));
        }
        let mut data = zeros(self.elements, &self.path)?;
        self.read_into(&mut data, progress)?;
        if self.description.swapped {
            data.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes()));
        }
        if self.description.fortran && self.shape().len() > 1 {
            let mut ordered = zeros(self.elements, &self.path)?;
            order::to_c(&data, self.shape(), &mut ordered);
            data = ordered;
        }
        Ok(Array::Read(data))
    }

    /// Where the data begins, if it can be used as it lies.
    fn mappable(&self) -> Option<usize> {
        let plain = !self.description.swapped && !self.description.fortran;
        self.offset.filter(|offset| plain && offset.is_multiple_of(align_of::<f32>()) && self.elements > 0)
    }

    fn check_length(&self, found: u64) -> Result<(), Failure> {
        let needed = (self.elements * size_of::<f32>()) as u64;
        let shape = shape_text(self.shape());
        let why = match found.cmp(&needed) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => "it was cut short, save it again",
            std::cmp::Ordering::Greater => "save that array alone, so that nothing is left out unnoticed",
        };
        let what = format!("the shape {shape} takes {needed} bytes of data and the file has {found}; {why}");
        Err(Failure::of_file(&self.path, what))
    }

    fn read_into(&mut self, data: &mut [f32], progress: &Progress) -> Result<(), Failure> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(data);
        let mut done = 0;
        while done < bytes.len() {
            let end = bytes.len().min(done + Progress::STEP);
            match self.file.read(&mut bytes[done..end]) {
                Ok(0) => return self.check_length(done as u64),
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::of_file(&self.path, error)),
            }
            progress.advance_to(done);
        }
        let more = self.file.read(&mut [0]).map_err(|e| Failure::of_file(&self.path, e))?;
        self.check_length((done + more) as u64)
    }
}

/// Zeros, or a failure that names the file they are for.
pub fn zeros(elements: usize, path: &Path) -> Result<Vec<f32>, Failure> {
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
