//! Real processes on real files.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory with files for one test.
pub struct Bench {
    dir: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and gives its name.
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        name.to_owned()
    }

    /// Writes an f32 array in C order.
    pub fn array(&self, name: &str, shape: &str, values: &[f32]) -> String {
        self.file(name, &npy("<f4", shape, &bytes(values)))
    }

    /// Where the command keeps what it leaves for later runs.
    pub fn cache(&self) -> PathBuf {
        self.cache.path().join("wgpu-softmax")
    }

    /// The command, to be run in the directory.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_softmax"));
        command.args(line.split_whitespace()).current_dir(self.dir.path()).stdin(Stdio::null());
        // Without it a layer of Mesa's Vulkan driver complains on standard error.
        command.env("XDG_RUNTIME_DIR", self.dir.path());
        command.env("XDG_CACHE_HOME", self.cache.path()).env_remove("SOFTMAX_NO_CACHE");
        command
    }

    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Runs what must succeed, and gives its standard output.
    pub fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs `softmax run` on the CPU from one file to `out.npy`, and gives what was written.
    pub fn compute(&self, input: &str, options: &str) -> (String, Vec<f32>) {
        self.ok(&format!("run {input} -o out.npy --device cpu {options}"));
        read_npy(&self.path("out.npy"))
    }

    /// The names in the directory, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A file as NumPy writes it; the shape is Python text.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    npy_of(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), data)
}

pub fn npy_of(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut header = dictionary.to_owned();
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

/// Reads what the command wrote: the shape as Python text, and the elements.
pub fn read_npy(path: &Path) -> (String, Vec<f32>) {
    let file = std::fs::read(path).unwrap();
    assert_eq!(file[..8], *b"\x93NUMPY\x01\x00");
    let data = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    assert_eq!(data % 64, 0);
    let header = std::str::from_utf8(&file[10..data]).unwrap();
    let (before, shape) = header.split_once("'shape': ").unwrap();
    let fortran = before == "{'descr': '<f4', 'fortran_order': True, ";
    assert!(fortran || before == "{'descr': '<f4', 'fortran_order': False, ", "{before}");
    let axes = shape.trim_end().strip_suffix("), }").unwrap().strip_prefix('(').unwrap();
    let axes: Vec<usize> = axes.split(',').filter_map(|axis| axis.trim().parse().ok()).collect();
    let values: Vec<f32> =
        file[data..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let values = match axes[..] {
        [rows, cols] if fortran => (0..rows * cols).map(|i| values[i / cols + i % cols * rows]).collect(),
        _ => values,
    };
    (shape.trim_end().strip_suffix(", }").unwrap().to_owned(), values)
}

/// Within a few ulp of what is expected, and NaN where NaN is expected.
#[track_caller]
pub fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        let close = (a - b).abs() <= 1e-6 * b.abs().max(1e-3);
        assert!(close || a == b || (a.is_nan() && b.is_nan()), "{found:?} is not {expected:?}");
    }
}

/// Runs what must fail, and gives its one line.
#[track_caller]
pub fn refused(bench: &Bench, line: &str) -> String {
    let before = bench.names();
    let output = bench.run(line);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{line}: {said}");
    assert!(
        said.starts_with("error: ") && said.ends_with('\n') && said.lines().count() == 1,
        "{line}: {said:?}"
    );
    assert!(output.stdout.is_empty(), "{line}: {}", text(&output.stdout));
    assert_eq!(bench.names(), before, "{line} left a file behind");
    said
}

/// The same, where the line says each of `words`.
#[track_caller]
pub fn refused_with(bench: &Bench, line: &str, words: &[&str]) {
    let said = refused(bench, line);
    for word in words {
        assert!(said.contains(word), "{line}: {said:?} does not say {word:?}");
    }
}

/// The numbers of the adapters that tests run on: all, or those of which `SOFTMAX_ADAPTERS` names a
/// part of the name or the backend. None at all is a failure, not a reason to skip.
pub fn adapters(bench: &Bench) -> Vec<u64> {
    let list: serde_json::Value = serde_json::from_str(&bench.ok("devices --json")).unwrap();
    let wanted = std::env::var("SOFTMAX_ADAPTERS").unwrap_or_default().to_lowercase();
    let mut kept = Vec::new();
    for adapter in list["adapters"].as_array().unwrap() {
        let name =
            format!("{}: {} ({})", adapter["index"], adapter["name"], adapter["backend"]).to_lowercase();
        if wanted.split(',').any(|part| name.contains(part.trim())) {
            kept.push(adapter["index"].as_u64().unwrap());
        } else {
            println!("left out by SOFTMAX_ADAPTERS={wanted}: {name}");
        }
    }
    assert!(
        !kept.is_empty(),
        "no adapter: install a Vulkan driver (mesa-vulkan-drivers on Debian and Ubuntu)"
    );
    kept
}
