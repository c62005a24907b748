//! What else there is in a file that an array is to replace.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::found::listed;
use super::{Container, safetensors};

/// Refuses to replace a file in which there are arrays besides one of that name. What cannot be read as
/// an archive is replaced as any other file is.
pub fn check(path: &Path, name: &str, container: Container) -> Result<(), String> {
    let all = names(path, container).unwrap_or_default();
    let others: Vec<&str> = all.iter().map(String::as_str).filter(|other| *other != name).collect();
    let what = match others.len() {
        0 => return Ok(()),
        1 => "another array".to_owned(),
        count => format!("{count} other arrays"),
    };
    let list = listed(&others);
    Err(format!(
        "the output replaces the whole file, which holds {what}: {list}; choose another file name, or remove this file first"
    ))
}

fn names(path: &Path, container: Container) -> Option<Vec<String>> {
    if !std::fs::metadata(path).is_ok_and(|there| there.is_file()) {
        return None;
    }
    let file = File::open(path).ok()?;
    let mut start = Vec::new();
    (&file).take(2).read_to_end(&mut start).ok()?;
    if start == b"PK" {
        let archive = ZipArchive::new(BufReader::new(file)).ok()?;
        let name = |member: &str| member.strip_suffix(".npy").unwrap_or(member).to_owned();
        let unreadable = |_| "one whose name cannot be read".to_owned();
        return Some(
            archive.file_names().map(|member| member.map_or_else(unreadable, |m| name(&m))).collect(),
        );
    }
    if container == Container::Safetensors { safetensors::names(&file).ok() } else { None }
}
