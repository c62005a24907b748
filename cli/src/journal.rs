//! How far an unfinished output is, and a hash of what it holds: what `--resume` goes by.
//!
//! A line of JSON says which run the output is of; each further line, written now and then, how many rows
//! are done and the hash of the file up to there. What was damaged since is found by hashing it again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

/// Bytes of a journal that are looked at: enough for an output of many terabytes.
const LONGEST: u64 = 1 << 27;

/// Everything that the bytes of an output depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The contract that the bits follow.
    pub numerics_version: u32,
    /// The operation with all its parameters, as text.
    pub operation: String,
    /// Where it is computed; told only where the bits depend on it.
    pub devices: Option<Vec<String>>,
    /// What is read.
    pub input: InputIdentity,
}

/// How one input is told from another without reading all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputIdentity {
    /// Bytes of the file.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified: u128,
    /// The hash of its header.
    pub header: String,
}

impl Identity {
    /// In what another run differs from this one, if in anything.
    pub fn differs(&self, now: &Self) -> Option<String> {
        let told = |what, then: &dyn std::fmt::Display, now: &dyn std::fmt::Display| {
            Some(format!("with {what} {then} for {now}"))
        };
        let list =
            |devices: &Option<Vec<String>>| devices.as_ref().map(|all| all.join(", ")).unwrap_or_default();
        if self.operation != now.operation {
            told("the operation", &self.operation, &now.operation)
        } else if self.numerics_version != now.numerics_version {
            told("numerics version", &self.numerics_version, &now.numerics_version)
        } else if self.devices != now.devices {
            told("the devices", &list(&self.devices), &list(&now.devices))
        } else if self.input != now.input {
            Some("and its input has been changed since".to_owned())
        } else {
            None
        }
    }
}

impl InputIdentity {
    /// Of an open file, whose header has these bytes.
    pub fn of(file: &File, header: &[u8]) -> io::Result<Self> {
        let about = file.metadata()?;
        let modified = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            bytes: about.len(),
            modified: modified.as_nanos(),
            header: hex(XxHash3_128::oneshot(header)),
        })
    }
}

/// Rows that are done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// How many.
    pub rows: u64,
    /// Bytes of the output up to their end, its header included.
    pub bytes: u64,
    /// The hash of those bytes.
    pub hash: String,
}

/// A hash that grows with a file.
#[derive(Clone, Default)]
pub struct Hash(XxHash3_128);

impl Hash {
    /// Takes the bytes that follow.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Of all bytes so far.
    pub fn text(&self) -> String {
        hex(self.0.finish_128())
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Begins one with its first mark, in the place of whatever is there: that is as good until then.
    pub fn create(path: &Path, identity: &Identity, first: &Mark) -> io::Result<Self> {
        let new = path.with_extension("journal-new");
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut journal = Self { file: File::create_new(&new)? };
        journal.line(identity)?;
        journal.line(first)?;
        std::fs::rename(new, path)?;
        Ok(journal)
    }

    /// Adds a mark.
    pub fn mark(&mut self, mark: &Mark) -> io::Result<()> {
        self.line(mark)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_string(value)?;
        line.push('\n');
        self.file.write_all(line.as_bytes())
    }
}

/// A journal that was left behind.
#[derive(Debug)]
pub struct Left {
    /// Whose it is.
    pub identity: Identity,
    marks: Vec<Mark>,
}

impl Left {
    /// Reads it; `None` where there is none that can be read. A line that was cut ends it.
    pub fn read(path: &Path) -> Option<Self> {
        let text = BufReader::new(File::open(path).ok()?.take(LONGEST));
        let mut lines = text.lines().map_while(Result::ok);
        let identity = serde_json::from_str(&lines.next()?).ok()?;
        let marks = lines.map_while(|line| serde_json::from_str(&line).ok()).collect();
        Some(Self { identity, marks })
    }

    /// The last mark up to which the output is as it was written, and the hash at it.
    pub fn good(&self, output: &mut File) -> io::Result<Option<(Mark, Hash)>> {
        output.rewind()?;
        let (mut hash, mut at, mut good) = (Hash::default(), 0, None);
        for mark in &self.marks {
            if !add_until(output, &mut at, mark.bytes, &mut hash)? || hash.text() != mark.hash {
                break;
            }
            good = Some((mark.clone(), hash.clone()));
        }
        Ok(good)
    }
}

/// Hashes a file from byte `at` up to `end`; `false` where it ends before.
fn add_until(file: &mut File, at: &mut u64, end: u64, hash: &mut Hash) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 20];
    while *at < end {
        let most = buffer.len().min(usize::try_from(end - *at).unwrap_or(usize::MAX));
        match file.read(&mut buffer[..most]) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                hash.add(&buffer[..n]);
                *at += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(*at == end)
}

