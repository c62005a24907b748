//! Archives of .npy files, as `numpy.savez` and `numpy.savez_compressed` write them.

use std::fs::File;
use std::io::{BufReader, Read};

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::Container;
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
    let member = archive.by_name(&format!("{array}.npy")).map_err(|error| damaged(&error))?;
    let found = unpack(file, member).map_err(|what| format!("{}: {what}", short(&array, 80)))?;
    let header = [array.as_bytes(), &found.header].concat();
    Ok(Found { array: Some(array), header, ..found })
}

/// Where a member's array lies.
fn unpack(file: File, mut member: ZipFile<'_, impl Read>) -> Result<Found, String> {
    let (description, header) = header::read(&mut member)?;
    let there = member.size().saturating_sub(header.len() as u64);
    elements(&description.shape, description.kind).ok_or_else(|| too_many(&description.shape))?;
    check_length(&description, there)?;
    let (file, offset) = if member.compression() == CompressionMethod::Stored {
        let start = member.data_start().ok_or("it cannot be found; save the archive again")?;
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let end = start.saturating_add(member.size());
        if member.compressed_size() != member.size() || end > length {
            return Err(format!("it should end at byte {end} of {length}; save the archive again"));
        }
        (file, start + header.len() as u64)
    } else {
        // Its checksum is compared when all of it has been read.
        let (copy, found) = copied(&mut member, there).map_err(|error| error.to_string())?;
        check_length(&description, found)?;
        (copy, 0)
    };
    let container = Container::Npz;
    Ok(Found { container, array: None, description, file, offset: Some(offset), header })
}

fn damaged(error: &ZipError) -> String {
    match error {
        ZipError::Io(error) => format!("this is no complete .npz archive: {error}; save it again"),
        ZipError::CompressionMethodNotSupported(_) => {
            "it is compressed in a way that NumPy does not; save it with numpy.savez_compressed".to_owned()
        }
        error => {
            format!("this is no complete .npz archive: {}; save it again", short(&error.to_string(), 160))
        }
    }
}
