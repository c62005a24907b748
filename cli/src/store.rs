//! What a run leaves for later ones: compiled pipelines and measured costs, in the user's cache
//! directory. Nothing of it is needed: what is missing, damaged or cannot be written is done without.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;

use wgpu_softmax::gpu::Compiled;
use wgpu_softmax::gpu::adapter::AdapterEntry;
use wgpu_softmax::wgpu::util::pipeline_cache_key;

use crate::costs::Measured;
use crate::interrupt;

/// Our folder in the cache directory.
const FOLDER: &str = "wgpu-softmax";
/// The file of measured costs.
const COSTS: &str = "costs.json";
/// Bytes of a file at most. Pipelines only ever add up: beyond it they start anew.
const MOST: u64 = 16 << 20;
/// Set to anything, it has every run do without.
const OFF: &str = "SOFTMAX_NO_CACHE";

/// The folder, or none where nothing is kept.
#[derive(Debug)]
pub struct Store {
    folder: Option<PathBuf>,
}

impl Store {
    /// The user's, unless it was turned off.
    pub fn new(off: bool) -> Self {
        let off = off || std::env::var_os(OFF).is_some_and(|value| !value.is_empty());
        Self { folder: if off { None } else { cache_directory().map(|path| path.join(FOLDER)) } }
    }

    /// The pipelines kept for an adapter; nothing where there are none, or none that are whole.
    pub fn compiled(&self, entry: &AdapterEntry) -> Compiled {
        let bytes = pipeline_cache_key(&entry.info).and_then(|key| self.read(&key));
        // SAFETY: we wrote the file, in a folder that only this user can write to. Whoever else could
        // change it could as well change the programs that this user runs.
        bytes.and_then(|bytes| unsafe { Compiled::from_bytes(&bytes) }).unwrap_or_default()
    }

    /// Keeps the pipelines of an adapter, where they are others than `before`.
    pub fn keep_compiled(&self, entry: &AdapterEntry, before: &Compiled, now: &Compiled) {
        if let Some(key) = pipeline_cache_key(&entry.info).filter(|_| before != now) {
            self.write(&key, &now.to_bytes());
        }
    }

    /// What was measured on this machine.
    pub fn measured(&self) -> Measured {
        let bytes = self.read(COSTS).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Keeps what was measured.
    pub fn keep_measured(&self, measured: &Measured) {
        if let Ok(bytes) = serde_json::to_vec(measured) {
            self.write(COSTS, &bytes);
        }
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(name);
        // Whatever is no file, such as a pipe, might never end.
        if !fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(MOST + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= MOST).then_some(bytes)
    }

    /// Replaces a file in one step: of several processes at once the last one's stays, whole.
    fn write(&self, name: &str, bytes: &[u8]) {
        let Some(folder) = &self.folder else { return };
        if bytes.len() as u64 > MOST {
            let _ = fs::remove_file(folder.join(name));
            return;
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let _ = builder.create(folder);
        // Held to the end: no interruption ends the process between the file's beginning and its name.
        let _guard = interrupt::outputs();
        let file = tempfile::Builder::new().prefix(".").suffix(".unfinished").tempfile_in(folder);
        let Ok(mut file) = file else { return };
        if file.as_file_mut().write_all(bytes).is_ok() {
            let _ = file.persist(folder.join(name));
        }
    }
}

/// Where this system keeps what may be deleted at any time.
fn cache_directory() -> Option<PathBuf> {
    let from = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(path) = from("XDG_CACHE_HOME") {
        return Some(path);
    }
    if cfg!(windows) {
        return from("LOCALAPPDATA");
    }
    from("HOME").map(|home| home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }))
}