/// Where the unfinished output of a name and its journal lie: beside it, since only there the output
/// can be given the name in one step.
pub fn beside(name: &Path) -> Option<(PathBuf, PathBuf)> {
    let directory = name.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file_name = name.file_name()?.to_string_lossy();
    let mut stem: String = file_name.chars().take(40).collect();
    if stem != file_name {
        // Cut, so that the name with its additions stays within what file systems allow.
        stem = format!("{stem}.{:016x}", XxHash3_128::oneshot(file_name.as_bytes()) as u64);
    }
    Some((directory.join(format!(".{stem}.unfinished")), directory.join(format!(".{stem}.journal"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            numerics_version: 1,
            operation: "softmax".to_owned(),
            devices: None,
            input: InputIdentity { bytes: 5, modified: 1 << 70, header: String::new() },
        }
    }

    /// A file of three marks of 1000 bytes each and some more, and its journal.
    fn left(dir: &Path) -> (Vec<u8>, PathBuf, PathBuf) {
        let (output, journal) = beside(&dir.join("y.npy")).unwrap();
        let bytes: Vec<u8> = (0..3500u32).map(|i| (i * i) as u8).collect();
        std::fs::write(&output, &bytes).unwrap();
        let mut hash = Hash::default();
        let mut marks = (1..).zip(bytes.chunks_exact(1000)).map(|(row, bytes)| {
            hash.add(bytes);
            Mark { rows: row, bytes: row * 1000, hash: hash.text() }
        });
        let mut written = Journal::create(&journal, &identity(), &marks.next().unwrap()).unwrap();
        marks.for_each(|mark| written.mark(&mark).unwrap());
        (bytes, output, journal)
    }

    fn good_rows(output: &Path, journal: &Path) -> u64 {
        let left = Left::read(journal).unwrap();
        assert_eq!(left.identity, identity());
        let mut file = File::options().read(true).open(output).unwrap();
        left.good(&mut file).unwrap().map_or(0, |(mark, hash)| {
            assert_eq!(mark.hash, hash.text());
            mark.rows
        })
    }

    #[test]
    fn what_is_good_is_found_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, output, journal) = left(dir.path());
        assert_eq!(good_rows(&output, &journal), 3);
        for (place, rows) in [(0, 0), (999, 0), (1000, 1), (2999, 2), (3000, 3)] {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            std::fs::write(&output, &damaged).unwrap();
            assert_eq!(good_rows(&output, &journal), rows, "byte {place}");
            std::fs::write(&output, &bytes[..place]).unwrap();
            assert_eq!(good_rows(&output, &journal), rows, "cut at byte {place}");
        }
    }

    #[test]
    fn a_journal_may_be_cut_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let (_, output, journal) = left(dir.path());
        let text = std::fs::read(&journal).unwrap();
        let first = text.iter().position(|b| *b == b'\n').unwrap();
        let mut most = 0;
        for end in 0..=text.len() {
            std::fs::write(&journal, &text[..end]).unwrap();
            if end < first {
                assert!(Left::read(&journal).is_none(), "{end}");
            } else {
                let rows = good_rows(&output, &journal);
                assert!(rows >= most && rows <= 3, "{end}");
                most = rows;
            }
        }
        assert_eq!(most, 3);
        assert!(Left::read(&dir.path().join("none")).is_none());
    }

    #[test]
    fn names_of_any_length_stay_apart() {
        let long = "n".repeat(200);
        let places = ["y.npy", "z.npy", &format!("{long}1"), &format!("{long}2"), "a/y.npy"];
        let places: Vec<_> = places.iter().map(|name| beside(Path::new(name)).unwrap().0).collect();
        for (i, place) in places.iter().enumerate() {
            assert!(place.file_name().unwrap().len() < 80);
            assert!(!places[..i].contains(place));
        }
        assert!(beside(Path::new("..")).is_none());
    }
}
