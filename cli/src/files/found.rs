//! An array that was found in a file, and which of several it is.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use super::Container;
use super::checksum::Expected;
use super::header::{Description, elements, shape_text, short};

/// Where an array lies, and what it is.
#[derive(Debug)]
pub struct Found {
    /// In what it was found.
    pub container: Container,
    /// What it is called there.
    pub array: Option<String>,
    /// What it is.
    pub description: Description,
    /// Where its data is read from: the file, or a copy without a name.
    pub file: File,
    /// Where the data begins there; `None` where the file cannot be sought in, such as a pipe.
    pub offset: Option<u64>,
    /// What says all of this in the file.
    pub header: Vec<u8>,
    /// What the data sums up to, where the file says so and it is not compared yet.
    pub checksum: Option<Expected>,
}

impl Found {
    /// The only array of a .npy file.
    pub fn alone(description: Description, file: File, offset: Option<u64>, header: Vec<u8>) -> Self {
        Self { container: Container::Npy, array: None, description, file, offset, header, checksum: None }
    }
}

/// Names that a line lists at most.
const LISTED: usize = 20;

/// Which of the arrays in a file is meant: the one that is named, or the only one.
pub fn choose<'a>(names: &[&'a str], wanted: Option<&str>) -> Result<&'a str, String> {
    let list = || listed(names);
    match (wanted, names) {
        (_, []) => Err("it holds no array; save one in it".to_owned()),
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(format!("it holds {} arrays: {}; name one of them, as FILE:NAME", names.len(), list()))
        }
        (Some(wanted), _) => match names.iter().find(|name| **name == wanted) {
            Some(name) => Ok(name),
            None => Err(format!("it holds no array {}; there are: {}", short(wanted, 80), list())),
        },
    }
}

/// Names for a line.
pub fn listed(names: &[&str]) -> String {
    let listed = names.iter().take(LISTED).map(|name| short(name, 80)).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(LISTED);
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}

/// Whether there are as many bytes of data as an array takes.
pub fn check_length(array: &Description, found: u64) -> Result<(), String> {
    let bytes = elements(&array.shape, array.kind).map_or(u64::MAX, |n| n as u64 * array.kind.bytes() as u64);
    let why = match found.cmp(&bytes) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => "it was cut short, save it again",
        std::cmp::Ordering::Greater => "save that array alone, so that nothing is left out unnoticed",
    };
    let (kind, shape) = (array.kind, shape_text(&array.shape));
    Err(format!("the shape {shape} of {kind} takes {bytes} bytes of data and the file has {found}; {why}"))
}

/// What comes from a reader that cannot go back, in a file without a name, and how much it is: a byte too
/// much at most.
pub fn copied(from: &mut impl Read, needed: u64) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile()?;
    let found = io::copy(&mut from.take(needed.saturating_add(1)), &mut file)?;
    file.flush()?;
    file.rewind()?;
    Ok((file, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_is_named_or_the_only_one() {
        assert_eq!(choose(&["a"], None), Ok("a"));
        assert_eq!(choose(&["a", "b"], Some("b")), Ok("b"));
        let said = |names: &[&str], wanted| choose(names, wanted).unwrap_err();
        assert_eq!(said(&["a", "b"], None), "it holds 2 arrays: a, b; name one of them, as FILE:NAME");
        assert_eq!(said(&["a", "b"], Some("c")), "it holds no array c; there are: a, b");
        assert!(said(&[], Some("c")).contains("holds no array"));
        assert!(said(&["x"; 23], None).ends_with("x, x and 3 more; name one of them, as FILE:NAME"));
    }
}
