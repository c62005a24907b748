//! What Ctrl-C and a request to end leave behind: nothing.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::terminal;

/// The exit status after an interruption, as shells have it for Ctrl-C.
const STATUS: i32 = 130;

/// The unfinished files that an interruption removes.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The unfinished files; while the guard is held no interruption is acted on.
pub fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C, SIGTERM and SIGHUP remove the unfinished files and end the process.
///
/// Each of them that the parent has ignored, as `nohup` does with SIGHUP, stays ignored.
#[cfg(unix)]
pub fn catch() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal));
    // Where this fails, a signal ends the process as it would without it.
    if let Ok(mut signals) = Signals::new(heeded) {
        let wait = move || {
            if signals.forever().next().is_some() {
                end()
            }
        };
        let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
    }
}

/// From now on Ctrl-C and the like remove the unfinished files and end the process.
#[cfg(not(unix))]
pub fn catch() {
    let _ = ctrlc::try_set_handler(end);
}

#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call changes nothing and fills in the old one, for which all
    // zeros is a value as well. No crate we use asks without setting, and between setting and
    // setting back a signal would be lost.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

fn end() {
    let mut paths = unfinished();
    for path in paths.drain(..) {
        let _ = std::fs::remove_file(path);
    }
    terminal::clear_line();
    terminal::tell("error: interrupted; no output was written");
    // The guard is still held: no file can get its final name any more.
    std::process::exit(STATUS);
}
