//! Archives of .npy files, as `numpy.savez` and `numpy.savez_compressed` write them.

use std::fs::File;
use std::io::{self, BufReader, Read};

use crc32fast::Hasher;
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::Container;
use super::checksum::Expected;
use super::found::{Found, check_length, choose, copied};
use super::header::{self, elements, short, too_many};

/// Finds an array in an archive. What is stored there is read where it lies; what is compressed is
/// unpacked into a file without a name first, so that any part of it can be read again.
pub fn find(file: File, wanted: Option<&str>) -> Result<Found, String> {
    let reader = file.try_clone().map_err(|error| error.to_string())?;
    let mut archive = ZipArchive::new(BufReader::new(reader)).map_err(|error| damaged(&error))?;
    let members: Vec<String> =
        archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let names: Vec<&str> = members.iter().filter_map(|member| member.strip_suffix(".npy")).collect();
    let wanted = wanted.map(|name| name.strip_suffix(".npy").unwrap_or(name));
    let array = choose(&names, wanted)?.to_owned();
    let of_array = |what: String| format!("{}: {what}", short(&array, 80));
    let member = archive.by_name(&format!("{array}.npy")).map_err(|error| of_array(closed(&error)))?;
    let found = unpack(file, member).map_err(of_array)?;
    let header = [array.as_bytes(), &found.header].concat();
    Ok(Found { array: Some(array), header, ..found })
}

/// Where a member's array lies.
fn unpack(file: File, mut member: ZipFile<'_, impl Read>) -> Result<Found, String> {
    let method = member.compression();
    if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(unsupported(&method.to_string()));
    }
    let (description, header) = header::read(&mut Unpacked(&mut member))?;
    let there = member.size().saturating_sub(header.len() as u64);
    elements(&description.shape, description.kind).ok_or_else(|| too_many(&description.shape))?;
    check_length(&description, there)?;
    let (file, offset, checksum) = if method == CompressionMethod::Stored {
        let start = member.data_start().ok_or("it cannot be found; save the archive again")?;
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let end = start.saturating_add(member.size());
        if member.compressed_size() != member.size() || end > length {
            return Err(format!("it should end at byte {end} of {length}; save the archive again"));
        }
        let mut before = Hasher::new();
        before.update(&header);
        let expected = Expected { before, crc: member.crc32(), bytes: there };
        (file, start + header.len() as u64, Some(expected))
    } else {
        // Its checksum is compared when all of it has been read.
        let (copy, found) = copied(&mut member, there).map_err(|error| unpacked(&error))?;
        check_length(&description, found)?;
        (copy, 0, None)
    };
    let container = Container::Npz;
    Ok(Found { container, array: None, description, file, offset: Some(offset), header, checksum })
}

/// Says of errors that it is the packed data that is wrong.
struct Unpacked<R>(R);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(|error| io::Error::new(error.kind(), unpacked(&error)))
    }
}

/// What is said of a file that is no archive.
fn damaged(error: &ZipError) -> String {
    let error = match error {
        ZipError::Io(error) => error.to_string(),
        error => short(&error.to_string(), 160),
    };
    format!("this is no complete .npz archive: {error}; save it again with numpy.savez")
}

/// What is said of a member that cannot be opened.
fn closed(error: &ZipError) -> String {
    match error {
        ZipError::CompressionMethodNotSupported(method) => unsupported(&method.to_string()),
        ZipError::UnsupportedArchive(what) => format!("it cannot be unpacked: {what}; {SAVE}"),
        error => damaged(error),
    }
}

/// What is said of a member whose data is not what was packed.
fn unpacked(error: &io::Error) -> String {
    format!("its data is damaged: {error}; {SAVE}")
}

fn unsupported(method: &str) -> String {
    format!("it is compressed by method {method}, and only stored and deflated members are read; {SAVE}")
}

const SAVE: &str = "save it again with numpy.savez or numpy.savez_compressed";
