//! The output file: complete under its name, or not there at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::interrupt;

/// A file that is written beside its name and gets the name in one step, when it is complete.
///
/// Dropped before that it leaves nothing. What was under the name before stays readable until then,
/// so it may be the input.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// The file that is being written, and the name it is to get.
    Beside(NamedTempFile, PathBuf),
    /// A device or pipe, such as /dev/null: there is nothing to replace.
    Straight(File),
}

impl Output {
    /// Begins a file that is to be called `path`.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let to = match fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(Failure::of_file(path, "this is a directory; name a file in it"));
            }
            Ok(there) if there.permissions().readonly() => {
                return Err(Failure::of_file(
                    path,
                    "this is read-only; make it writable, or choose another name",
                ));
            }
            Ok(there) if !there.is_file() => File::options().write(true).open(path).map(To::Straight),
            // The name may be a symbolic link: what it points to is replaced, not the link.
            Ok(there) => fs::canonicalize(path).and_then(|real| beside(real, Some(there.permissions()))),
            Err(_) => beside(path.to_owned(), None),
        };
        to.map(|to| Self { path: path.to_owned(), to }).map_err(|error| unwritable(path, &error))
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.to {
            To::Beside(file, _) => file.as_file_mut().write_all(bytes),
            To::Straight(file) => file.write_all(bytes),
        };
        written.map_err(|error| {
            let what = format!("writing {} bytes: {error}; make room, or choose another place", bytes.len());
            Failure::of_file(&self.path, what)
        })
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<(), Failure> {
        let To::Beside(file, name) = self.to else {
            return Ok(());
        };
        // Held over the renaming: an interruption comes before it or after it.
        let mut unfinished = interrupt::unfinished();
        let written = file.path().to_owned();
        let named = file.persist(name).map_err(|error| unwritable(&self.path, &error.error));
        unfinished.retain(|path| *path != written);
        named.map(drop)
    }
}

/// A new file in the same directory, since only there can it be renamed in one step.
fn beside(name: PathBuf, permissions: Option<fs::Permissions>) -> io::Result<To> {
    let directory = name.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(file_name) = name.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file's name"));
    };
    let mut prefix = std::ffi::OsString::from(".");
    // Cut, so that the name with its additions stays within what file systems allow.
    prefix.push(file_name.to_string_lossy().chars().take(40).collect::<String>());
    prefix.push(".");
    // Registered under the same guard it is made under: an interruption finds it, or comes before it.
    let mut unfinished = interrupt::unfinished();
    let file = builder(&prefix).tempfile_in(directory)?;
    unfinished.push(file.path().to_owned());
    drop(unfinished);
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(To::Beside(file, name))
}

/// Makes files with the permissions that any new file gets, not only for the owner's eyes.
fn builder(prefix: &std::ffi::OsStr) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(".unfinished");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
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
