//! A file with an array: where in it the array lies, its length, and the way to its elements.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::elements::Elements;
use super::found::{Found, check_length, copied};
use super::header::{self, elements, too_many};
use super::{Container, Kind, Name, npz, safetensors};
use crate::failure::Failure;
use crate::journal::InputIdentity;

/// An array whose header is read and found good.
#[derive(Debug)]
pub struct Source {
    name: Name,
    found: Found,
    elements: usize,
    identity: Option<InputIdentity>,
}

impl Source {
    /// Opens a file, and checks the array's header and its length.
    pub fn open(name: &Name) -> Result<Self, Failure> {
        let fail = |what: String| Failure::of_file(&name.path, what);
        let file = File::open(&name.path).map_err(|e| fail(unreadable(&name.path, &e)))?;
        let about = file.metadata().map_err(|e| fail(e.to_string()))?;
        if about.is_dir() {
            return Err(fail("this is a directory; name a file in it".to_owned()));
        }
        let wanted = name.array.as_deref();
        let (outer, length) = (file.try_clone().map_err(|e| fail(e.to_string()))?, about.len());
        let found = if about.is_file() { find(&name.path, file, length, wanted) } else { pipe(file, wanted) };
        let found = found.map_err(fail)?;
        let (shape, kind) = (&found.description.shape, found.description.kind);
        let elements = elements(shape, kind).ok_or_else(|| fail(too_many(shape)))?;
        let identity = found.offset.map(|_| InputIdentity::of(&outer, &found.header)).transpose();
        let identity = identity.map_err(|e| fail(e.to_string()))?;
        Ok(Self { name: Name { array: found.array.clone(), ..name.clone() }, found, elements, identity })
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.found.description.shape
    }

    /// What its elements are.
    pub fn kind(&self) -> Kind {
        self.found.description.kind
    }

    /// Whether another order than C's is told apart: of several axes the first one lies together.
    pub fn is_fortran(&self) -> bool {
        self.found.description.fortran && self.shape().iter().filter(|axis| **axis != 1).count() > 1
    }

    /// In what kind of file it is.
    pub fn container(&self) -> Container {
        self.found.container
    }

    /// The file, and the array's name in it.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// How many elements.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Bytes of data.
    pub fn bytes(&self) -> u64 {
        self.elements as u64 * self.kind().bytes() as u64
    }

    /// What tells it from another input; `None` where it cannot be read again.
    pub fn identity(&self) -> Option<&InputIdentity> {
        self.identity.as_ref()
    }

    /// The same, in a file without a name where it could not be read again.
    pub fn again(mut self) -> Result<Self, Failure> {
        if self.found.offset.is_none() {
            let fail = |what: String| Failure::of_file(&self.name.path, what);
            let bytes = self.bytes();
            let copy = copied(&mut self.found.file, bytes);
            let (file, found) = copy.map_err(|error| fail(error.to_string()))?;
            check_length(&self.found.description, found).map_err(fail)?;
            (self.found.file, self.found.offset) = (file, Some(0));
        }
        Ok(self)
    }

    /// The way to the elements.
    pub fn into_elements(self) -> Result<Elements, Failure> {
        let Found { file, offset, description, checksum, .. } = self.found;
        match offset {
            Some(offset) => Elements::in_file(self.name, file, offset, &description, checksum),
            None => Ok(Elements::from_pipe(self.name.path, file, description)),
        }
    }
}

/// Finds an array in a file that can be sought in.
fn find(path: &Path, mut file: File, length: u64, wanted: Option<&str>) -> Result<Found, String> {
    let mut start = Vec::new();
    let read = (&file).take(header::MAGIC.len() as u64).read_to_end(&mut start);
    read.and_then(|_| file.rewind()).map_err(|error| format!("cannot be read: {error}"))?;
    let named = Container::of(path);
    if start.starts_with(b"PK") || named == Some(Container::Npz) && !start.is_empty() {
        return npz::find(file, wanted);
    }
    if named == Some(Container::Safetensors) && start != header::MAGIC {
        return safetensors::find(file, wanted);
    }
    let (description, header) = header::read(&mut file)?;
    alone(wanted)?;
    let offset = header.len() as u64;
    elements(&description.shape, description.kind).ok_or_else(|| too_many(&description.shape))?;
    check_length(&description, length.saturating_sub(offset))?;
    Ok(Found::alone(description, file, Some(offset), header))
}

/// An array that comes through a pipe: such a file has no place for a second one.
fn pipe(mut file: File, wanted: Option<&str>) -> Result<Found, String> {
    let mut start = Vec::new();
    (&file).take(9).read_to_end(&mut start).map_err(|error| format!("cannot be read: {error}"))?;
    // A .safetensors file begins with 8 bytes of length and a brace.
    if start.starts_with(b"PK") || !start.starts_with(header::MAGIC) && start.get(8) == Some(&b'{') {
        return Err(NO_ARCHIVE.to_owned());
    }
    let (description, header) = header::read(&mut start.chain(&mut file))?;
    alone(wanted)?;
    Ok(Found::alone(description, file, None, header))
}

const NO_ARCHIVE: &str =
    "this is a pipe, and .npz and .safetensors files cannot be read from one; give the name of a file";

fn alone(wanted: Option<&str>) -> Result<(), String> {
    match wanted {
        None => Ok(()),
        Some(name) => Err(format!("this is one array without a name; leave {} out", header::short(name, 80))),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    // What is there without what stands behind the last colon, which names an array only behind the
    // endings of archives.
    let before = || Path::new(path.to_str()?.rsplit_once(':')?.0).metadata().ok();
    match (error.kind(), before()) {
        (io::ErrorKind::NotFound, Some(there)) if there.is_file() => {
            "there is no such file, and one without what is behind the colon; name an array in it with --tensor"
                .to_owned()
        }
        (io::ErrorKind::NotFound, Some(there)) if !there.is_dir() => NO_ARCHIVE.to_owned(),
        (io::ErrorKind::NotFound, _) => "there is no such file; check the path".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}
