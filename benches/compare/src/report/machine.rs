//! The machine, as far as it says what it is.

use std::fs;

use serde::{Deserialize, Serialize};

/// Where a report was made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Threads that the system offers this program.
    pub threads: usize,
    /// The operating system and architecture.
    pub system: String,
    /// The GPU adapter of the GPU's section.
    pub adapter: String,
    /// Programs that wanted to run, averaged over a minute, before the first round and after the
    /// last, this comparison's own among the latter.
    pub load: [Option<f64>; 2],
    /// When it began, in seconds since 1970.
    pub unix_seconds: u64,
}

impl Machine {
    /// This machine, now.
    pub fn here() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            processor: processor().unwrap_or_else(|| "unknown processor".to_owned()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", system(), std::env::consts::ARCH),
            adapter: String::new(),
            load: [load(), None],
            unix_seconds: now.map_or(0, |since| since.as_secs()),
        }
    }
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|l| l.strip_prefix("PRETTY_NAME="));
    name.map_or(std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

/// The load of the last minute, where the system tells it.
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}
