//! The files that a report goes to besides standard output.

use std::error::Error;
use std::path::{Path, PathBuf};

use super::report::Report;
use super::{csv, html};
use crate::failure::Failure;
use crate::output::Output;

/// What is written: named and begun before anything is measured, so that a wrong name costs nothing.
pub struct Files {
    csv: Option<Begun>,
    html: Option<Begun>,
}

struct Begun {
    path: PathBuf,
    output: Output,
}

impl Files {
    /// Begins those that are named.
    pub fn begin(csv: Option<&Path>, html: Option<&Path>) -> Result<Self, Failure> {
        if let (Some(csv), Some(html)) = (csv, html)
            && is_same_file(csv, html)
        {
            return Err(Failure::of_file(
                html,
                "--csv and --html name one file; give each a name of its own",
            ));
        }
        let begin = |path: Option<&Path>| path.map(Begun::new).transpose();
        Ok(Self { csv: begin(csv)?, html: begin(html)? })
    }

    /// Writes each of them, whether or not the other could be.
    pub fn write(self, report: &Report) -> [Result<(), Failure>; 2] {
        let csv = self.csv.map_or(Ok(()), |file| file.write(csv::csv(report).map_err(Into::into)));
        let html = self.html.map_or(Ok(()), |file| file.write(html::page(report).map(String::into_bytes)));
        [csv, html]
    }
}

impl Begun {
    fn new(path: &Path) -> Result<Self, Failure> {
        Ok(Self { path: path.to_owned(), output: Output::create(path)? })
    }

    fn write(mut self, made: Result<Vec<u8>, Box<dyn Error>>) -> Result<(), Failure> {
        let bytes = made.map_err(|error| {
            Failure::of_file(&self.path, format!("the report could not be made: {error}"))
        })?;
        self.output.write(&bytes)?;
        self.output.finish()
    }
}

/// Whether two names are those of one file, there or not yet; a device such as /dev/null takes both.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let is_device = std::fs::metadata(one).is_ok_and(|about| !about.is_file());
    !is_device && (one == other || full(one).is_some_and(|one| Some(one) == full(other)))
}

/// A file's name from the root on.
fn full(path: &Path) -> Option<PathBuf> {
    let beside = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(folder.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(|| beside(path))
}
