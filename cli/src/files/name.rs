//! How a file, and an array in it, are named on the command line.

use std::path::{Path, PathBuf};

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// One array, as `numpy.save` writes it.
    Npy,
    /// A zip archive of such files, as `numpy.savez` writes it.
    Npz,
    /// Named tensors behind a header of JSON.
    Safetensors,
}

impl Container {
    /// What a name's ending says; `None` where it says nothing.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|container| container.name() == ending)
    }

    const ALL: [Container; 3] = [Container::Npy, Container::Npz, Container::Safetensors];

    /// The ending of its files' names.
    pub fn name(self) -> &'static str {
        match self {
            Container::Npy => "npy",
            Container::Npz => "npz",
            Container::Safetensors => "safetensors",
        }
    }
}

/// A file, and the array in it where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The file.
    pub path: PathBuf,
    /// The array.
    pub array: Option<String>,
}

impl From<PathBuf> for Name {
    fn from(path: PathBuf) -> Self {
        Self { path, array: None }
    }
}

impl Name {
    /// `FILE.npz:ARRAY` and `FILE.safetensors:ARRAY`, or a file alone: other names may have colons in them.
    pub fn of(path: &Path) -> Self {
        let alone = || Self::from(path.to_owned());
        let Some(text) = path.to_str().filter(|_| !path.exists()) else { return alone() };
        let lower = text.to_ascii_lowercase();
        let ends =
            [".npz:", ".safetensors:"].into_iter().filter_map(|end| Some(lower.find(end)? + end.len()));
        match ends.min() {
            Some(at) if at < text.len() => {
                Self { path: text[..at - 1].into(), array: Some(text[at..].to_owned()) }
            }
            _ => alone(),
        }
    }
}

/// What is wrong with the name of an output: what stands behind a colon there names an array.
pub fn check_output(path: &Path) -> Result<(), String> {
    let name = path.file_name().and_then(|name| name.to_str()).filter(|_| !path.exists());
    let lower = name.unwrap_or_default().to_ascii_lowercase();
    match lower.rsplit_once(':') {
        Some((file, "")) if Container::of(Path::new(file)).is_some() => {
            Err("no name stands behind the colon; give one, as FILE.npz:NAME, or leave the colon out".into())
        }
        Some(_) if lower.contains(".npy:") => {
            Err("a .npy file holds one array without a name; leave out what is behind .npy, or write a .npz"
                .into())
        }
        _ => Ok(()),
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.array {
            None => write!(f, "{}", self.path.display()),
            Some(array) => write!(f, "{}:{}", self.path.display(), super::header::short(array, 80)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_has_a_name_where_there_is_a_colon() {
        for wrong in ["y.npz:", "dir/Y.Safetensors:", "y.npy:a", "y.npy:", "y.npy:a:b"] {
            assert!(check_output(Path::new(wrong)).is_err(), "{wrong}");
        }
        for good in ["y.npy", "y.npz:a", "y.npz:a:", "C:/y.npy", "a:b", "dir.npy:/y.npy", "..", ""] {
            assert_eq!(check_output(Path::new(good)), Ok(()), "{good}");
        }
    }

    #[test]
    fn an_array_is_named_behind_a_colon() {
        let split = |text: &str| {
            let Name { path, array } = Name::of(Path::new(text));
            (path.to_str().unwrap().to_owned(), array)
        };
        let with = |path: &str, array: &str| (path.to_owned(), Some(array.to_owned()));
        assert_eq!(split("x.npz:a"), with("x.npz", "a"));
        assert_eq!(split("C:/x.Safetensors:model.0:w"), with("C:/x.Safetensors", "model.0:w"));
        for alone in ["x.npy", "x.npy:a", "C:/x.npz", "x.npz:", ""] {
            assert_eq!(split(alone), (alone.to_owned(), None));
        }
    }
}
