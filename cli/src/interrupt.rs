//! What Ctrl-C and a request to end leave behind: nothing.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::terminal;

/// The exit status after an interruption, as shells have it for Ctrl-C.
const STATUS: i32 = 130;

/// The unfinished file that an interruption removes.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The unfinished file; while the guard is held no interruption is acted on.
pub fn unfinished() -> MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C, SIGTERM and SIGHUP remove the unfinished file and end the process.
///
/// Where the parent has one of these ignored, as `nohup` does, all of them stay as they are.
pub fn catch() {
    let _ = ctrlc::try_set_handler(|| {
        let mut path = unfinished();
        if let Some(path) = path.take() {
            let _ = std::fs::remove_file(path);
        }
        terminal::clear_line();
        terminal::tell("error: interrupted; no output was written");
        // The guard is still held: the file cannot get its final name any more.
        std::process::exit(STATUS);
    });
}
