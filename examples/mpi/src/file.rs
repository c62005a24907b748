//! A NumPy file of f32 rows, of which every rank reads and writes its own part by place.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, WriteOptions, WriterBuilder};
use wgpu_softmax::Shape;

use crate::Result;

/// Rows in a file, from the end of its header on.
pub struct Rows {
    file: File,
    start: u64,
    /// The length of each axis.
    pub axes: Vec<u64>,
    /// The rows along the last one.
    pub shape: Shape,
}

impl Rows {
    /// Opens an array in C order of this machine's f32.
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let file = File::open(path).map_err(|e| fail(&e))?;
        let mut reader = BufReader::new(&file);
        let header = NpyHeader::from_reader(&mut reader).map_err(|e| fail(&e))?;
        let is_f32 = matches!(header.dtype(), DType::Plain(one) if one.type_char() == TypeChar::Float
            && one.size_field() == 4 && one.endianness() == Endianness::of_machine());
        if !is_f32 || header.order() != Order::C {
            return Err(fail(&"not an array of f32 in C order; save it so with numpy").into());
        }
        let (start, axes) = (reader.stream_position()?, header.shape().to_vec());
        let shape = Shape::last_axis(&axes.iter().map(|&axis| axis as usize).collect::<Vec<_>>())?;
        let (needed, found) = (start + 4 * shape.elements()?, file.metadata()?.len());
        if found != needed {
            return Err(fail(&format_args!("{needed} bytes are needed and there are {found}")).into());
        }
        Ok(Self { file, start, axes, shape })
    }

    /// Reads the rows from `row` on.
    pub fn read(&self, row: usize, x: &mut [f32]) -> Result<()> {
        let place = self.start + 4 * row as u64 * self.shape.cols();
        Ok(self.file.read_exact_at(bytemuck::cast_slice_mut(x), place)?)
    }
}

/// A file that is being made under another name than its own.
pub struct Unfinished {
    file: File,
    path: PathBuf,
    start: u64,
    cols: u64,
}

impl Unfinished {
    /// Makes a file with the same axes, all of its length.
    pub fn create(name: &Path, like: &Rows) -> Result<()> {
        let header = WriteOptions::<f32>::new().default_dtype().shape(&like.axes);
        let header = header.writer(Vec::new()).write_header_only()?;
        let file = File::create(beside(name)).map_err(|e| format!("{}: {e}", name.display()))?;
        file.write_all_at(&header, 0)?;
        Ok(file.set_len(header.len() as u64 + 4 * like.shape.elements()?)?)
    }

    /// Opens the file that another rank has made.
    pub fn open(name: &Path, like: &Rows) -> Result<Self> {
        let path = beside(name);
        let file = File::options().write(true).open(&path)?;
        let (start, cols) = (file.metadata()?.len() - 4 * like.shape.elements()?, like.shape.cols());
        Ok(Self { file, path, start, cols })
    }

    /// Writes the rows from `row` on.
    pub fn write(&self, row: usize, y: &[f32]) -> Result<()> {
        let place = self.start + 4 * row as u64 * self.cols;
        Ok(self.file.write_all_at(bytemuck::cast_slice(y), place)?)
    }

    /// Makes sure that what was written here is on the disk.
    pub fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    /// Gives the file its name.
    pub fn finish(self, name: &Path) -> Result<()> {
        Ok(std::fs::rename(self.path, name)?)
    }
}

fn beside(name: &Path) -> PathBuf {
    let mut beside = name.as_os_str().to_owned();
    beside.push(".unfinished");
    beside.into()
}
